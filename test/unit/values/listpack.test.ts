/** Listpacks: their bytes, which are Redis's, and reading them both ways. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ByteView } from "../../../src/memory/element.ts";
import { ENCODING_LISTPACK, TYPE_HASH, TYPE_LIST } from "../../../src/memory/entry.ts";
import { HashValue } from "../../../src/values/hash.ts";
import type { Home } from "../../../src/values/home.ts";
import {
  EMPTY_LISTPACK_BYTES,
  itemCount,
  ItemDigits,
  Needle,
  nextItem,
  previousItem,
  readItem,
  totalBytes,
} from "../../../src/values/_listpack.ts";
import {
  createPacked,
  findPacked,
  FIRST,
  insertPacked,
  NOT_FOUND,
  packedCount,
  packedEnd,
  placeOf,
  removePacked,
  replacePacked,
} from "../../../src/values/_packed.ts";
import { findOracle } from "../../support/oracle.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { startServer } from "../../support/server.ts";
import { BORDER_INTEGERS, NO_INTEGERS, viewedText } from "../../support/byte-texts.ts";
import { dumpedBytes, DUMP_DIRECTIVES, Ground, packedBytes } from "./_homes.ts";

const random = seededRandom("listpack");
const oracle = findOracle();
const view = new ByteView();
const digits = new ItemDigits();
const needle = new Needle();

function emptyHome(): Home {
  const home = new Ground().open(TYPE_LIST, "packed");
  createPacked(home, ENCODING_LISTPACK);
  return home;
}

function append(home: Home, text: string): void {
  const bytes = bytesOf(text);
  needle.set(bytes, 0, bytes.length);
  insertPacked(home, packedEnd(home), needle);
}

function packed(texts: readonly string[]): Home {
  const home = emptyHome();
  for (const text of texts) append(home, text);
  return home;
}

/** The items read from the first to the last, and from the last to the first. */
function readBothWays({ bytes, start, length }: Home): { forwards: string[]; backwards: string[] } {
  const forwards: string[] = [];
  const backwards: string[] = [];
  const end = start + length - 1;
  const read = (at: number): string => {
    readItem(bytes, at, view, digits);
    return viewedText(view);
  };
  for (let at = start + FIRST; at < end; at = nextItem(bytes, at)) forwards.push(read(at));
  for (let at = end; at > start + FIRST;) {
    at = previousItem(bytes, at);
    backwards.push(read(at));
  }
  return { forwards, backwards };
}

function itemBytes(text: string): string {
  const bytes = packedBytes(packed([text]));
  return Buffer.from(bytes.subarray(6, -1)).toString("hex");
}

const INTEGERS = BORDER_INTEGERS.map(String);

test("items have the bytes that Redis gives them", () => {
  expect(itemBytes("0")).toBe("0001");
  expect(itemBytes("127")).toBe("7f01");
  expect(itemBytes("128")).toBe("c08002");
  expect(itemBytes("-1")).toBe("dfff02");
  expect(itemBytes("4096")).toBe("f1001003");
  expect(itemBytes("-32769")).toBe("f2ff7fff04");
  expect(itemBytes("2147483647")).toBe("f3ffffff7f05");
  expect(itemBytes("9223372036854775807")).toBe("f4ffffffffffffff7f09");
  expect(itemBytes("")).toBe("8001");
  expect(itemBytes("abc")).toBe("8361626304");
  expect(itemBytes("x".repeat(64))).toBe(`e040${"78".repeat(64)}42`);
  expect(itemBytes("x".repeat(4096))).toBe(`f000100000${"78".repeat(4096)}2085`);
  expect([...packedBytes(packed(["1", "a"]))]).toEqual([12, 0, 0, 0, 2, 0, 1, 1, 129, 97, 2, 255]);
  expect([...packedBytes(packed([]))]).toEqual([7, 0, 0, 0, 0, 0, 255]);
});

test("integers of all widths, and what is none, come back in both directions", () => {
  const texts = [...INTEGERS, ...NO_INTEGERS];
  const { forwards, backwards } = readBothWays(packed(texts));
  expect(forwards).toEqual(texts);
  expect(backwards).toEqual(texts.toReversed());
  const sizeOf = (text: string): number => packedBytes(packed([text])).length;
  for (const text of INTEGERS) {
    expect(sizeOf(text)).toBeLessThanOrEqual(EMPTY_LISTPACK_BYTES + 10);
  }
  for (const text of NO_INTEGERS) {
    expect(sizeOf(text)).toBe(EMPTY_LISTPACK_BYTES + text.length + 2);
  }
});

test("strings of every length come back in both directions", () => {
  for (let from = 0; from <= 5000; from += 250) {
    const texts = Array.from({ length: 250 }, (_, index) => "s".repeat(from + index));
    const { forwards, backwards } = readBothWays(packed(texts));
    expect(forwards).toEqual(texts);
    expect(backwards).toEqual(texts.toReversed());
  }
});

