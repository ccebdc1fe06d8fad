import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import * as numbers from "../../../src/base/numbers.ts";
import { oracleMissing, seededChance, startOracle } from "./_oracle.ts";
import type { Oracle } from "./_oracle.ts";

type Parser<T> = (bytes: Uint8Array, start: number, length: number) => T;

/** Parses inside a larger buffer, whose digits around the range must not count. */
function parsed<T>(parser: Parser<T>, text: string): T {
  return parser(bytesOf(`12${text}34`), 2, text.length);
}

const NOT_CANONICAL = ["", "-", "+1", "-0", "00", "01", "-01", " 1", "1 ", "1.0", "1a", "a", "--1"];
const INTEGERS = ["0", "1", "-1", "9", "10", "-99", "123456789", "1234567890", "-2147483648"];

describe("canonical integers", () => {
  test.each(NOT_CANONICAL)("%j is none", (text) => {
    expect(parsed(numbers.parseSafeInteger, text)).toBeNaN();
    expect(parsed(numbers.parseInt64, text)).toBeNull();
    expect(parsed(numbers.parseUint64, text)).toBeNull();
  });

  test.each(INTEGERS)("%s", (text) => {
    expect(parsed(numbers.parseSafeInteger, text)).toBe(Number(text));
    expect(parsed(numbers.parseInt64, text)).toBe(BigInt(text));
  });

  test("every non-digit byte is refused at every place", () => {
    for (let byte = 0; byte < 256; byte++) {
      const character = String.fromCharCode(byte);
      if (character >= "0" && character <= "9") continue;
      for (const text of [`${character}1`, `1${character}1`, `12345678901${character}`]) {
        if (text === "-1") continue;
        expect(parsed(numbers.parseSafeInteger, text)).toBeNaN();
        expect(parsed(numbers.parseInt64, text)).toBeNull();
        expect(parsed(numbers.parseUint64, text)).toBeNull();
      }
    }
  });

  test.each([
    ["9007199254740991", 9007199254740991],
    ["-9007199254740991", -9007199254740991],
    ["9007199254740992", NaN],
    ["9007199254740993", NaN],
    ["-9007199254740992", NaN],
    ["9999999999999999", NaN],
    ["10000000000000000", NaN],
    ["123456789012345678901234567890", NaN],
  ])("the limit of parseSafeInteger: %s", (text, expected) => {
    expect(parsed(numbers.parseSafeInteger, text)).toBe(expected);
  });

  test.each([
    ["9223372036854775807", true, true],
    ["9223372036854775808", false, true],
    ["-9223372036854775808", true, false],
    ["-9223372036854775809", false, false],
    ["18446744073709551615", false, true],
    ["18446744073709551616", false, false],
    ["99999999999999999999", false, false],
    ["100000000000000000000", false, false],
  ])("the limits of 64 bits: %s (signed %p, unsigned %p)", (text, signed, unsigned) => {
    expect(parsed(numbers.parseInt64, text)).toBe(signed ? BigInt(text) : null);
    expect(parsed(numbers.parseUint64, text)).toBe(unsigned ? BigInt(text) : null);
  });

  test("written and read again: around every power of ten and of two, and by chance", () => {
    const values: bigint[] = [0n];
    for (let power = 0n; power < 64n; power++) {
      for (const base of [2n, 10n]) {
        for (const offset of [-1n, 0n, 1n]) values.push(base ** power + offset);
      }
    }
    const chance = seededChance(1);
    for (let i = 0; i < 5000; i++) {
      const word = (BigInt(chance(2 ** 32)) << 32n) | BigInt(chance(2 ** 32));
      values.push(word >> BigInt(chance(64)));
    }
    for (const magnitude of values) {
      for (const value of [magnitude, -magnitude]) {
        if (value < -(2n ** 63n) || value >= 2n ** 64n) continue;
        expectWritten(value);
      }
    }
  });
});

