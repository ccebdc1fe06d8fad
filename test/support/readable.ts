/** Commands and replies as a person reads and writes them, in redis-cli's manner. */
import { bytesToText, ReplyError, type ReplyValue } from "./_reply-decoder.ts";

export type Argument = string | number | bigint | Uint8Array;

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  b: "\b",
  a: "\x07",
};

const PIECE = /"((?:[^"\\]|\\[^])*)"(?=\s|$)|'((?:[^'\\]|\\[^])*)'(?=\s|$)|([^\s"']\S*)/gy;

/**
 * Splits `SET k "a\x00b"` into its arguments: double quotes with \n \r \t \b \a \xHH \" \\,
 * single quotes with \' only, as redis-cli. An escaped \xHH is one byte; all other text is UTF-8.
 */
export function splitLine(line: string): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const text = line.trim();
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const from = PIECE.lastIndex;
    const match = PIECE.exec(text);
    if (match === null) throw new Error(`Unbalanced quotes at ${from} in: ${text}`);
    const [, double, single, bare] = match;
    if (double !== undefined) parts.push(unescape(double));
    else parts.push(Buffer.from(single?.replaceAll("\\'", "'") ?? bare ?? ""));
    while (/\s/.test(text[PIECE.lastIndex] ?? "")) PIECE.lastIndex++;
  }
  return parts;
}

function unescape(quoted: string): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [piece, hex, escaped] of quoted.matchAll(/\\x([0-9a-f]{2})|\\([^])|[^\\]+/gi)) {
    if (hex !== undefined) parts.push(Uint8Array.of(Number.parseInt(hex, 16)));
    else parts.push(Buffer.from(escaped === undefined ? piece : (ESCAPES[escaped] ?? escaped)));
  }
  return Buffer.concat(parts);
}

export function argumentBytes(argument: Argument): Uint8Array {
  return argument instanceof Uint8Array ? argument : Buffer.from(String(argument));
}

/** The command as a line that `splitLine` reads back. */
export function readableCommand(args: readonly Argument[]): string {
  return args
    .map((argument) => {
      const bytes = argumentBytes(argument);
      const text = bytesToText(bytes);
      return /^[^\s"'\\\p{C}]+$/u.test(text) ? text : quoteBytes(bytes);
    })
    .join(" ");
}

/** A string as it is, all else as redis-cli would print it. */
export function plainReply(value: ReplyValue): string {
  return typeof value === "string" ? value : readableReply(value);
}

/** A reply's value in redis-cli's form: `(integer) 1`, `(nil)`, `1) "a"` … */
export function readableReply(value: ReplyValue, indent = ""): string {
  if (value === null) return "(nil)";
  if (value instanceof ReplyError) return `(error) ${value.message}`;
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return "(empty array)";
    return numbered(
      value.map((item) => ["", item]),
      indent,
    );
  }
  if (value instanceof Map) {
    if (value.size === 0) return "(empty map)";
    const entries = Array.from(value, ([key, item]): [string, ReplyValue] => [
      `${readableReply(key)} => `,
      item,
    ]);
    return numbered(entries, indent);
  }
  return `(${typeof value === "boolean" ? "boolean" : "number"}) ${value}`;
}

function numbered(items: readonly (readonly [string, ReplyValue])[], indent: string): string {
  const width = String(items.length).length;
  return items
    .map(([label, item], index) => {
      const number = `${String(index + 1).padStart(width)}) `;
      const inner = `${indent}${" ".repeat(number.length)}`;
      return `${index === 0 ? "" : indent}${number}${label}${readableReply(item, inner)}`;
    })
    .join("\n");
}

/** Bytes with everything but printable ASCII escaped, in double quotes. */
export function quoteBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    if (byte === 13) text += "\\r";
    else if (byte === 10) text += "\\n";
    else if (character === '"' || character === "\\") text += `\\${character}`;
    else if (byte >= 32 && byte < 127) text += character;
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${text}"`;
}