/** Where the length that is written backwards gets another byte. */
const LONG = [120, 122, 124, 126, 128, 16370, 16376, 16377, 16378, 16379, 16384].concat([
  2097140, 2097145, 2097146, 2097147, 2097152,
]);

test("strings around the borders of the length behind them come back in both directions", () => {
  const texts = LONG.map((length) => "l".repeat(length));
  const { forwards, backwards } = readBothWays(packed(["first", ...texts, "last"]));
  expect(forwards).toEqual(["first", ...texts, "last"]);
  expect(backwards).toEqual(["last", ...texts.toReversed(), "first"]);
});

test("a listpack of more items than its header can count is counted", () => {
  const home = emptyHome();
  home.resize(EMPTY_LISTPACK_BYTES, ENCODING_LISTPACK);
  for (let i = 0; i < 65534; i++) append(home, "1");
  expect(home.bytes[home.start + 4] | (home.bytes[home.start + 5] << 8)).toBe(65534);
  for (let i = 0; i < 10; i++) append(home, "2");
  expect(home.bytes[home.start + 4] | (home.bytes[home.start + 5] << 8)).toBe(65535);
  expect(packedCount(home)).toBe(65544);
  removePacked(home, FIRST, 10);
  expect(packedCount(home)).toBe(65534);
  expect(home.bytes[home.start + 4] | (home.bytes[home.start + 5] << 8)).toBe(65534);
});

test("a needle finds what is equal and nothing else", () => {
  const texts = [...INTEGERS, ...NO_INTEGERS, "a", "b", "x".repeat(64), "x".repeat(5000)];
  const home = packed(texts);
  for (const text of texts) {
    const bytes = bytesOf(text);
    needle.set(bytes, 0, bytes.length);
    const place = findPacked(home, needle, FIRST, 1);
    readItem(home.bytes, home.start + place, view, digits);
    expect(viewedText(view)).toBe(text);
  }
  for (const text of ["c", "x", "x".repeat(63), "x".repeat(65), "x".repeat(4999), "2", "-00"]) {
    const bytes = bytesOf(text);
    needle.set(bytes, 0, bytes.length);
    expect(findPacked(home, needle, FIRST, 1)).toBe(NOT_FOUND);
  }
});

test("edits anywhere agree with an array, and the header with the bytes", () => {
  const texts = [...INTEGERS, ...NO_INTEGERS, "abc", "y".repeat(100), "z".repeat(5000)];
  for (let round = 0; round < scale(20); round++) {
    const home = emptyHome();
    const model: string[] = [];
    for (let step = 0; step < 150; step++) {
      const index = random.below(model.length + 1);
      const place = placeOf(home, index, model.length);
      const text = random.pick(texts);
      const bytes = bytesOf(text);
      needle.set(bytes, 0, bytes.length);
      const choice = index === model.length ? 0 : random.below(3);
      if (choice === 0) {
        insertPacked(home, place, needle);
        model.splice(index, 0, text);
      } else if (choice === 1) {
        replacePacked(home, place, needle);
        model[index] = text;
      } else {
        const count = random.between(1, Math.min(3, model.length - index));
        removePacked(home, place, count);
        model.splice(index, count);
      }
      expect(itemCount(home.bytes, home.start)).toBe(model.length);
      expect(totalBytes(home.bytes, home.start)).toBe(home.length);
    }
    // What was built by edits has the same bytes as what was written at once.
    expect(packedBytes(home)).toEqual(packedBytes(packed(model)));
    expect(readBothWays(home).forwards).toEqual(model);
  }
});

test.skipIf(oracle === null)("redis-server keeps a small hash in the same bytes", async () => {
  if (oracle === null) return;
  const directives = [...DUMP_DIRECTIVES, "hash-max-listpack-value 10mb"];
  await using server = await startServer({
    program: oracle,
    directives: [...directives, "hash-max-listpack-entries 100000"],
  });
  await server.withClient(async (client) => {
    const lengths = [0, 1, 62, 63, 64, 65, 4094, 4095, 4096, 4097, ...LONG];
    const values = [...INTEGERS, ...NO_INTEGERS, ...lengths.map((length) => "v".repeat(length))];
    const limits = { maxEntries: 100_000, maxValueBytes: 1e8 };
    const hash = new HashValue(new Ground().open(TYPE_HASH, "h"), limits);
    for (const [index, value] of values.entries()) {
      const field = bytesOf(index % 2 === 0 ? String(index) : `field:${index}`);
      const bytes = bytesOf(value);
      hash.set(field, 0, field.length, bytes, 0, bytes.length);
      await client.do("HSET", "h", field, bytes);
    }
    const same = await dumpedBytes(client, "h");
    expect(same.length).toBe(hash.home.length);
    expect(Buffer.compare(same, packedBytes(hash.home))).toBe(0);
  });
});
