/**
 * Numbers as bytes, both ways, by Redis's rules. Three families:
 *
 * - canonical integers (what INCR, SET's integer encoding and RESP lengths accept): an optional
 *   '-', a first digit 1-9 (or the text "0" alone), digits. No '+', space, leading zero or "-0",
 *   so a canonical text and its number convert into each other without loss. Numbers up to
 *   2^53 - 1 are JS numbers; only larger ones reach the BigInt functions.
 * - doubles as C's strtod reads them (scores, float arguments), NaN meaning "refused" because
 *   Redis refuses every NaN too.
 * - memory sizes of the configuration ("64mb").
 *
 * The hot functions (parseSafeInteger, writeInteger, parseDouble's decimal path) allocate nothing.
 */
import { textOf } from "./bytes.ts";

const ZERO = 48;
const MINUS = 45;
const PLUS = 43;
const POINT = 46;

const MAX_SAFE_DIGITS = 16;
const MAX_UINT64_DIGITS = 20;
const MAX_INT64 = 2n ** 63n - 1n;
const MAX_UINT64 = 2n ** 64n - 1n;

/** The two decimal digits of 0…99, at twice the number. */
const DIGIT_PAIRS = digitPairs();

/** Powers of ten that a double holds exactly. */
const EXACT_POWERS_OF_TEN = Float64Array.from({ length: 23 }, (_, power) => 10 ** power);

/** The canonical integer in the range, or NaN when it is not one or exceeds ±(2^53 - 1). */
export function parseSafeInteger(bytes: Uint8Array, start: number, length: number): number {
  if (length === 0) return NaN;
  let at = start;
  const end = start + length;
  const negative = bytes[at] === MINUS;
  if (negative && ++at === end) return NaN;
  const first = bytes[at] - ZERO;
  if (first <= 0 || first > 9) return first === 0 && length === 1 ? 0 : NaN;
  if (end - at > MAX_SAFE_DIGITS) return NaN;
  // Two int32 halves, the first of up to 9 digits: integer arithmetic is much the faster.
  const split = end - at > 9 ? at + 9 : end;
  let high = first;
  for (at++; at < split; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    high = (high * 10 + digit) | 0;
  }
  if (at === end) return negative ? -high : high;
  let low = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return NaN;
    low = (low * 10 + digit) | 0;
  }
  const value = high * EXACT_POWERS_OF_TEN[end - split] + low;
  if (value > Number.MAX_SAFE_INTEGER) return NaN;
  return negative ? -value : value;
}

/** The canonical integer in -2^63 … 2^63 - 1, or null: the exact path beside parseSafeInteger. */
export function parseInt64(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length === 0) return null;
  if (length === 1 && bytes[start] === ZERO) return 0n;
  const negative = bytes[start] === MINUS;
  const magnitude = negative
    ? parseMagnitude(bytes, start + 1, length - 1)
    : parseMagnitude(bytes, start, length);
  if (magnitude === null) return null;
  if (negative) return magnitude > MAX_INT64 + 1n ? null : -magnitude;
  return magnitude > MAX_INT64 ? null : magnitude;
}

/** The canonical integer in 0 … 2^64 - 1, or null. */
export function parseUint64(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length === 1 && bytes[start] === ZERO) return 0n;
  const magnitude = parseMagnitude(bytes, start, length);
  return magnitude === null || magnitude > MAX_UINT64 ? null : magnitude;
}

/** Digits with a first digit 1-9, at most 20 of them (so possibly above 2^64); else null. */
function parseMagnitude(bytes: Uint8Array, start: number, length: number): bigint | null {
  if (length === 0 || length > MAX_UINT64_DIGITS || bytes[start] === ZERO) return null;
  const end = start + length;
  const lowStart = length > 10 ? end - 10 : end;
  let high = 0;
  let low = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return null;
    if (at < lowStart) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  return length > 10 ? BigInt(high) * 10_000_000_000n + BigInt(low) : BigInt(high);
}

