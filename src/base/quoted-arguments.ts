/**
 * The quoted argument syntax of inline commands and configuration lines, and its inverse.
 *
 *     plain   "C escapes: \n \r \t \b \a \" \\ \xff"   'raw, only \' is an escape'
 *
 * A closing quote must be followed by white space or the end. Quotes may open in the middle of
 * an argument (ab"c d" is one argument), and end it when they close. As Redis reads the line as
 * a C string, it ends at the first NUL byte; blanks between arguments are C's isspace, but an
 * unquoted argument ends only at space, tab, CR or LF.
 */
import { hexDigit } from "./numbers.ts";

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;
const LOWER_X = 120;
const PLAIN = 0;

/** What a backslash makes of the byte behind it; a byte that is not listed stands for itself. */
const ESCAPED_BYTES = new Map([
  [110, LINE_FEED],
  [114, CARRIAGE_RETURN],
  [116, TAB],
  [98, 8],
  [97, 7],
]);

/** The arguments, each in bytes of its own; null when quotes are unbalanced. */
export function splitArguments(
  bytes: Uint8Array,
  start: number,
  length: number,
): Uint8Array[] | null {
  const nul = bytes.subarray(start, start + length).indexOf(0);
  const end = nul < 0 ? start + length : start + nul;
  const unquoted = new Uint8Array(end - start);
  const words: Uint8Array[] = [];
  let at = skipBlanks(bytes, start, end);
  while (at < end) {
    let used = 0;
    let quote = PLAIN;
    for (; at < end; at++) {
      let byte = bytes[at];
      if (quote === PLAIN) {
        if (endsPlainWord(byte)) break;
        if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) {
          quote = byte;
          continue;
        }
      } else if (byte === quote) {
        quote = PLAIN;
        at++;
        if (at < end && !isBlank(bytes[at])) return null;
        break;
      } else if (byte === BACKSLASH && at + 1 < end) {
        const escaped = bytes[at + 1];
        if (quote === SINGLE_QUOTE) {
          if (escaped === SINGLE_QUOTE) byte = bytes[++at];
        } else if (isHexEscape(bytes, at, end)) {
          byte = hexDigit(bytes[at + 2]) * 16 + hexDigit(bytes[at + 3]);
          at += 3;
        } else {
          byte = ESCAPED_BYTES.get(escaped) ?? escaped;
          at++;
        }
      }
      unquoted[used++] = byte;
    }
    if (quote !== PLAIN) return null;
    words.push(unquoted.slice(0, used));
    at = skipBlanks(bytes, at, end);
  }
  return words;
}

function skipBlanks(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isBlank(bytes[at])) at++;
  return at;
}

/** C's isspace. */
function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}

function endsPlainWord(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LINE_FEED || byte === CARRIAGE_RETURN;
}

function isHexEscape(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    at + 3 < end &&
    bytes[at + 1] === LOWER_X &&
    hexDigit(bytes[at + 2]) >= 0 &&
    hexDigit(bytes[at + 3]) >= 0
  );
}

/** What quoteBytes writes for each byte. */
const QUOTED_BYTES = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === "\\") return `\\${character}`;
  for (const [letter, escaped] of ESCAPED_BYTES) {
    if (escaped === byte) return `\\${String.fromCharCode(letter)}`;
  }
  if (byte >= SPACE && byte < 127) return character;
  return `\\x${byte.toString(16).padStart(2, "0")}`;
});

/** The range between double quotes, all but printable ASCII escaped; splitArguments undoes it. */
export function quoteBytes(bytes: Uint8Array, start: number, length: number): string {
  let text = '"';
  for (let at = start; at < start + length; at++) text += QUOTED_BYTES[bytes[at]];
  return `${text}"`;
}
