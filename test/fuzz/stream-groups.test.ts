/**
 * Random commands of consumer groups against redis-server: equal replies, and after a restart from
 * the AOF an equal state. Consumers are made in time, since 7.2 makes some that 7.0 doesn't; what
 * tells of times is compared without them.
 */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { type Random, scale, seededRandom } from "../support/random.ts";
import { splitLine } from "../support/readable.ts";
import { PEDIS, startServer } from "../support/server.ts";

const KEYS = ["s", "t"];
const GROUPS = ["g", "h"];
const CONSUMERS = ["a", "b", "c"];
const ROUNDS = 60;
const COMMANDS_PER_ROUND = 40;

const random = seededRandom("stream groups");

/** IDs few enough that they meet. */
const id = (r: Random): string => `${r.between(0, 40)}-${r.between(0, 3)}`;
const ids = (r: Random): string => Array.from({ length: r.between(1, 6) }, () => id(r)).join(" ");
const maybe = (r: Random, words: string): string => (r.chance(0.4) ? ` ${words}` : "");
const start = (r: Random): string => r.pick(["0", "-", id(r), `(${id(r)}`]);

type Maker = (r: Random, key: string, group: string, consumer: string) => string;

const MAKERS: readonly (readonly [weight: number, make: Maker])[] = [
  [14, (r, key) => `XADD ${key} ${r.chance(0.9) ? "*" : id(r)} f v`],
  [2, (r, key) => `XDEL ${key} ${ids(r)}`],
  [0.3, (r, key) => `XTRIM ${key} MAXLEN ${r.below(30)}`],
  [0.1, (_, key) => `DEL ${key}`],
  [0.3, (r, key) => `XSETID ${key} ${id(r)}${maybe(r, "ENTRIESADDED 1000 MAXDELETEDID 3-0")}`],
  [1, (r, key, g) => `XGROUP CREATE ${key} ${g} ${id(r)}${maybe(r, "ENTRIESREAD 3")}`],
  [0.5, (_, key, g) => `XGROUP CREATE ${key} ${g} $ MKSTREAM`],
  [1, (r, key, g) => `XGROUP SETID ${key} ${g} ${r.pick(["0", "$", id(r)])}`],
  [0.1, (_, key, g) => `XGROUP DESTROY ${key} ${g}`],
  [0.3, (_, key, g, c) => `XGROUP DELCONSUMER ${key} ${g} ${c}`],
  [10, (r, key, g, c) => `XREADGROUP GROUP ${g} ${c} COUNT ${r.below(9)} STREAMS ${key} >`],
  [1, (r, _, g, c) => `XREADGROUP GROUP ${g} ${c}${maybe(r, "NOACK")} STREAMS s t > >`],
  [2, (r, key, g, c) => `XREADGROUP GROUP ${g} ${c} COUNT 9 STREAMS ${key} ${id(r)}`],
  [8, (r, key, g) => `XACK ${key} ${g} ${ids(r)}`],
  [2, (r, key, g, c) => `XCLAIM ${key} ${g} ${c} 0 ${ids(r)}${maybe(r, "FORCE")}`],
  [1, (r, key, g, c) => `XCLAIM ${key} ${g} ${c} 0 ${ids(r)} JUSTID LASTID ${id(r)}`],
  [1, (r, key, g, c) => `XCLAIM ${key} ${g} ${c} 0 ${ids(r)} TIME 1 RETRYCOUNT 8`],
  [2, (r, key, g, c) => `XAUTOCLAIM ${key} ${g} ${c} 0 ${start(r)} COUNT ${r.between(1, 9)}`],
  [2, (_, key, g) => `XPENDING ${key} ${g}`],
  [2, (r, key, g) => `XPENDING ${key} ${g} ${start(r)} + 9${maybe(r, r.pick(CONSUMERS))}`],
  [2, (_, key) => `XINFO GROUPS ${key}`],
];

test.skipIf(findOracle() === null)(
  "groups of random streams beside redis-server",
  async () => {
    const oracle = findOracle() ?? PEDIS;
    await using ours = await startServer({ directives: ["appendonly yes", "appendfsync no"] });
    await using theirs = await startServer({ program: oracle });
    const replies = async (lines: readonly string[]): Promise<string[]> => {
      const commands = lines.map(splitLine);
      const [mine, wanted] = await Promise.all(
        [ours, theirs].map((server) => server.withClient((client) => client.pipeline(commands))),
      );
      const texts = mine.map(({ value }, i) => `${lines[i]}: ${shown(lines[i], value)}`);
      expect(texts).toEqual(wanted.map(({ value }, i) => `${lines[i]}: ${shown(lines[i], value)}`));
      return texts;
    };
    let nextMs = 1;
    for (let round = 0; round < scale(ROUNDS); round++) {
      const lines: string[] = [];
      for (let i = 0; i < COMMANDS_PER_ROUND; i++) {
        const line = drawn(random).replace("*", () => `${nextMs++}-1`);
        lines.push(line);
        const made = /^XGROUP (?:CREATE|DELCONSUMER) (\S+) (\S+)/.exec(line);
        if (made === null) continue;
        lines.push(...CONSUMERS.map((c) => `XGROUP CREATECONSUMER ${made[1]} ${made[2]} ${c}`));
      }
      await replies(lines);
    }
    const questions = [...KEYS.map((key) => `XINFO STREAM ${key} FULL COUNT 0`), "DEBUG DIGEST"];
    const state = async (): Promise<unknown> => {
      const answers = await ours.withClient((client) => client.pipeline(questions.map(splitLine)));
      return answers.map(({ value }) => withoutConsumerTimes(value));
    };
    const before = await state();
    await ours.restart();
    expect(await state()).toEqual(before);
  },
  120_000,
);

function drawn(r: Random): string {
  const total = MAKERS.reduce((sum, [weight]) => sum + weight, 0);
  let point = (r.below(1e6) / 1e6) * total;
  const [, make] = MAKERS.find(([weight]) => (point -= weight) < 0) ?? MAKERS[0];
  return make(r, r.pick(KEYS), r.pick(GROUPS), r.pick(CONSUMERS));
}

/** The reply without the idle times in XPENDING's. */
function shown(line: string, value: unknown): string {
  if (!line.startsWith("XPENDING") || !Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(
    value.map((entry: unknown) =>
      Array.isArray(entry) && entry.length === 4 ? entry.toSpliced(2, 1) : entry,
    ),
  );
}

/** Consumers' times are not persisted. */
function withoutConsumerTimes(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((part: unknown, i) =>
    value[i - 1] === "seen-time" || value[i - 1] === "active-time"
      ? null
      : withoutConsumerTimes(part),
  );
}