function expectWritten(value: bigint): void {
  const text = value.toString();
  const target = bytesOf("#".repeat(30));
  const expected = `###${text}`.padEnd(30, "#");
  expect(numbers.writeBigInteger(target, 3, value)).toBe(3 + text.length);
  expect(textOf(target)).toBe(expected);
  const signed = value < 2n ** 63n;
  expect(parsed(numbers.parseInt64, text)).toBe(signed ? value : null);
  expect(parsed(numbers.parseUint64, text)).toBe(value >= 0n ? value : null);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) return;
  target.fill(35);
  expect(numbers.integerLength(number)).toBe(text.length);
  expect(numbers.writeInteger(target, 3, number)).toBe(3 + text.length);
  expect(textOf(target)).toBe(expected);
  expect(parsed(numbers.parseSafeInteger, text)).toBe(number);
}

const DOUBLES: [string, number][] = [
  ["0", 0],
  ["-0", -0],
  ["-0x0p9", -0],
  ["+1.5", 1.5],
  [".5", 0.5],
  ["5.", 5],
  ["007", 7],
  ["3.0e3", 3000],
  ["5.0E-20", 5e-20],
  ["1e22", 1e22],
  ["1e23", 1e23],
  ["9007199254740993", 9007199254740992],
  ["0.1234567890123456789", 0.12345678901234568],
  ["2.2250738585072011e-308", 2.225073858507201e-308],
  ["4.9e-324", 5e-324],
  ["1.7976931348623157e308", Number.MAX_VALUE],
  ["inf", Infinity],
  ["-Inf", -Infinity],
  ["+INFINITY", Infinity],
  ["0x1p3", 8],
  ["-0X1.8p+1", -3],
  ["0x.8", 0.5],
  ["0x1.", 1],
  ["0xff", 255],
  ["0x1.fffffffffffff7p0", 1.9999999999999998],
  ["0x1.fffffffffffff8p0", 2],
  ["0x1.00000000000008p0", 1],
  ["0x1.00000000000008000000000000000000000001p0", 1.0000000000000002],
  ["0x1p-1074", 5e-324],
  ["0x1.8p-1075", 5e-324],
  ["0x1p1023", 2 ** 1023],
  ["0x0p99999999999999999999", 0],
];
const NOT_DOUBLES = [
  ["", " 1", "1 ", "\t1", "1x", "e5", ".", "+", "-", "+-1", "1e", "1e+", "1e5.", "1..2", "1_0"],
  ["nan", "-nan", "NaN(1)", "in", "infi", "infinit", "infinityx", ".inf", "1inf", "0b1", "\0"],
  ["0x", "0x.", "0xp1", "0x1p", "0x1p+", "0x1p1x", "0x1g", "00x1", "x1", "1x1", "1\0"],
  ["1e400", "-1e400", "1e-400", "0x1p1024", "0x1.fffffffffffff8p1023", "0x1p-1075"],
  ["0x1p99999999999999999999", "0x1p-99999999999999999999", "1e99999999999999999999"],
].flat();

describe("doubles", () => {
  test.each(DOUBLES)("%s is %p", (text, expected) => {
    expect(parsed(numbers.parseDouble, text)).toBe(expected);
  });

  test.each(NOT_DOUBLES)("%j is refused", (text) => {
    expect(parsed(numbers.parseDouble, text)).toBeNaN();
  });

  test("random doubles in every notation read as they were", () => {
    const chance = seededChance(2);
    const view = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < 5000; i++) {
      view.setUint32(0, chance(2 ** 32));
      view.setUint32(4, chance(2 ** 32));
      const random = view.getFloat64(0);
      for (const value of [random, (random % 1e6) / 1000, chance(1e9) / 10 ** chance(12)]) {
        if (!Number.isFinite(value) || value === 0) continue;
        expect(parsed(numbers.parseDouble, `${value}`)).toBe(value);
        expect(parsed(numbers.parseDouble, value.toExponential(20))).toBe(value);
      }
    }
  });
});

