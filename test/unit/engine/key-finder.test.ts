import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import {
  command,
  countedKeys,
  KEY_INCOMPLETE,
  KEY_NOT_KEY,
  KEY_OW,
  KEY_RO,
  KEY_RW,
  keysAt,
} from "../../../src/engine/command.ts";
import type { KeySpec } from "../../../src/engine/command.ts";
import { findKeys, legacyRange } from "../../../src/engine/key-finder.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";

/** The keys found in a command line, and the same with other words before it. */
function keysIn(line: string, ...keys: KeySpec[]): string[] | null {
  const declared = command({
    name: "x",
    group: "generic",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    arity: -1,
    flags: 0,
    keys,
    run: () => {},
  });
  const find = (words: string[], offset: number): string[] | null => {
    const args = new Arguments();
    args.assign(words.map(bytesOf));
    return findKeys(declared, args, offset)?.map(({ index }) => words[index]) ?? null;
  };
  const words = line.split(" ");
  const found = find(words, 0);
  expect(find(["COMMAND", "GETKEYS", ...words], 2)).toEqual(found);
  return found;
}

const keyword = (word: string, startFrom: number, lastKey: number, limit = 0): KeySpec => ({
  flags: KEY_RO,
  begin: { keyword: word, startFrom },
  find: { lastKey, step: 1, limit },
});

describe("keys at fixed places", () => {
  test("one, several, and up to the end in steps", () => {
    expect(keysIn("x a b c", keysAt(KEY_RO, 1))).toEqual(["a"]);
    expect(keysIn("x a b c", keysAt(KEY_RO, 2, 3))).toEqual(["b", "c"]);
    expect(keysIn("x a 1 b 2", keysAt(KEY_OW, 1, -1, 2))).toEqual(["a", "b"]);
    expect(keysIn("x a b 0", keysAt(KEY_RO, 1, -2))).toEqual(["a", "b"]);
  });

  test("specifications follow each other with their own flags", () => {
    expect(keysIn("x dst src", keysAt(KEY_OW, 1), keysAt(KEY_RO, 2))).toEqual(["dst", "src"]);
  });

  test("a line too short for them has none that could be told", () => {
    expect(keysIn("x", keysAt(KEY_RO, 1))).toBeNull();
    expect(keysIn("x a", keysAt(KEY_RO, 1, 2))).toBeNull();
    expect(keysIn("x", keysAt(KEY_RO, 1, -1))).toBeNull();
  });

  test("what is not a key is left out", () => {
    expect(keysIn("x a b", keysAt(KEY_NOT_KEY, 1), keysAt(KEY_RO, 2))).toEqual(["b"]);
  });
});

describe("counted keys", () => {
  test("as many as the count says", () => {
    expect(keysIn("x 2 a b c", countedKeys(KEY_RW, 1))).toEqual(["a", "b"]);
  });

  test("a count that is none, or more than there are", () => {
    expect(keysIn("x two a b", countedKeys(KEY_RW, 1))).toBeNull();
    expect(keysIn("x 0 a", countedKeys(KEY_RW, 1))).toBeNull();
    expect(keysIn("x -1 a", countedKeys(KEY_RW, 1))).toBeNull();
    expect(keysIn("x 3 a b", countedKeys(KEY_RW, 1))).toBeNull();
    expect(keysIn("x", countedKeys(KEY_RW, 1))).toBeNull();
  });
});

describe("keys behind a keyword", () => {
  test("in any case, looked for forwards", () => {
    expect(keysIn("x a STORE d", keyword("STORE", 2, 0))).toEqual(["d"]);
    expect(keysIn("x a store d", keyword("STORE", 2, 0))).toEqual(["d"]);
  });

  test("backwards from the end", () => {
    expect(keysIn("x KEYS y keys a b", keyword("KEYS", -2, -1))).toEqual(["a", "b"]);
  });

  test("half of what is left, where a limit says so", () => {
    expect(keysIn("x STREAMS a b 1 2", keyword("STREAMS", 1, -1, 2))).toEqual(["a", "b"]);
  });

  test("no keyword, no keys", () => {
    expect(keysIn("x a b", keyword("STORE", 2, 0))).toEqual([]);
  });
});

test("an incomplete specification does not tell the keys", () => {
  const spec = { ...keysAt(KEY_RO, 1), flags: KEY_RO | KEY_INCOMPLETE };
  expect(keysIn("x a", spec)).toBeNull();
});

describe("the range that old clients read", () => {
  const range = (first: number, last: number, step: number, isPartial = false) => ({
    first,
    last,
    step,
    isPartial,
  });

  test("no keys, one range, ranges in a row", () => {
    expect(legacyRange([])).toEqual(range(0, 0, 0));
    expect(legacyRange([keysAt(KEY_RO, 1)])).toEqual(range(1, 1, 1));
    expect(legacyRange([keysAt(KEY_OW, 1, -1, 2)])).toEqual(range(1, -1, 2));
    expect(legacyRange([keysAt(KEY_OW, 1), keysAt(KEY_RO, 2)])).toEqual(range(1, 2, 1));
    expect(legacyRange([keysAt(KEY_OW, 2), keysAt(KEY_RO, 3, -1)])).toEqual(range(2, -1, 1));
  });

  test("what it cannot say makes it partial", () => {
    expect(legacyRange([countedKeys(KEY_RO, 1)])).toEqual(range(0, 0, 0, true));
    expect(legacyRange([keysAt(KEY_OW, 1), countedKeys(KEY_RO, 2)])).toEqual(range(1, 1, 1, true));
    expect(legacyRange([keysAt(KEY_OW, 1), keysAt(KEY_RO, 4)])).toEqual(range(1, 1, 1, true));
    expect(legacyRange([keyword("STREAMS", 1, -1, 2)])).toEqual(range(0, 0, 0, true));
  });
});
