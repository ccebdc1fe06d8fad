/**
 * The manifest of a multi-part AOF: which files hold the data, in the order of their loading.
 *
 *     file appendonly.aof.2.base.rdb seq 2 type b      at most one base, written first
 *     file appendonly.aof.1.incr.aof seq 1 type h      history: replaced, to be removed
 *     file appendonly.aof.2.incr.aof seq 2 type i      increments, sequence numbers rise
 *
 * A name that is not plain printable ASCII is quoted. Lines that begin with # are comments;
 * unknown key-value pairs are skipped, for the sake of later versions. What is refused, and
 * how that is worded, follows aofLoadManifestFromFile (aof.c, Redis 7).
 */
import { equalsWord, textOf } from "../base/bytes.ts";
import { quoteBytes, splitArguments } from "../base/quoted-arguments.ts";

export const BASE = "b";
export const HISTORY = "h";
export const INCREMENT = "i";

export interface AofFile {
  readonly name: string;
  readonly sequence: number;
}

/** Never changed in place: a change is a new manifest, written before it is acted upon. */
export interface Manifest {
  readonly base: AofFile | null;
  readonly history: readonly AofFile[];
  readonly increments: readonly AofFile[];
  /** The number that an increment was given last; it may be mere history by now. */
  readonly lastIncrement: number;
}

export interface ManifestProblem {
  readonly problem: string;
  /** The line in question with its number from 1, where it could be read at all. */
  readonly line: { readonly number: number; readonly text: string } | null;
}

export const EMPTY_MANIFEST: Manifest = {
  base: null,
  history: [],
  increments: [],
  lastIncrement: 0,
};

/** MANIFEST_MAX_LINE: a line with its newline may not be longer. */
const MAX_LINE_BYTES = 1024;
const LINE_FEED = 10;
const HASH_SIGN = 35;
const BAD_FORMAT = "Invalid AOF manifest file format";

interface Entry extends AofFile {
  readonly type: string;
}

export function parseManifest(content: Uint8Array): Manifest | ManifestProblem {
  const parsed = { base: null as AofFile | null, history: [] as AofFile[] };
  const increments: AofFile[] = [];
  let number = 0;
  for (let at = 0; at < content.length;) {
    number++;
    const end = endOfLine(content, at);
    const raw = content.subarray(at, end);
    at = end;
    if (raw[0] === HASH_SIGN) continue;
    if (raw[raw.length - 1] !== LINE_FEED || raw.includes(0)) {
      return { problem: "The AOF manifest file contains too long line", line: null };
    }
    const text = textOf(raw).replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, "");
    const refuse = (problem: string): ManifestProblem => ({ problem, line: { number, text } });
    const entry = parseLine(raw);
    if (typeof entry === "string") return refuse(entry);
    const { name, sequence } = entry;
    if (entry.type === BASE) {
      if (parsed.base !== null) return refuse("Found duplicate base file information");
      parsed.base = { name, sequence };
    } else if (entry.type === HISTORY) {
      parsed.history.push({ name, sequence });
    } else if (entry.type === INCREMENT) {
      if (sequence <= (increments.at(-1)?.sequence ?? 0)) {
        return refuse("Found a non-monotonic sequence number");
      }
      increments.push({ name, sequence });
    } else {
      return refuse("Unknown AOF file type");
    }
  }
  if (number === 0) return { problem: "Found an empty AOF manifest", line: null };
  return { ...parsed, increments, lastIncrement: increments.at(-1)?.sequence ?? 0 };
}

export function formatManifest(manifest: Manifest): Uint8Array {
  let text = "";
  const add = (file: AofFile, type: string): void => {
    text += `file ${quoteName(file.name)} seq ${file.sequence} type ${type}\n`;
  };
  if (manifest.base !== null) add(manifest.base, BASE);
  for (const file of manifest.history) add(file, HISTORY);
  for (const file of manifest.increments) add(file, INCREMENT);
  return new TextEncoder().encode(text);
}

/** The manifest with the increment that follows its last one. */
export function withNextIncrement(manifest: Manifest, appendFilename: string): Manifest {
  const { history, increments } = manifest;
  const nameOf = (sequence: number): string => `${appendFilename}.${sequence}.incr.aof`;
  let sequence = manifest.lastIncrement + 1;
  // History that is kept outlives the count of those who read the manifest.
  while (history.some(({ name }) => name === nameOf(sequence))) sequence++;
  const increment = { name: nameOf(sequence), sequence };
  return { ...manifest, increments: [...increments, increment], lastIncrement: sequence };
}

/** The base that follows the manifest's own. */
export function nextBase(
  manifest: Manifest,
  appendFilename: string,
  format: "rdb" | "aof",
): AofFile {
  const sequence = (manifest.base?.sequence ?? 0) + 1;
  return { name: `${appendFilename}.${sequence}.base.${format}`, sequence };
}

/**
 * The manifest in which `base` replaces all files there were; with `keepsLast` but the last
 * increment, which goes on growing.
 */
export function rebased(manifest: Manifest, base: AofFile, keepsLast: boolean): Manifest {
  const { increments } = manifest;
  const kept = keepsLast ? increments.length - 1 : increments.length;
  const replaced = manifest.base === null ? [] : [manifest.base];
  const history = [...increments.slice(0, kept), ...replaced, ...manifest.history];
  return { ...manifest, base, history, increments: increments.slice(kept) };
}

/** What fgets gives: up to and with the newline, at most so many bytes. */
function endOfLine(content: Uint8Array, at: number): number {
  const limit = Math.min(at + MAX_LINE_BYTES, content.length);
  const newline = content.indexOf(LINE_FEED, at);
  return newline >= 0 && newline < limit ? newline + 1 : limit;
}

function parseLine(raw: Uint8Array): Entry | string {
  const words = splitArguments(raw, 0, raw.length);
  if (words === null || words.length < 6 || words.length % 2 === 1) return BAD_FORMAT;
  let name = "";
  let sequence = 0;
  let type = "";
  for (let i = 0; i < words.length; i += 2) {
    const key = words[i];
    const value = words[i + 1];
    if (equalsWord(key, 0, key.length, "FILE")) {
      name = new TextDecoder().decode(value);
      if (/[/\\]/.test(name)) return "File can't be a path, just a filename";
    } else if (equalsWord(key, 0, key.length, "SEQ")) {
      sequence = Number(/^\s*[+-]?\d+/.exec(textOf(value))?.[0] ?? 0);
    } else if (equalsWord(key, 0, key.length, "TYPE")) {
      type = textOf(value).slice(0, 1);
    }
  }
  if (name === "" || sequence === 0 || type === "") return BAD_FORMAT;
  return Number.isSafeInteger(sequence) ? { name, sequence, type } : BAD_FORMAT;
}

function quoteName(name: string): string {
  // Redis writes a single quote as it is, and then can't read its manifest.
  if (/^[!#-&(-[\]-~]*$/.test(name)) return name;
  const bytes = new TextEncoder().encode(name);
  return quoteBytes(bytes, 0, bytes.length);
}
