/** Bytes to store: short elements of every kind of packed encoding, and long ones. */
import type { Random } from "./random.ts";

const INTEGERS = [
  "0", "-1", "1", "12", "13", "127", "128", "-128", "-129", "4095", "4096", "-4096", "-4097",
  "32767", "32768", "-32768", "-32769", "8388607", "8388608", "-8388608", "-8388609",
  "2147483647", "2147483648", "-2147483648", "-2147483649", "9007199254740992",
  "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
  "007", "+5", "-0", "1e3", "",
]; // prettier-ignore

/** An element no longer than 64 bytes, that a packed encoding takes. */
export function shortElement(r: Random): Uint8Array {
  const kind = r.below(100);
  if (kind < 25) return Buffer.from(r.pick(INTEGERS));
  if (kind < 45) return Buffer.from(String(r.between(-70_000, 70_000)));
  if (kind < 75) return Buffer.from(`m${r.below(5000)}`);
  if (kind < 85) return Buffer.from("z".repeat(r.pick([1, 11, 12, 19, 20, 21, 44, 45, 63, 64])));
  return r.bytes(r.below(65));
}

/** `count` elements of which no two are equal. */
export function distinct(
  r: Random,
  count: number,
  make: (r: Random, index: number) => Uint8Array,
): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (let i = 0; found.size < count; i++) {
    // What repeats itself too often is made different.
    const made = make(r, i);
    const bytes = i < count * 2 ? made : Buffer.concat([made, Buffer.from(`#${i}`)]);
    found.set(Buffer.from(bytes).toString("latin1"), bytes);
  }
  return [...found.values()];
}

/** Bytes that LZF makes much shorter, with some that it does not. */
export function compressible(r: Random, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const phrase = r.chance(0.1)
      ? r.bytes(r.between(1, 300))
      : Buffer.from(r.word(r.between(1, 9)));
    for (let times = r.between(1, 40); times > 0 && at < length; times--) {
      bytes.set(phrase.subarray(0, length - at), at);
      at += phrase.length;
    }
  }
  return bytes;
}

/** Text or binary, mostly compressible. */
export function longElement(r: Random, length: number): Uint8Array {
  return r.chance(0.3) ? r.bytes(length) : compressible(r, length);
}

/** Scores as they are sent: every class of doubles. */
export function score(r: Random): string {
  const kind = r.below(100);
  if (kind < 30) return String(r.between(-100, 100));
  if (kind < 40) return String(r.between(-1e12, 1e12));
  if (kind < 60) return String(r.between(-1e9, 1e9) / 1024);
  if (kind < 80) return String((r.below(2 ** 31) + 1) / 3e7);
  return r.pick([
    "inf", "-inf", "0", "5e-324", "-5e-324", "2.2250738585072009e-308",
    "2.2250738585072014e-308", "1.7976931348623157e308", "-1.7976931348623157e308", "0.1",
    "3.0000000000000004", "9007199254740993", "-9223372036854775808", "9223372036854775807",
    "4.6116860184273879e18", "1e17", "123456789012345680",
  ]); // prettier-ignore
}
