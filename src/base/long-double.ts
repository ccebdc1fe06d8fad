/**
 * The arithmetic of INCRBYFLOAT and HINCRBYFLOAT. Redis computes both in C's `long double`, on
 * x86-64 the 80-bit extended format: 64 significant bits, largest exponent 2^16383, lowest bit
 * of a subnormal 2^-16445. Its results show in replies (3000 + 0.1 is
 * 3000.10000000000000009), so the format is reproduced exactly: parse and add round half to even
 * as the processor does, and the text is what printf's "%.17Lf" prints, without trailing zeros.
 *
 * A handler parses both operands (null: "value is not a valid float"), adds them, refuses a sum
 * that is not finite, and writes the text of the rest.
 */
import { textOf } from "./bytes.ts";
import {
  bitLength,
  parseDouble,
  parseHexMagnitude,
  parseSafeInteger,
  roundMagnitude,
  shiftRightRounded,
} from "./numbers.ts";

/**
 * `mantissa * 2^exponent`, the mantissa signed. Infinities and NaN are one non-finite value: no
 * caller tells them apart.
 */
export interface LongDouble {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly finite: boolean;
}

const PRECISION = 64;
const LOWEST_BIT = -16445;
const OVERFLOW_BITS = 16384;
/** Redis copies the text into a buffer of 5 KiB; a longer one is not a float. */
const MAX_TEXT_BYTES = 5 * 1024 - 1;
/** Beyond ±this power of ten the leading digit alone overflows, or underflows to zero. */
const DECIMAL_EXPONENT_LIMIT = 5000;
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

const NOT_FINITE: LongDouble = { mantissa: 0n, exponent: 0, finite: false };
const DECIMAL = /^[+-]?([0-9]*)(?:\.([0-9]*))?(?:e([+-]?[0-9]+))?$/i;

/** An integer that the format holds exactly: any in -2^63 … 2^64 - 1. */
export function longDoubleFromInteger(value: number | bigint): LongDouble {
  return { mantissa: BigInt(value), exponent: 0, finite: true };
}

/**
 * The number that strtold reads from the whole range (decimal, hexadecimal, infinities), or null
 * for what Redis refuses: empty, over 5119 bytes, space or junk around it, "nan", overflow, and
 * underflow to zero.
 */
export function parseLongDouble(
  bytes: Uint8Array,
  start: number,
  length: number,
): LongDouble | null {
  if (length === 0 || length > MAX_TEXT_BYTES) return null;
  const integer = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(integer)) return longDoubleFromInteger(integer);
  const hex = parseHexMagnitude(bytes, start, length);
  if (hex !== null) return rounded(bytes[start] === 45, hex.mantissa, hex.exponent);
  const text = textOf(bytes, start, length);
  const parts = DECIMAL.exec(text);
  if (parts === null) {
    const special = parseDouble(bytes, start, length);
    return Number.isNaN(special) ? null : NOT_FINITE;
  }
  const whole = parts[1] ?? "";
  const fraction = parts[2] ?? "";
  if (whole.length + fraction.length === 0) return null;
  const digits = BigInt(whole + fraction);
  const exponent = Number(parts[3] ?? "0") - fraction.length;
  return fromDecimal(text.startsWith("-"), digits, exponent);
}

/** digits * 10^exponent, rounded; null when it overflows or underflows to zero. */
function fromDecimal(negative: boolean, digits: bigint, exponent: number): LongDouble | null {
  if (digits === 0n) return rounded(negative, 0n, 0);
  const leading = exponent + Math.floor(bitLength(digits) * Math.LOG10E * Math.LN2);
  if (Math.abs(leading) > DECIMAL_EXPONENT_LIMIT) return null;
  if (exponent >= 0) return rounded(negative, digits * 10n ** BigInt(exponent), 0);
  // A quotient of at least two bits more than needed; its lowest bit stands for the remainder.
  const divisor = 10n ** BigInt(-exponent);
  const shift = Math.max(PRECISION + 2 - bitLength(digits) + bitLength(divisor), 0);
  const dividend = digits << BigInt(shift);
  const quotient = dividend / divisor;
  const sticky = quotient * divisor === dividend ? 0n : 1n;
  return rounded(negative, quotient * 2n + sticky, -shift - 1);
}

/** The nearest long double to mantissa * 2^exponent; null when it leaves the format's range. */
function rounded(negative: boolean, magnitude: bigint, exponent: number): LongDouble | null {
  if (magnitude === 0n) return longDoubleFromInteger(0);
  const result = roundMagnitude(magnitude, exponent, PRECISION, LOWEST_BIT);
  if (result.mantissa === 0n || bitLength(result.mantissa) + result.exponent > OVERFLOW_BITS) {
    return null;
  }
  const mantissa = negative ? -result.mantissa : result.mantissa;
  return { mantissa, exponent: result.exponent, finite: true };
}

/** The sum, rounded once; not finite when it overflows or an operand is not. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble {
  if (!a.finite || !b.finite) return NOT_FINITE;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum =
    (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  const negative = sum < 0n;
  // Both operands are multiples of the lowest bit, so a sum never underflows: null is overflow.
  return rounded(negative, negative ? -sum : sum, exponent) ?? NOT_FINITE;
}

/** The decimal text with at most 17 digits after the point; the value must be finite. */
export function formatLongDouble(value: LongDouble): string {
  const negative = value.mantissa < 0n;
  const magnitude = negative ? -value.mantissa : value.mantissa;
  const sign = negative ? "-" : "";
  if (value.exponent >= 0) return `${sign}${magnitude << BigInt(value.exponent)}`;
  const scaled = shiftRightRounded(magnitude * FRACTION_SCALE, -value.exponent);
  if (scaled === 0n) return "0";
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, "0");
  const point = digits.length - FRACTION_DIGITS;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === 48) end--;
  const fraction = end > point ? `.${digits.slice(point, end)}` : "";
  return `${sign}${digits.slice(0, point)}${fraction}`;
}
