/**
 * Directives that are numbers. Redis stores them in C integers of 64 bits, and its checks show
 * it: an unsigned directive sees -1 as 2^64 - 1, and memory sizes wrap at 2^64.
 */
import { bytesOf } from "../../base/bytes.ts";
import { parseInt64, parseMemory } from "../../base/numbers.ts";
import { type Accepted, type Option, type OptionTraits, untilNul } from "./option.ts";

export const INT_MIN = -(2 ** 31);
export const INT_MAX = 2 ** 31 - 1;
export const UINT_MAX = 2 ** 32 - 1;
export const LONG_MAX = 2n ** 63n - 1n;
export const ULONG_MAX = 2n ** 64n - 1n;

interface NumberTraits extends OptionTraits {
  readonly min?: number;
  readonly max?: number | bigint;
  /** Values outside these are accepted but brought inside. */
  readonly clamp?: readonly [number, number];
}

interface NumberKind {
  readonly signed: boolean;
  readonly refusal: string;
  readonly radix: number;
  /** The number, or null when the text is none. */
  read(text: string): bigint | null;
  rewritten(value: bigint): string;
}

const INTEGER: NumberKind = {
  signed: true,
  refusal: "argument couldn't be parsed into an integer",
  radix: 10,
  read: readInteger,
  rewritten: String,
};
const UNSIGNED: NumberKind = { ...INTEGER, signed: false };
const OCTAL: NumberKind = {
  signed: false,
  refusal: "argument couldn't be parsed as an octal number",
  radix: 8,
  read: readOctal,
  rewritten: (value) => value.toString(8),
};
const MEMORY: NumberKind = {
  signed: true,
  refusal: "argument must be a memory value",
  radix: 10,
  read: (text) => parseMemory(untilNul(text)),
  rewritten: memoryText,
};
const UNSIGNED_MEMORY: NumberKind = { ...MEMORY, signed: false };

/** A whole number, by default 0 to 2^31 - 1. */
export function integer(initial: number, traits: NumberTraits = {}): Option<number> {
  return numberOption(INTEGER, initial, traits);
}

/** An unsigned number, by default 0 to 2^63 - 1. */
export function unsigned(initial: number, traits: NumberTraits = {}): Option<number> {
  return numberOption(UNSIGNED, initial, { max: LONG_MAX, ...traits });
}

/** Permission bits, written in octal. */
export function octal(initial: number, traits: NumberTraits): Option<number> {
  return numberOption(OCTAL, initial, traits);
}

/** A size in bytes with an optional unit (`64mb`), by default 0 to 2^63 - 1. */
export function memory(initial: number, traits: NumberTraits = {}): Option<number> {
  return numberOption(MEMORY, initial, { max: LONG_MAX, ...traits });
}

export function unsignedMemory(initial: number, traits: NumberTraits = {}): Option<number> {
  return numberOption(UNSIGNED_MEMORY, initial, { max: LONG_MAX, ...traits });
}

/** A size in bytes, or a percentage, which is stored as a negative number: `5%` is -5. */
export function memoryOrPercent(maxPercent: number, traits: OptionTraits = {}): Option<number> {
  const size = memory(0, traits);
  return {
    ...size,
    parse(args, context) {
      const percent = readPercent(args[0]);
      if (percent === null) {
        const accepted = size.parse(args, context);
        return accepted === MEMORY.refusal
          ? "argument must be a memory or percent value"
          : accepted;
      }
      if (percent > BigInt(maxPercent)) {
        return `percentage argument must be less or equal to ${maxPercent}`;
      }
      return percent === 0n ? size.initial : { value: -Number(percent), text: `${percent}%` };
    },
    rewrite(value, text) {
      return value < 0 ? [{ text, forced: true }] : size.rewrite(value, text);
    },
  };
}

function numberOption(kind: NumberKind, initial: number, traits: NumberTraits): Option<number> {
  const min = BigInt(traits.min ?? 0);
  const max = BigInt(traits.max ?? INT_MAX);
  const accept = (number: bigint): Accepted<number> => ({
    value: Number(number),
    text: number.toString(kind.radix),
  });
  const initially = accept(BigInt(initial));
  const [lowest, highest] = [min, max].map((bound) => bound.toString(kind.radix));
  const range = `argument must be between ${lowest} and ${highest} inclusive`;
  return {
    traits,
    many: false,
    initial: initially,
    parse(args) {
      const read = kind.read(args[0]);
      if (read === null) return kind.refusal;
      const number = kind.signed ? BigInt.asIntN(64, read) : BigInt.asUintN(64, read);
      return number < min || number > max ? range : accept(clamped(number, traits.clamp));
    },
    rewrite(_value, text) {
      const number = BigInt(kind.radix === 8 ? `0o${text}` : text);
      return [{ text: kind.rewritten(number), forced: text !== initially.text }];
    },
  };
}

function clamped(number: bigint, limits: readonly [number, number] | undefined): bigint {
  if (limits === undefined) return number;
  if (number < limits[0]) return BigInt(limits[0]);
  return number > limits[1] ? BigInt(limits[1]) : number;
}

function readInteger(text: string): bigint | null {
  return parseInt64(bytesOf(text), 0, text.length);
}

function readPercent(text: string): bigint | null {
  if (!text.endsWith("%")) return null;
  const percent = readInteger(text.slice(0, -1));
  return percent === null || percent < 0n ? null : percent;
}

/** What C's strtoll makes of a text: the number it begins with, and what follows the number. */
export function leadingInteger(text: string): { number: bigint; rest: string } {
  const subject = untilNul(text);
  const match = /^[ \t-\r]*([+-]?)([0-9]+)/.exec(subject);
  if (match === null) return { number: 0n, rest: subject };
  const magnitude = BigInt(match[2]);
  const number = match[1] === "-" ? -magnitude : magnitude;
  const saturated = number > LONG_MAX ? LONG_MAX : number < -LONG_MAX ? -LONG_MAX - 1n : number;
  return { number: saturated, rest: subject.slice(match[0].length) };
}

function readOctal(text: string): bigint | null {
  const subject = untilNul(text);
  if (subject === "") return 0n;
  const match = /^[ \t-\r]*([+-]?)([0-7]+)$/.exec(subject);
  if (match === null) return null;
  const magnitude = BigInt(`0o${match[2]}`);
  if (magnitude > LONG_MAX) return null;
  return match[1] === "-" ? -magnitude : magnitude;
}

const MEMORY_UNITS: readonly (readonly [string, bigint])[] = [
  ["gb", 1024n ** 3n],
  ["mb", 1024n ** 2n],
  ["kb", 1024n],
];

/** The shortest exact text of a size: `64mb`, `1gb`, `1000`. */
export function memoryText(bytes: bigint): string {
  for (const [unit, size] of MEMORY_UNITS) {
    if (bytes !== 0n && bytes % size === 0n) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}
