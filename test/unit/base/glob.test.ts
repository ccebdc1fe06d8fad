import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { matchGlob } from "../../../src/base/glob.ts";
import { oracleMissing, seededChance, startOracle } from "./_oracle.ts";
import type { Oracle } from "./_oracle.ts";

/** Both ranges lie inside larger buffers, whose other bytes must not count. */
function matches(pattern: string, text: string, ignoreCase = false): boolean {
  const p = bytesOf(`*${pattern}*]`);
  const t = bytesOf(`x${text}x`);
  return matchGlob(p, 1, pattern.length, t, 1, text.length, ignoreCase);
}

test.each([
  ["", "", true],
  ["", "a", false],
  ["*", "", false],
  ["*", "abc", true],
  ["a*", "a", true],
  ["a**", "a", true],
  ["*a*b", "xaxxb", true],
  ["*a*b", "xaxxbc", false],
  ["h?llo", "hello", true],
  ["h?llo", "hllo", false],
  ["h[ae]llo", "hallo", true],
  ["h[ae]llo", "hillo", false],
  ["h[^e]llo", "hello", false],
  ["h[^e]llo", "hallo", true],
  ["h[a-c]llo", "hbllo", true],
  ["h[c-a]llo", "hbllo", true],
  ["h[a-c]llo", "hdllo", false],
  ["[]", "a", false],
  ["[]a", "a", false],
  ["[^]", "a", true],
  ["[abc", "c", true],
  ["[^", "a", true],
  ["[", "[", false],
  ["[a-]", "b", false],
  ["[a-]", "_", true],
  ["[\\]]", "]", true],
  ["[a\\-z]", "m", false],
  ["\\*", "*", true],
  ["\\*", "a", false],
  ["a\\", "a\\", true],
  ["[\\", "\\", true],
  ["[\x80-\xff]", "\x90", true],
  ["[a-\xff]", "b", false],
  ["\xe9?", "\xe9\x00", true],
])("%j against %j: %p", (pattern, text, expected) => {
  expect(matches(pattern, text)).toBe(expected);
});

test("case is folded on request, for ASCII letters, but not for an escaped class member", () => {
  expect(matches("HeL*", "hello")).toBe(false);
  expect(matches("HeL*", "hELlo", true)).toBe(true);
  expect(matches("[A-C]", "b", true)).toBe(true);
  expect(matches("[B]", "b", true)).toBe(true);
  expect(matches("[\\B]", "b", true)).toBe(false);
  expect(matches("\\B", "b", true)).toBe(true);
  expect(matches("\xc9", "\xe9", true)).toBe(false);
});

test("many stars take polynomial time and no stack", () => {
  expect(matches(`${"a*".repeat(50_000)}b`, "a".repeat(100))).toBe(false);
  expect(matches(`${"*a".repeat(40)}*b`, "a".repeat(20_000))).toBe(false);
  expect(matches("*?".repeat(2000), "a".repeat(2000))).toBe(true);
});

describe.skipIf(oracleMissing)("as redis-server answers (skipped where not installed)", () => {
  const seed = 20_240_611;
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle();
  });
  afterAll(() => oracle.stop());

  function randomText(chance: (limit: number) => number, alphabet: string, most: number) {
    let text = "";
    for (let left = chance(most + 1); left > 0; left--) text += alphabet[chance(alphabet.length)];
    return text;
  }

  test("KEYS with random patterns", async () => {
    const chance = seededChance(seed);
    const texts = new Set([""]);
    while (texts.size < 400) texts.add(randomText(chance, "abcB-]^\\[*\x80\xff\0", 5));
    await oracle.run([...texts].map((text) => ["SET", Buffer.from(text, "latin1"), "1"]));
    const patterns = ["**", "[", "[^", "\\", "[\\", "a\\"];
    while (patterns.length < 4000) {
      patterns.push(randomText(chance, "aabbcB-]^\\[[**??\x80\xff\0", 8));
    }
    const asked = patterns.filter((pattern) => pattern !== "*"); // KEYS * does not match at all
    const replies = await oracle.run(asked.map((p) => ["KEYS", Buffer.from(p, "latin1")]));
    let found = 0;
    for (const [i, pattern] of asked.entries()) {
      const listed = replies[i] as Buffer[];
      found += listed.length;
      const expected = listed.map((key) => textOf(key)).sort();
      const actual = [...texts].filter((text) => matches(pattern, text)).sort();
      expect({ pattern, keys: actual }).toEqual({ pattern, keys: expected });
    }
    expect(found).toBeGreaterThan(10_000);
  });

  test("COMMAND LIST with random patterns ignores case", async () => {
    const chance = seededChance(seed + 1);
    const names = (await oracle.client.call("COMMAND", "LIST")) as string[];
    const patterns: string[] = [];
    while (patterns.length < 1500) {
      const tail = randomText(chance, "aEsT*?[]^-\\\x80\xfe\xff", 6);
      patterns.push(chance(2) === 0 ? `*${tail}*` : tail);
    }
    const replies = await oracle.run(
      patterns.map((p) => ["COMMAND", "LIST", "FILTERBY", "PATTERN", Buffer.from(p, "latin1")]),
    );
    for (const [i, pattern] of patterns.entries()) {
      const expected = (replies[i] as Buffer[]).map((name) => textOf(name)).sort();
      const actual = names.filter((name) => matches(pattern, name, true)).sort();
      expect({ pattern, names: actual }).toEqual({ pattern, names: expected });
    }
  });
});
