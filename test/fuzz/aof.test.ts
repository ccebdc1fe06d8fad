/**
 * Damaged append-only files: commands, groups and annotations of which some bytes are changed, cut
 * out, doubled or put in, or the end of which is missing. What is read must end in one of the known
 * ways, and where the server would start with it, the part up to the last whole command alone must
 * make the same content.
 */
import { expect, test } from "bun:test";
import { systemDisk } from "../../src/base/disk.ts";
import { Session } from "../../src/engine/session.ts";
import {
  AofReader,
  BAD_COMMAND,
  BAD_FORMAT,
  CUT,
  MORE,
  WHOLE,
} from "../../src/persistence/aof-reader.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { quoteBytes } from "../support/readable.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { encodeRequest } from "../support/resp-client.ts";
import { changes } from "../support/changes.ts";

const CASES = scale(1000);
const CASES_PER_FILE = 50;
const OPTIONS = { keys: 3, hugeSize: 40, databases: 2, hasFieldExpiry: true };
/** What depends on chance would make another content each time. */
const BY_CHANCE = new Set(["SPOP"]);
/** Of the processor's time: how long others have it does not matter. */
const MOST_US_PER_CASE = 3_000_000;

const random = randomFrom(seededRandom("damaged AOF").seed);
const local = new LocalEngine();
local.engine.allowsProtected = () => true;
const outcomes = new Map<number, number>();

test(
  "A damaged AOF is refused, or loaded up to its last whole command",
  () => {
    for (let done = 0; done < CASES; done += CASES_PER_FILE) {
      const file = makeFile();
      expect(replay(file).outcome).toBe(WHOLE);
      for (let i = 0; i < CASES_PER_FILE; i++) check(damaged(file));
    }
    // Each way to end has been seen.
    expect(new Set(outcomes.keys())).toEqual(new Set([WHOLE, CUT, BAD_FORMAT, BAD_COMMAND]));
  },
  60_000 + CASES * 20,
);

function check(bytes: Uint8Array): void {
  try {
    const startUs = process.cpuUsage().user;
    const { outcome, validUpTo } = replay(bytes);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    expect(process.cpuUsage().user - startUs).toBeLessThan(MOST_US_PER_CASE);
    if (outcome !== WHOLE && outcome !== CUT) return;
    const digest = local.do("DEBUG DIGEST");
    const part = bytes.subarray(0, validUpTo);
    expect(replay(part)).toEqual({ outcome: WHOLE, validUpTo });
    expect(local.do("DEBUG DIGEST")).toEqual(digest);
  } catch (problem) {
    throw new Error(`With this file: ${quoteBytes(bytes)}`, { cause: problem });
  }
}

/** Reads the file into an empty engine. */
function replay(bytes: Uint8Array): { outcome: number; validUpTo: number } {
  local.do("FLUSHALL");
  const { engine } = local;
  const disk = {
    ...systemDisk,
    read(_: number, into: Uint8Array, at: number, length: number, from: number): number {
      const part = bytes.subarray(from, from + length);
      into.set(part, at);
      return part.length;
    },
  };
  const session = new Session(0, engine.keyspace.database(0), engine.clock.nowMs);
  const reader = new AofReader(engine, session, disk, 0, bytes.length, 0);
  let outcome = MORE;
  while (outcome === MORE) outcome = reader.replay(10);
  return { outcome, validUpTo: reader.validUpTo };
}

function makeFile(): Uint8Array {
  const parts: Uint8Array[] = [];
  const commands = changes(random, OPTIONS);
  for (let i = random.between(5, 60); i > 0; i--) {
    if (random.chance(0.1)) parts.push(Buffer.from(`#TS:${random.below(2 ** 31)}\r\n`));
    const size = random.chance(0.2) ? random.between(0, 5) : 1;
    const isGroup = size !== 1;
    if (isGroup) parts.push(encodeRequest(["MULTI"]));
    for (let left = size; left > 0; left--) {
      const command = commands.next().value;
      if (!BY_CHANCE.has(command[0])) parts.push(encodeRequest(command));
    }
    if (isGroup) parts.push(encodeRequest(["EXEC"]));
  }
  return Buffer.concat(parts);
}

function damaged(file: Uint8Array): Uint8Array {
  let bytes = Buffer.from(file);
  for (let times = random.pick([1, 1, 1, 2, 4]); times > 0; times--) {
    const at = random.below(bytes.length);
    const end = Math.min(bytes.length, at + random.between(1, random.pick([2, 20, 500])));
    const [before, part, after] = [
      bytes.subarray(0, at),
      bytes.subarray(at, end),
      bytes.subarray(end),
    ];
    const digits = String(random.pick([0, -1, 1, 3, 99, 2 ** 31, 2 ** 32, 2 ** 40]));
    bytes = Buffer.concat(
      random.pick([
        [before],
        [before, after],
        [before, part, part, after],
        [before, random.bytes(random.between(1, 9)), after],
        [before, Buffer.from(digits), after],
        [
          before,
          Buffer.from(random.pick(["*", "$", "\r\n", "#", "*1\r\n$5\r\nMULTI\r\n", "\0"])),
          part,
          after,
        ],
        [before, part.map((byte) => byte ^ (1 << random.below(8))), after],
      ]),
    );
    if (bytes.length === 0) return file;
  }
  return bytes;
}
