/** Numbers between bytes and JS, as INCR, TTLs and RESP lengths need them. */
import { bytesOf } from "../../src/base/bytes.ts";
import {
  parseDouble,
  parseInt64,
  parseSafeInteger,
  writeBigInteger,
  writeInteger,
} from "../../src/base/numbers.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";

const OPERATIONS = 256;
const MAX_INT64 = "9223372036854775807";

export const numbers: readonly MicroBenchmark[] = [
  { name: "parse 42", prepare: () => parsed("42") },
  { name: "parse 1234567890123", prepare: () => parsed("1234567890123") },
  { name: "refuse key:000000123456", prepare: () => refused("key:000000123456") },
  { name: "parse int64 (bigint)", prepare: () => parsedExactly(MAX_INT64) },
  { name: "parse 3.14159", prepare: () => parsedDouble("3.14159") },
  { name: "format 42", prepare: () => formatted(42) },
  { name: "format 1234567890123", prepare: () => formatted(1234567890123) },
  { name: "format int64 (bigint)", prepare: () => formattedExactly(BigInt(MAX_INT64)) },
];

function parsed(text: string): Body {
  const bytes = bytesOf(text);
  return repeated(Number(text) % 1000, () => parseSafeInteger(bytes, 0, bytes.length) % 1000);
}

function refused(text: string): Body {
  const bytes = bytesOf(text);
  return repeated(1, () => (Number.isNaN(parseSafeInteger(bytes, 0, bytes.length)) ? 1 : 0));
}

function parsedExactly(text: string): Body {
  const bytes = bytesOf(text);
  const exact = BigInt(text);
  return repeated(1, () => (parseInt64(bytes, 0, bytes.length) === exact ? 1 : 0));
}

function parsedDouble(text: string): Body {
  const bytes = bytesOf(text);
  const value = Number(text);
  return repeated(1, () => (parseDouble(bytes, 0, bytes.length) === value ? 1 : 0));
}

function formatted(value: number): Body {
  const target = new Uint8Array(32);
  return repeated(String(value).length, () => writeInteger(target, 0, value));
}

function formattedExactly(value: bigint): Body {
  const target = new Uint8Array(32);
  return repeated(String(value).length, () => writeBigInteger(target, 0, value));
}

function repeated(each: number, operation: () => number): Body {
  return {
    operations: OPERATIONS,
    expected: OPERATIONS * each,
    run() {
      let sum = 0;
      for (let i = 0; i < OPERATIONS; i++) sum += operation();
      return sum;
    },
  };
}
