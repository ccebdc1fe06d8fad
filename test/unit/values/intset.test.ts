/** Intsets: their bytes, which are Redis's, widening, and searching. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ENCODING_INTSET, TYPE_SET } from "../../../src/memory/entry.ts";
import { ByteView } from "../../../src/memory/element.ts";
import type { Home } from "../../../src/values/home.ts";
import {
  IntegerNeedle,
  intsetCount,
  intsetFind,
  intsetInsert,
  intsetRead,
  intsetRemove,
} from "../../../src/values/_intset.ts";
import { ItemDigits } from "../../../src/values/_listpack.ts";
import { findOracle } from "../../support/oracle.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { startServer } from "../../support/server.ts";
import { BORDER_INTEGERS, NO_INTEGERS, viewedText } from "../../support/byte-texts.ts";
import { dumpedBytes, DUMP_DIRECTIVES, Ground, packedBytes } from "./_homes.ts";

const random = seededRandom("intset");
const oracle = findOracle();
const view = new ByteView();
const digits = new ItemDigits();

function needleOf(text: string): IntegerNeedle {
  const needle = new IntegerNeedle();
  const bytes = bytesOf(text);
  if (!needle.set(bytes, 0, bytes.length)) throw new Error(`${text} is no integer`);
  return needle;
}

function add(home: Home, integer: bigint): void {
  const needle = needleOf(String(integer));
  const index = intsetFind(home, needle);
  if (index < 0) intsetInsert(home, -1 - index, needle, ENCODING_INTSET);
}

function intset(integers: readonly bigint[]): Home {
  const home = new Ground().open(TYPE_SET, "s");
  for (const integer of integers) add(home, integer);
  return home;
}

function membersOf(home: Home): bigint[] {
  return Array.from({ length: intsetCount(home) }, (_, index) => {
    intsetRead(home, index, view, digits);
    return BigInt(viewedText(view));
  });
}

function ascending(integers: Iterable<bigint>): bigint[] {
  return [...new Set(integers)].toSorted((a, b) => (a < b ? -1 : Number(a > b)));
}

test("an intset has the bytes that Redis gives it", () => {
  const hex = (integers: bigint[]): string =>
    Buffer.from(packedBytes(intset(integers))).toString("hex");
  expect(hex([1n, -1n])).toBe("0200000002000000ffff0100");
  expect(hex([32768n])).toBe("040000000100000000800000");
  expect(hex([1n, -32769n])).toBe("0400000002000000ff7fffff01000000");
  expect(hex([2n ** 63n - 1n])).toBe("0800000001000000ffffffffffffff7f");
  expect(hex([2n, -(2n ** 31n) - 1n])).toBe("0800000002000000ffffff7fffffffff0200000000000000");
});

test("each width takes in the next one's first integer, at either end", () => {
  for (const wide of BORDER_INTEGERS) {
    const narrow = [3n, -7n, 100n];
    const home = intset([...narrow, wide]);
    expect(membersOf(home)).toEqual(ascending([...narrow, wide]));
  }
  expect(membersOf(intset(BORDER_INTEGERS))).toEqual(ascending(BORDER_INTEGERS));
  expect(membersOf(intset(BORDER_INTEGERS.toReversed()))).toEqual(ascending(BORDER_INTEGERS));
});

test("what is no integer in canonical form is refused", () => {
  const needle = new IntegerNeedle();
  for (const text of [...NO_INTEGERS, "a", "9".repeat(30)]) {
    const bytes = bytesOf(text);
    expect(needle.set(bytes, 0, bytes.length)).toBe(false);
  }
});

test("additions and removals agree with a Set", () => {
  for (let round = 0; round < scale(20); round++) {
    const home = new Ground().open(TYPE_SET, "s");
    const model = new Set<bigint>();
    const spread = random.pick([100, 30_000, 1e6, 2 ** 40]);
    for (let step = 0; step < 300; step++) {
      const integer = random.chance(0.05)
        ? random.pick(BORDER_INTEGERS)
        : BigInt(random.below(spread) - 50);
      const index = intsetFind(home, needleOf(String(integer)));
      expect(index >= 0).toBe(model.has(integer));
      if (index >= 0 && random.chance(0.5) && intsetCount(home) > 1) {
        intsetRemove(home, index);
        model.delete(integer);
      } else {
        add(home, integer);
        model.add(integer);
      }
    }
    expect(membersOf(home)).toEqual(ascending(model));
  }
});

test.skipIf(oracle === null)("redis-server keeps integers in the same bytes", async () => {
  if (oracle === null) return;
  await using server = await startServer({
    program: oracle,
    directives: [...DUMP_DIRECTIVES, "set-max-intset-entries 100000"],
  });
  await server.withClient(async (client) => {
    const home = new Ground().open(TYPE_SET, "s");
    for (const count of [1, 10, 100, 5000]) {
      for (let i = 0; i < count; i++) {
        const integer = BigInt(random.below(count * 30) - count);
        add(home, integer);
        await client.do("SADD", "s", integer);
      }
      expect(await dumpedBytes(client, "s")).toEqual(packedBytes(home));
    }
    for (const edge of BORDER_INTEGERS) {
      add(home, edge);
      await client.do("SADD", "s", edge);
      expect(await dumpedBytes(client, "s")).toEqual(packedBytes(home));
    }
  });
});
