/** The longest common subsequence against its plain recursive definition. */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { CommonSubsequence, tableBytes } from "../../../src/values/longest-common-subsequence.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("longest common subsequence");

function lengthOf(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  if (a.endsWith(b.slice(-1))) return 1 + lengthOf(a.slice(0, -1), b.slice(0, -1));
  return Math.max(lengthOf(a, b.slice(0, -1)), lengthOf(a.slice(0, -1), b));
}

function isWithin(part: string, whole: string): boolean {
  let at = 0;
  for (const byte of bytesOf(whole)) if (byte === part.charCodeAt(at)) at++;
  return at >= part.length;
}

test("it is common to both strings, and as long as any", () => {
  for (let round = 0; round < scale(300); round++) {
    const [a, b] = [0, 1].map(() => random.word(random.below(9)).replaceAll(/[f-z]/g, "a"));
    const common = new CommonSubsequence(bytesOf(a), bytesOf(b));
    const text = textOf(common.bytes());
    expect(common.length).toBe(lengthOf(a, b));
    expect(text.length).toBe(common.length);
    expect(isWithin(text, a) && isWithin(text, b)).toBe(true);
  }
});

test("its ranges, last first, are equal stretches that make it up", () => {
  for (let round = 0; round < scale(300); round++) {
    const [a, b] = [0, 1].map(() => random.word(random.below(60)).replaceAll(/[d-z]/g, "a"));
    const common = new CommonSubsequence(bytesOf(a), bytesOf(b));
    const pieces = common.ranges().map(({ aFirst, aLast, bFirst, bLast }) => {
      const piece = a.slice(aFirst, aLast + 1);
      expect(b.slice(bFirst, bLast + 1)).toBe(piece);
      return piece;
    });
    expect(pieces.toReversed().join("")).toBe(textOf(common.bytes()));
  }
});

test("the table has a row and a column for the empty prefixes", () => {
  expect(tableBytes(0, 0)).toBe(4);
  expect(tableBytes(3, 5)).toBe(96);
  expect(tableBytes(2 ** 29, 2 ** 29)).toBeGreaterThan(2 ** 60);
});
