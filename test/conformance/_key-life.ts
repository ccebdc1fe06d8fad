/**
 * What happens to a key as a whole, whatever its value's encoding: part of each type's suite. The
 * digests are computed alike on both servers, so one of them holds a value's whole content.
 */
import type { Conversation } from "../support/transcript.ts";

/** Unix milliseconds in a far future. */
export const FAR_MS = 33177117420000;

/** Lengths around the borders: packed 64, inline 4 KB, block 16 KB, and far beyond. */
export const LENGTHS = [
  0,
  1,
  63,
  64,
  65,
  127,
  128,
  4095,
  4096,
  4097,
  16370,
  16383,
  16384,
  16385,
  1 << 20,
];

/** `count` different texts of one kind, from number `from` on. */
export function texts(prefix: string, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${from + index}`);
}

/** The key's content is equal on both servers, and its encoding is the one named. */
export function holds(t: Conversation, key: string, encoding: string, reason72 = ""): void {
  const step = t.do("OBJECT", "ENCODING", key).is(encoding);
  if (reason72 !== "") step.differsIn72(reason72);
  t.do("DEBUG", "DIGEST-VALUE", key);
}

/** Copies, moves and renames `key`, which has no expiry; it ends where it was. */
export function live(t: Conversation, key: string, encoding: string, reason72 = ""): void {
  const check = (name: string): void => holds(t, name, encoding, reason72);
  t.do("COPY", key, "copied");
  check("copied");
  t.do("COPY", key, "copied");
  t.do("PEXPIREAT", key, FAR_MS);
  check(key);
  t.do("COPY", key, "copied", "REPLACE");
  check("copied");
  t.do("PEXPIRETIME copied");
  t.do("COPY", key, "elsewhere", "DB", 5);
  t.do("RENAME", key, "renamed");
  t.do("PEXPIRETIME renamed");
  check("renamed");
  t.do("RENAME renamed copied");
  check("copied");
  t.do("MOVE copied 5");
  t.do("EXISTS copied");
  t.do("SELECT 5");
  check("copied");
  check("elsewhere");
  t.do("PERSIST elsewhere");
  check("elsewhere");
  t.do("UNLINK copied");
  t.do("SWAPDB 0 5");
  t.do("EXISTS elsewhere");
  t.do("SELECT 0");
  t.do("RENAME", "elsewhere", key);
  check(key);
  t.do("PTTL", key);
  t.do("SET over v");
  t.do("COPY", key, "over", "REPLACE");
  check("over");
  t.do("SET over v");
  t.do("DBSIZE");
  t.do("DEL over");
}
