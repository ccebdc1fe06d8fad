import { expect, test } from "bun:test";
import { PatternTable } from "../../../../src/engine/acl/pattern-table.ts";
import { bytesOf } from "../../../../src/base/bytes.ts";
import { matchGlob } from "../../../../src/base/glob.ts";
import {
  KeyPattern,
  Pattern,
  READ,
  READ_WRITE,
  WRITE,
} from "../../../../src/engine/acl/pattern.ts";

const PATTERNS = [
  "",
  "*",
  "**",
  "a",
  "ab",
  "a*",
  "ab*",
  "a**",
  "*a",
  "a*b",
  "a?",
  "?",
  "[ab]",
  "[ab]*",
  "a[",
  "\\*",
  "a\\*",
  "a\\",
  "\xff*",
  "a*?",
  "a*[b]",
];
const TEXTS = [
  "",
  "a",
  "ab",
  "abc",
  "b",
  "ba",
  "*",
  "a*",
  "**",
  "a\\",
  "a[",
  "\xff",
  "\xffx",
  "aab",
];

test("shortcuts say the same as the glob they stand for", () => {
  let matching = 0;
  for (const pattern of PATTERNS) {
    const bytes = bytesOf(pattern);
    for (const text of TEXTS) {
      // Not at the start of its buffer, and with more behind it.
      const buffer = bytesOf(`xx${text}*ab`);
      const wanted = matchGlob(bytes, 0, bytes.length, buffer, 2, text.length, false);
      const found = new Pattern(pattern).matches(buffer, 2, text.length);
      const table = new PatternTable([
        new KeyPattern("never", READ_WRITE),
        new KeyPattern("*", WRITE),
        new KeyPattern(pattern, READ),
      ]);
      expect(table.permits(buffer, 2, text.length, READ)).toBe(found);
      expect(`${pattern} ${text} ${found}`).toBe(`${pattern} ${text} ${wanted}`);
      if (found) matching++;
    }
  }
  expect(matching).toBeGreaterThan(50);
});

test("a pattern to listen to must be the permitted one, letter by letter", () => {
  const permitted = new Pattern("news.*");
  const is = (text: string): boolean => permitted.is(bytesOf(text), 0, text.length);
  expect(is("news.*")).toBe(true);
  expect(["news.a", "news.**", "news.", "*", "news.[*]"].filter(is)).toEqual([]);
});

test("a key pattern shows its permissions", () => {
  expect(new KeyPattern("a*", READ_WRITE).rule).toBe("~a*");
  expect(new KeyPattern("a*", READ).rule).toBe("%R~a*");
  expect(new KeyPattern("a*", WRITE).rule).toBe("%W~a*");
});