/** How many bytes writeInteger writes for a safe integer. */
export function integerLength(value: number): number {
  if (value < 0) return 1 + digitCount(-value);
  return digitCount(value);
}

function digitCount(value: number): number {
  if (value < 1e8) return shortDigitCount(value | 0);
  if (value < 1e16) return 8 + shortDigitCount(Math.floor(value / 1e8));
  return 17;
}

/** digitCount below 10^8. */
function shortDigitCount(value: number): number {
  if (value < 100) return value < 10 ? 1 : 2;
  if (value < 10_000) return value < 1000 ? 3 : 4;
  if (value < 1_000_000) return value < 100_000 ? 5 : 6;
  return value < 10_000_000 ? 7 : 8;
}

/**
 * Writes a safe integer in decimal and returns the position after it; the target must have room
 * for integerLength(value) bytes (at most 17).
 */
export function writeInteger(target: Uint8Array, at: number, value: number): number {
  let magnitude = value;
  if (value < 0) {
    target[at++] = MINUS;
    magnitude = -value;
  }
  if (magnitude < 1e8) return writeShort(target, at, magnitude | 0);
  const high = Math.floor(magnitude / 1e8);
  const lowAt = writeShort(target, at, high | 0);
  return writeEightDigits(target, lowAt, (magnitude - high * 1e8) | 0);
}

/** Writes 0 … 10^8 - 1. */
function writeShort(target: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    target[at] = ZERO + value;
    return at + 1;
  }
  const end = at + shortDigitCount(value);
  let to = end;
  let rest = value;
  while (rest >= 100) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    target[--to] = DIGIT_PAIRS[pair + 1];
    target[--to] = DIGIT_PAIRS[pair];
    rest = quotient;
  }
  if (rest >= 10) {
    target[--to] = DIGIT_PAIRS[(rest << 1) + 1];
    target[--to] = DIGIT_PAIRS[rest << 1];
  } else {
    target[--to] = ZERO + rest;
  }
  return end;
}

/** Writes 0 … 10^8 - 1 with zeros in front. */
function writeEightDigits(target: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (let to = at + 6; to >= at; to -= 2) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    target[to] = DIGIT_PAIRS[pair];
    target[to + 1] = DIGIT_PAIRS[pair + 1];
    rest = quotient;
  }
  return at + 8;
}

/** writeInteger for -2^63 … 2^64 - 1; at most 20 bytes. */
export function writeBigInteger(target: Uint8Array, at: number, value: bigint): number {
  if (value < 0n) {
    target[at++] = MINUS;
    value = -value;
  }
  if (value <= Number.MAX_SAFE_INTEGER) return writeInteger(target, at, Number(value));
  const high = value / 100_000_000n;
  const lowAt = writeInteger(target, at, Number(high));
  return writeEightDigits(target, lowAt, Number(value - high * 100_000_000n));
}

/** Below this, `mantissa * 10 + digit` stays exact. */
const MANTISSA_LIMIT = Math.floor((Number.MAX_SAFE_INTEGER - 9) / 10);
/** Exponents stop growing here: far outside any floating-point format, far inside 2^53. */
const EXPONENT_LIMIT = 1e14;

/**
 * The double that C's strtod reads from the whole range: decimal or hexadecimal floats, "inf",
 * "infinity" in any case. NaN stands for what Redis refuses: an empty text, space around it,
 * trailing bytes, "nan", and a result that overflows or that underflows to zero.
 */
