/**
 * Doubles as Redis 7.2 prints them in replies and files (d2string, util.c): whole numbers up to
 * 2^62 as integers, everything else in the fewest digits that read back the same, laid out as
 * fpconv does (so 12345.123456789 becomes 1.2345123456789e+4).
 */
import { writeInteger } from "./numbers.ts";

/** No double takes more bytes. */
export const MAX_DOUBLE_BYTES = 32;
const MOST_WHOLE = 2 ** 62;

export function formatDouble(value: number): string {
  if (value !== value) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0" : "0";
  if (isWhole(value)) return Number.isSafeInteger(value) ? String(value) : String(BigInt(value));
  return layOut(value);
}

/** Writes the text at `at`; returns the place behind it. */
export function writeDouble(target: Uint8Array, at: number, value: number): number {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return writeInteger(target, at, value);
  const text = formatDouble(value);
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** C's "%.17g": what Redis prints where it goes through a long double (ZSCAN of a large one). */
export function formatPrecise(value: number): string {
  if (!Number.isFinite(value) || value === 0) return formatDouble(value);
  const [mantissa, power] = value.toExponential(16).split("e");
  const exponent = Number(power);
  if (exponent >= -4 && exponent < 17) {
    const fixed = value.toFixed(Math.max(0, 16 - exponent));
    return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
  }
  const size = String(Math.abs(exponent)).padStart(2, "0");
  return `${mantissa.replace(/\.?0+$/, "")}e${exponent < 0 ? "-" : "+"}${size}`;
}

/** Whether it is kept and printed as an integer. */
export function isWhole(value: number): boolean {
  return Math.abs(value) <= MOST_WHOLE && Math.floor(value) === value;
}

function layOut(value: number): string {
  const sign = value < 0 ? "-" : "";
  const [mantissa, power] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  /** The power of ten of the last digit. */
  const last = exponent - digits.length + 1;
  const size = Math.abs(exponent);
  if (last >= 0 && size < digits.length + 7) return sign + digits + "0".repeat(last);
  if (last < 0 && (last > -7 || size < 4)) {
    const whole = digits.length + last;
    if (whole <= 0) return `${sign}0.${"0".repeat(-whole)}${digits}`;
    return `${sign}${digits.slice(0, whole)}.${digits.slice(whole)}`;
  }
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${size}`;
}
