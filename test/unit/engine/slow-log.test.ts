import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { command, SKIP_SLOWLOG } from "../../../src/engine/command.ts";
import { Session } from "../../../src/engine/session.ts";
import { SlowLog } from "../../../src/engine/slow-log.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { Database } from "../../../src/keyspace/database.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";

const NOW_MS = 1_700_000_000_999;
const NO_SECRETS: ReadonlySet<number> = new Set();

const session = new Session(
  1,
  new Database(0, new KeyspaceContext(new ManualClock(NOW_MS), new Random(1))),
  NOW_MS,
);

function argumentsOf(...parts: string[]): Arguments {
  const args = new Arguments();
  args.assign(parts.map(bytesOf));
  return args;
}

function commandWith(flags: number) {
  return command({
    name: "x",
    group: "server",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    arity: 1,
    flags,
    run: () => {},
  });
}

test("wants calls from the threshold on; none when it is negative or the command says so", () => {
  const log = new SlowLog();
  log.thresholdUs = 100;
  expect(log.wants(commandWith(0), 99.9)).toBe(false);
  expect(log.wants(commandWith(0), 100)).toBe(true);
  expect(log.wants(commandWith(SKIP_SLOWLOG), 1e6)).toBe(false);
  log.thresholdUs = -1;
  expect(log.wants(commandWith(0), 1e6)).toBe(false);
  log.thresholdUs = 0;
  expect(log.wants(commandWith(0), 0)).toBe(true);
});

test("entries are numbered, newest first, and the oldest make room", () => {
  const log = new SlowLog();
  log.maxLength = 3;
  for (let i = 0; i < 5; i++) log.add(i + 0.7, session, argumentsOf("x"), NO_SECRETS, NOW_MS);
  expect(log.newest(-1).map(({ id, durationUs }) => [id, durationUs])).toEqual([
    [4, 4],
    [3, 3],
    [2, 2],
  ]);
  expect(log.newest(1).map(({ id }) => id)).toEqual([4]);
  expect(log.newest(0)).toEqual([]);
  expect(log.newest(10)[0].atSeconds).toBe(1_700_000_000);
  log.maxLength = 1;
  log.trim();
  expect(log.length).toBe(1);
  log.reset();
  expect(log.length).toBe(0);
  log.add(1, session, argumentsOf("x"), NO_SECRETS, NOW_MS);
  expect(log.newest(1)[0].id).toBe(5);
});

test("long arguments and long lists of arguments are cut, and say by how much", () => {
  const log = new SlowLog();
  const shown = (...parts: string[]): readonly string[] => {
    log.add(1, session, argumentsOf(...parts), NO_SECRETS, NOW_MS);
    return log.newest(1)[0].args;
  };
  expect(shown("x", "a".repeat(128))).toEqual(["x", "a".repeat(128)]);
  expect(shown("x", "a".repeat(131))).toEqual(["x", `${"a".repeat(128)}... (3 more bytes)`]);
  const many = Array.from({ length: 40 }, (_, i) => String(i));
  expect(shown(...many.slice(0, 32))).toEqual(many.slice(0, 32));
  expect(shown(...many.slice(0, 33))).toEqual([...many.slice(0, 31), "... (2 more arguments)"]);
});

test("secrets are not shown, however long", () => {
  const log = new SlowLog();
  log.add(1, session, argumentsOf("AUTH", "u", "p".repeat(300)), new Set([1, 2]), NOW_MS);
  expect(log.newest(1)[0].args).toEqual(["AUTH", "(redacted)", "(redacted)"]);
});