export function parseDouble(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  let at = start;
  if (at === end) return NaN;
  const negative = bytes[at] === MINUS;
  if (negative || bytes[at] === PLUS) at++;
  let mantissa = 0;
  let exponent = 0;
  let digits = 0;
  let exact = true;
  let pointAt = -1;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit >= 0 && digit <= 9) {
      digits++;
      if (mantissa <= MANTISSA_LIMIT) {
        mantissa = mantissa * 10 + digit;
        if (pointAt >= 0) exponent--;
      } else {
        exact = false;
      }
    } else if (bytes[at] === POINT && pointAt < 0) {
      pointAt = at;
    } else {
      break;
    }
  }
  if (digits === 0) return parseSpecialDouble(bytes, at, end, negative, pointAt >= 0);
  if (at < end) {
    if ((bytes[at] | 32) === 0x78) return parseHexDouble(bytes, start, length);
    const written = parseExponent(bytes, at, end, 0x65);
    if (Number.isNaN(written)) return NaN;
    exponent += written;
  }
  if (mantissa === 0) return negative ? -0 : 0;
  if (!exact || exponent > 22 || exponent < -22) {
    const value = Number(textOf(bytes, start, length));
    return value === 0 || value - value !== 0 ? NaN : value;
  }
  const value =
    exponent < 0
      ? mantissa / EXACT_POWERS_OF_TEN[-exponent]
      : mantissa * EXACT_POWERS_OF_TEN[exponent];
  return negative ? -value : value;
}

function parseSpecialDouble(
  bytes: Uint8Array,
  at: number,
  end: number,
  negative: boolean,
  point: boolean,
): number {
  if (point || !isInfinityWord(bytes, at, end)) return NaN;
  return negative ? -Infinity : Infinity;
}

/** Whether the range (after its sign) is "inf" or "infinity" in any case. */
function isInfinityWord(bytes: Uint8Array, at: number, end: number): boolean {
  const length = end - at;
  if (length !== 3 && length !== 8) return false;
  for (let i = 0; i < length; i++) {
    if ((bytes[at + i] | 32) !== "infinity".charCodeAt(i)) return false;
  }
  return true;
}

/** The exponent after a marker letter (lower case), up to the end exactly; NaN when malformed. */
function parseExponent(bytes: Uint8Array, at: number, end: number, marker: number): number {
  if ((bytes[at] | 32) !== marker || ++at === end) return NaN;
  const negative = bytes[at] === MINUS;
  if ((negative || bytes[at] === PLUS) && ++at === end) return NaN;
  let exponent = 0;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (!(digit >= 0 && digit <= 9)) return NaN;
    if (exponent < EXPONENT_LIMIT) exponent = exponent * 10 + digit;
  }
  return negative ? -exponent : exponent;
}

/** A magnitude `mantissa * 2^exponent`; digits beyond those kept are only a sticky low bit. */
export interface BinaryMagnitude {
  mantissa: bigint;
  exponent: number;
}

/** Hexadecimal digits kept: more than any significand here plus rounding bits needs. */
const KEPT_HEX_DIGITS = 24;

/**
 * A hexadecimal float as strtod reads it ("-0x1.8p3"), its sign left to the caller. Null when
 * the range is anything else. Exact up to 24 digits; what follows them sets the lowest bit, so
 * rounding to 80 bits or fewer is right.
 */