test.each([
  ["0", 0n],
  ["", 0n],
  ["mb", 0n],
  ["100", 100n],
  ["100b", 100n],
  ["1k", 1000n],
  ["1Kb", 1024n],
  ["2m", 2_000_000n],
  ["64mb", 67_108_864n],
  ["3G", 3_000_000_000n],
  ["1GB", 1_073_741_824n],
  ["17179869185gb", 1_073_741_824n],
  [`1${"0".repeat(126)}`, 2n ** 64n - 1n],
  [`1${"0".repeat(127)}`, null],
  ["-1", null],
  ["1.5gb", null],
  ["1tb", null],
  [" 1", null],
  ["1 gb", null],
])("memory size %j is %p", (text, expected) => {
  expect(numbers.parseMemory(text)).toBe(expected);
});

describe.skipIf(oracleMissing)("as redis-server answers (skipped where not installed)", () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle();
  });
  afterAll(() => oracle.stop());

  test("scores: vectors, and texts put together by chance", async () => {
    const chance = seededChance(3);
    const parts = ["0", "1", "25", ".", "e", "-", "+", "0x", "p", "f", "3", "inf", " ", "nan"];
    const texts = [...DOUBLES.map(([text]) => text), ...NOT_DOUBLES];
    for (let i = 0; i < 4000; i++) {
      let text = "";
      for (let left = 1 + chance(6); left > 0; left--) text += parts[chance(parts.length)];
      texts.push(text);
    }
    const replies = await oracle.run(
      texts.flatMap((text) => [
        ["DEL", "scores"],
        ["ZADD", "scores", Buffer.from(text, "latin1"), "member"],
        ["ZSCORE", "scores", "member"],
      ]),
    );
    for (const [i, text] of texts.entries()) {
      const score = replies[3 * i + 2];
      const expected =
        score === null ? NaN : Number(textOf(score as Buffer).replace("inf", "Infinity"));
      const actual = parsed(numbers.parseDouble, text) + 0; // a small sorted set drops -0's sign
      expect({ text, score: actual }).toEqual({ text, score: expected });
    }
  });

  test("canonical integers: what SET encodes as int", async () => {
    const chance = seededChance(4);
    const texts = [...NOT_CANONICAL, ...INTEGERS];
    for (let i = 0; i < 3000; i++) {
      let text = chance(3) === 0 ? "-" : "";
      for (let left = chance(21); left > 0; left--) text += chance(30) === 0 ? "." : chance(10);
      texts.push(text);
    }
    const replies = await oracle.run(
      texts.flatMap((text) => [
        ["SET", "integer", text],
        ["OBJECT", "ENCODING", "integer"],
      ]),
    );
    for (const [i, text] of texts.entries()) {
      const expected = textOf(replies[2 * i + 1] as Buffer) === "int";
      const isInteger = parsed(numbers.parseInt64, text) !== null;
      expect({ text, isInteger }).toEqual({ text, isInteger: expected });
    }
  });

  test("memory sizes: CONFIG SET", async () => {
    const texts = ["", "mb", "7", "7b", "7K", "7kB", "7m", "7MB", "7g", "7Gb", "-1", "1t", "1.5g"];
    texts.push("17179869185gb", "9".repeat(127), "9".repeat(128), " 1", "1 ", "0x10", "00012k");
    const replies = await oracle.run(
      texts.flatMap((text) => [
        ["CONFIG", "SET", "maxmemory", "1"],
        ["CONFIG", "SET", "maxmemory", text],
        ["CONFIG", "GET", "maxmemory"],
      ]),
    );
    for (const [i, text] of texts.entries()) {
      const refused = replies[3 * i + 1] instanceof Error;
      const [, value] = replies[3 * i + 2] as Buffer[];
      const expected = refused ? null : BigInt(textOf(value));
      expect({ text, size: numbers.parseMemory(text) }).toEqual({ text, size: expected });
    }
  });
});
