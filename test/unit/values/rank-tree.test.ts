/** The tree's shape under the usual loads, and each question at its edges. */
import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { makeElement } from "../../../src/memory/element.ts";
import { RankTree } from "../../../src/values/_rank-tree.ts";
import { randomFrom } from "../../support/random.ts";
import { RankTreeSubject } from "./_rank-tree-subject.ts";

const COUNT = 20_000;
const FULL_LEAVES_BYTES = Math.ceil(COUNT / 84) * 1024;
/** Full inner nodes add a fiftieth; half-full ones would add a twenty-fifth. */
const FULL_TREE_BYTES = FULL_LEAVES_BYTES * 1.03;

function ascending(count: number): RankTreeSubject {
  const subject = new RankTreeSubject();
  for (let i = 0; i < count; i++) subject.insert(i, `m${i}`);
  return subject;
}

describe("leaves stay full", () => {
  test("where scores ascend", () => {
    const subject = ascending(COUNT);
    subject.check();
    expect(subject.tree.sizeBytes).toBeLessThan(FULL_TREE_BYTES);
    subject.destroy();
  });

  test("where scores descend", () => {
    const subject = new RankTreeSubject();
    for (let i = COUNT; i > 0; i--) subject.insert(i, `m${i}`);
    subject.check();
    expect(subject.tree.sizeBytes).toBeLessThan(FULL_TREE_BYTES);
    subject.destroy();
  });

  test("where elements are appended, equal scores among them", () => {
    const subject = new RankTreeSubject();
    for (let i = 0; i < COUNT; i++) {
      subject.append(Math.floor(i / 100), `m${String(i % 100).padStart(2, "0")}`);
    }
    subject.check();
    expect(subject.tree.sizeBytes).toBeLessThan(FULL_TREE_BYTES);
    subject.destroy();
  });
});

test("random inserts leave leaves about two thirds full", () => {
  const random = randomFrom(1);
  const subject = new RankTreeSubject();
  for (let i = 0; i < COUNT; i++) subject.insert(random.below(1e9), `m${i}`);
  subject.check();
  expect(FULL_LEAVES_BYTES / subject.tree.sizeBytes).toBeWithin(0.6, 0.75);
  subject.destroy();
});

test("a tree that shrinks gives its nodes back, whichever end it shrinks from", () => {
  for (const place of [0, 0.3, 1]) {
    const subject = ascending(COUNT);
    while (subject.items.length > 100) {
      subject.removeAt(Math.floor((subject.items.length - 1) * place));
    }
    subject.check();
    expect(subject.tree.sizeBytes).toBeLessThanOrEqual(5 * 1024);
    while (subject.items.length > 0) subject.removeAt(0);
    subject.check();
    expect(subject.usedBytes).toBe(0);
  }
});

test("ranges are removed from anywhere, given away in order, down to nothing", () => {
  for (const [rank, count] of [
    [0, 0],
    [0, 1],
    [0, 84],
    [83, 2],
    [84, 84],
    [1, COUNT - 2],
    [5000, 10_000],
    [0, COUNT - 1],
    [1, COUNT - 1],
    [0, COUNT],
  ]) {
    const subject = ascending(COUNT);
    subject.removeRange(rank, count);
    subject.check();
    subject.insert(0.5, "new");
    subject.check();
    subject.destroy();
  }
});

test("scores count as numbers do: minus zero is zero, infinities are the ends", () => {
  const subject = new RankTreeSubject();
  const { tree } = subject;
  for (const [score, member] of [
    [0, "b"],
    [-0, "a"],
    [-0, "c"],
    [Infinity, "z"],
    [-Infinity, "y"],
    [5e-324, "d"],
    [-5e-324, "e"],
    [1.7976931348623157e308, "f"],
  ] as const) {
    subject.insert(score, member);
  }
  subject.check();
  const order: string[] = [];
  tree.seek(0);
  do order.push(subject.memberOf(tree.cursorRef));
  while (tree.next());
  expect(order.join("")).toBe("yeabcdfz");
  expect([tree.countBelow(0, false), tree.countBelow(-0, true)]).toEqual([2, 5]);
  expect([tree.countBelow(-Infinity, false), tree.countBelow(-Infinity, true)]).toEqual([0, 1]);
  expect([tree.countBelow(Infinity, false), tree.countBelow(Infinity, true)]).toEqual([7, 8]);
  subject.destroy();
});

