/** Members, fields and values for tests of collections: bytes as texts, and numbers at borders. */
import { textOf } from "../../src/base/bytes.ts";
import type { ByteView } from "../../src/memory/element.ts";

/** The bytes that a view points at, one character each. */
export function viewedText({ bytes, start, length }: ByteView): string {
  return textOf(bytes, start, length);
}

const BORDERS = [
  0n,
  1n,
  127n,
  128n,
  4095n,
  4096n,
  32767n,
  32768n,
  8388607n,
  8388608n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
];

/** int64s on both sides of where a packed integer widens, and of what a double can say. */
export const BORDER_INTEGERS: readonly bigint[] = BORDERS.flatMap((n) => [n, -n, -n - 1n]);

/** What the digits of an integer might be mistaken for. */
export const NO_INTEGERS: readonly string[] = [
  "",
  "-0",
  "01",
  "+1",
  " 1",
  "1 ",
  "1.0",
  "1e3",
  "-",
  "--1",
  "0x1",
  "9223372036854775808",
  "-9223372036854775809",
  "99999999999999999999",
  "100000000000000000000",
];
