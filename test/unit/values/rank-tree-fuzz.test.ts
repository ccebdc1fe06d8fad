/**
 * The tree against a sorted array. Small nodes make it high with few elements; few scores and long
 * common prefixes make it compare members.
 */
import { expect, test } from "bun:test";
import { bytesOf, compareBytes } from "../../../src/base/bytes.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { type Item, RankTreeSubject } from "./_rank-tree-subject.ts";

const random = seededRandom("rank tree");
const PREFIX = "a-prefix-that-many-members-share:".repeat(3);

/** How scores and members are drawn. */
interface Draw {
  readonly name: string;
  score(): number;
  member(): string;
}

const DRAWS: readonly Draw[] = [
  { name: "all scores differ", score: () => random.below(2 ** 32) / 7, member: shortMember },
  {
    name: "few scores",
    score: () => random.between(-3, 3) * (random.chance(0.5) ? 1 : -0),
    member,
  },
  { name: "one score", score: () => 1, member },
  { name: "some infinite scores", score: anyScore, member: shortMember },
];

function shortMember(): string {
  return random.word(random.between(0, 8));
}

function member(): string {
  if (random.chance(0.001)) return PREFIX.repeat(50) + random.word(2);
  return (random.chance(0.5) ? PREFIX : "") + random.word(random.between(0, 6));
}

function anyScore(): number {
  return random.pick([Infinity, -Infinity, 0, -0, 1e300, random.below(1000), -random.below(1000)]);
}

for (const [leafCapacity, innerCapacity, size] of [
  [4, 4, 800],
  [7, 5, 3000],
  [84, 4, 6000],
  [84, 50, 20_000],
] as const) {
  test.each(DRAWS)(`$name, nodes of ${leafCapacity} and ${innerCapacity}`, (draw) => {
    const subject = new RankTreeSubject(leafCapacity, innerCapacity);
    for (let phase = 0; phase < scale(4); phase++) {
      const target = phase % 2 === 0 ? random.between(size >>> 1, size) : random.below(size >>> 2);
      const moves = random.chance(0.5);
      fill(subject, draw, target);
      subject.check();
      for (let i = 0; i < 20; i++) {
        for (let j = 0; j < 40; j++) {
          change(subject, draw);
          if (moves) subject.moveNodes(random);
        }
        ask(subject, draw);
        if (i % 4 === 0) subject.check();
      }
      subject.check();
      walk(subject);
    }
    subject.destroy();
  });
}

/** Grows or shrinks to about `target`, in one of several ways. */
function fill(subject: RankTreeSubject, draw: Draw, target: number): void {
  const { items } = subject;
  for (let tries = 0; items.length < target && tries < target * 2; tries++) {
    subject.insert(draw.score(), draw.member());
  }
  const place = random.pick([0, 1, Number.NaN]);
  while (items.length > target) {
    if (random.chance(0.001)) subject.removeRange(...range(items.length, items.length - target));
    else {
      const at = Number.isNaN(place) ? random.below(items.length) : place * (items.length - 1);
      subject.removeAt(at);
    }
  }
}

function range(size: number, most: number): [number, number] {
  const count = random.between(0, Math.min(size, most));
  return [random.between(0, size - count), count];
}

function change(subject: RankTreeSubject, draw: Draw): void {
  const { items } = subject;
  const choice = random.below(100);
  if (items.length === 0 || choice < 45) subject.insert(draw.score(), draw.member());
  else if (choice < 85) subject.removeAt(random.below(items.length));
  else if (choice < 98) subject.moveAt(random.below(items.length), random.chance(0.5));
  else if (choice < 99) subject.removeRange(...range(items.length, 20));
  else subject.removeRange(...range(items.length, items.length >>> 3));
}

function ask(subject: RankTreeSubject, draw: Draw): void {
  const { items, tree } = subject;
  if (items.length > 0) {
    const rank = random.below(items.length);
    const { score, ref } = items[rank];
    expect(tree.rankOf(score, ref)).toBe(rank);
    steps(subject, rank);
  }
  const score = items.length > 0 && random.chance(0.5) ? random.pick(items).score : draw.score();
  expect(tree.countBelow(score, false)).toBe(items.filter((item) => item.score < score).length);
  expect(tree.countBelow(score, true)).toBe(items.filter((item) => item.score <= score).length);
  if (draw.name !== "one score") return;
  const bytes =
    items.length > 0 && random.chance(0.5) ? random.pick(items).bytes : bytesOf(member());
  const order = (item: Item) =>
    compareBytes(item.bytes, 0, item.bytes.length, bytes, 0, bytes.length);
  const below = items.filter((item) => order(item) < 0).length;
  const upTo = items.filter((item) => order(item) <= 0).length;
  expect(tree.countBelowMember(bytes, 0, bytes.length, false)).toBe(below);
  expect(tree.countBelowMember(bytes, 0, bytes.length, true)).toBe(upTo);
}

/** Seeks to a rank and strolls back and forth from there. */
function steps({ items, tree }: RankTreeSubject, from: number): void {
  let rank = from;
  tree.seek(rank);
  for (let i = 0; i < 60; i++) {
    expect([tree.cursorRef, tree.cursorScore]).toEqual([items[rank].ref, items[rank].score]);
    const forward = random.chance(i < 40 ? 0.8 : 0.1);
    const next = rank + (forward ? 1 : -1);
    const isThere = next >= 0 && next < items.length;
    expect(forward ? tree.next() : tree.previous()).toBe(isThere);
    if (isThere) rank = next;
  }
}

/** Every element by its rank, every rank by its element, and from end to end. */
function walk({ items, tree }: RankTreeSubject): void {
  items.forEach(({ score, ref }, rank) => {
    if (tree.rankOf(score, ref) !== rank) throw new Error(`another rank than ${rank}`);
    tree.seek(rank);
    if (tree.cursorRef !== ref) throw new Error(`another element at rank ${rank}`);
  });
  if (items.length === 0) return;
  tree.seek(0);
  let seen = 0;
  do if (tree.cursorRef !== items[seen++].ref) throw new Error(`another element at ${seen - 1}`);
  while (tree.next());
  expect(seen).toBe(items.length);
}