export function parseHexMagnitude(
  bytes: Uint8Array,
  start: number,
  length: number,
): BinaryMagnitude | null {
  const end = start + length;
  let at = start;
  if (bytes[at] === MINUS || bytes[at] === PLUS) at++;
  if (end - at < 3 || bytes[at] !== ZERO || (bytes[at + 1] | 32) !== 0x78) return null;
  let mantissa = 0n;
  let exponent = 0;
  let digits = 0;
  let kept = 0;
  let sticky = 0n;
  let point = false;
  for (at += 2; at < end; at++) {
    const digit = hexDigit(bytes[at]);
    if (digit >= 0) {
      digits++;
      if (point) exponent -= 4;
      if (kept < KEPT_HEX_DIGITS) {
        mantissa = mantissa * 16n + BigInt(digit);
        if (mantissa !== 0n) kept++;
      } else {
        exponent += 4;
        if (digit !== 0) sticky = 1n;
      }
    } else if (bytes[at] === POINT && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (digits === 0) return null;
  if (at < end) {
    const written = parseExponent(bytes, at, end, 0x70);
    if (Number.isNaN(written)) return null;
    exponent += written;
  }
  return { mantissa: mantissa * 2n + sticky, exponent: exponent - 1 };
}

/** The value of a hexadecimal digit's byte, or -1. */
export function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

function parseHexDouble(bytes: Uint8Array, start: number, length: number): number {
  const parsed = parseHexMagnitude(bytes, start, length);
  if (parsed === null) return NaN;
  const negative = bytes[start] === MINUS;
  if (parsed.mantissa === 0n) return negative ? -0 : 0;
  const { mantissa, exponent } = roundMagnitude(parsed.mantissa, parsed.exponent, 53, -1074);
  if (mantissa === 0n || bitLength(mantissa) + exponent > 1024) return NaN;
  // In two steps, because 2 ** exponent alone may lie outside the range.
  const half = Math.trunc(exponent / 2);
  const value = Number(mantissa) * 2 ** half * 2 ** (exponent - half);
  return negative ? -value : value;
}

const DOUBLE = new Float64Array(1);
const DOUBLE_WORDS = new Uint32Array(DOUBLE.buffer);

/** The number of bits of a magnitude; 0 for 0. */
export function bitLength(magnitude: bigint): number {
  if (magnitude === 0n) return 0;
  DOUBLE[0] = Number(magnitude);
  const exponent = DOUBLE_WORDS[1] >>> 20;
  if (exponent < 0x7ff) {
    // The conversion may have rounded up to the next power of two.
    const bits = exponent - 1022;
    return magnitude >> BigInt(bits - 1) === 0n ? bits - 1 : bits;
  }
  const hex = magnitude.toString(16);
  return hex.length * 4 - (Math.clz32(hexDigit(hex.charCodeAt(0))) - 28);
}

/**
 * Rounds half to even to `precision` bits, but to no lower bit than 2^minExponent (so the
 * subnormals of a format come out right). Carrying out may leave precision + 1 bits, the value
 * being a power of two then.
 */
export function roundMagnitude(
  mantissa: bigint,
  exponent: number,
  precision: number,
  minExponent: number,
): BinaryMagnitude {
  const bits = bitLength(mantissa);
  const dropped = Math.max(bits - precision, minExponent - exponent, 0);
  if (dropped === 0) return { mantissa, exponent };
  if (dropped > bits) return { mantissa: 0n, exponent: minExponent };
  return { mantissa: shiftRightRounded(mantissa, dropped), exponent: exponent + dropped };
}

/** magnitude / 2^bits, rounded half to even; bits > 0. */
export function shiftRightRounded(magnitude: bigint, bits: number): bigint {
  const quotient = magnitude >> BigInt(bits);
  const rest = BigInt.asUintN(bits, magnitude);
  const half = 1n << BigInt(bits - 1);
  const up = rest > half || (rest === half && (quotient & 1n) === 1n);
  return up ? quotient + 1n : quotient;
}

const MEMORY_UNITS = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1000n],
  ["kb", 1024n],
  ["m", 1000_000n],
  ["mb", 1024n ** 2n],
  ["g", 1000_000_000n],
  ["gb", 1024n ** 3n],
]);
const MAX_MEMORY_DIGITS = 127;

/**
 * A memory size in bytes: digits and a unit in any case (k = 1000, kb = 1024, …), as the
 * configuration writes it. Null when malformed. As in Redis the product is a 64-bit unsigned one
 * (digits saturate, the product wraps), and no digits at all mean 0.
 */
export function parseMemory(text: string): bigint | null {
  const digits = /^[0-9]*/.exec(text)?.[0] ?? "";
  const unit = MEMORY_UNITS.get(text.slice(digits.length).toLowerCase());
  if (unit === undefined || digits.length > MAX_MEMORY_DIGITS) return null;
  const count = BigInt(digits);
  return BigInt.asUintN(64, (count > MAX_UINT64 ? MAX_UINT64 : count) * unit);
}

function digitPairs(): Uint8Array {
  const pairs = new Uint8Array(200);
  for (let i = 0; i < 100; i++) {
    pairs[2 * i] = ZERO + ((i / 10) | 0);
    pairs[2 * i + 1] = ZERO + (i % 10);
  }
  return pairs;
}