test("equal scores go by bytes: the shorter first, high bytes last, long members too", () => {
  const subject = new RankTreeSubject();
  const long = "x".repeat(5000);
  const sorted = [
    "",
    "\x00",
    "\x00\x00",
    "a",
    "a\x00",
    "ab",
    "b",
    long,
    `${long}!`,
    "\x80",
    "\xff",
  ];
  for (const member of sorted.toReversed()) subject.insert(7, member);
  subject.check();
  const { tree } = subject;
  sorted.forEach((member, rank) => {
    tree.seek(rank);
    expect(subject.memberOf(tree.cursorRef)).toBe(member);
    expect(tree.rankOf(7, tree.cursorRef)).toBe(rank);
    const bytes = bytesOf(`--${member}`);
    expect(tree.countBelowMember(bytes, 2, member.length, false)).toBe(rank);
    expect(tree.countBelowMember(bytes, 2, member.length, true)).toBe(rank + 1);
  });
  subject.destroy();
});

test("a member that was looked for without being read is not mistaken for the next one", () => {
  const subject = new RankTreeSubject();
  const { tree } = subject;
  subject.insert(1, "m");
  for (const [text, below] of [
    ["a", 0],
    ["m", 0],
    ["z", 1],
  ] as const) {
    expect(tree.rankOf(1, subject.items[0].ref)).toBe(0);
    expect(tree.countBelowMember(bytesOf(text), 0, 1, false)).toBe(below);
  }
  subject.destroy();
});

test("the cursor stops at both ends", () => {
  const subject = ascending(300);
  const { tree } = subject;
  tree.seek(299);
  expect([tree.next(), tree.cursorScore]).toEqual([false, 299]);
  for (let score = 298; score >= 0; score--) {
    expect([tree.previous(), tree.cursorScore]).toEqual([true, score]);
  }
  expect([tree.previous(), tree.cursorScore]).toEqual([false, 0]);
  subject.destroy();
});

test("an empty tree has nothing below anything, and can be filled again", () => {
  const subject = new RankTreeSubject();
  const { tree } = subject;
  expect([tree.size, tree.sizeBytes, tree.countBelow(Infinity, true)]).toEqual([0, 0, 0]);
  expect(tree.countBelowMember(bytesOf("a"), 0, 1, true)).toBe(0);
  expect(tree.freeNodes(1)).toBe(false);
  for (let i = 0; i < 1000; i++) subject.insert(i, `m${i}`);
  subject.destroy();
  for (let i = 0; i < 1000; i++) subject.insert(i, `m${i}`);
  subject.check();
  subject.destroy();
});

test("nodes are freed in slices of the budget", () => {
  const { arena, tree } = ascending(10_000);
  const nodes = tree.sizeBytes / 1024;
  const used = arena.usedBytes;
  for (let left = nodes; left > 0; left -= 10) {
    expect(tree.freeNodes(10)).toBe(left > 10);
    expect(used - arena.usedBytes).toBe(Math.min(nodes - left + 10, nodes) * 1024);
  }
  expect([tree.size, tree.sizeBytes]).toEqual([0, 0]);
});

test("what is not in the tree is a bug of the caller", () => {
  const arena = new Arena();
  const tree = new RankTree(arena);
  const bytes = bytesOf("abc");
  const held = makeElement(arena, bytes, 0, 1, true, 1);
  const same = makeElement(arena, bytes, 0, 1, true, 1);
  expect(() => tree.remove(1, held)).toThrow("the element is in the tree");
  tree.insert(1, held);
  expect(() => tree.remove(1, same)).toThrow("the element is in the tree");
  expect(() => tree.remove(2, held)).toThrow("the element is in the tree");
  expect(() => tree.rankOf(0, held)).toThrow("the element is in the tree");
  expect(() => tree.replaceRef(1, same, held)).toThrow("the element is in the tree");
  expect(() => tree.seek(1)).toThrow("below the size");
  expect(() => tree.removeRange(0, 2, () => {})).toThrow("within the tree");
  expect(() => tree.append(0, same)).toThrow("appended in order");
  tree.remove(1, held);
  expect(tree.size).toBe(0);
});
