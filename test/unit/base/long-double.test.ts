import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import * as longDouble from "../../../src/base/long-double.ts";
import type { LongDouble } from "../../../src/base/long-double.ts";
import { oracleMissing, seededChance, startOracle } from "./_oracle.ts";
import type { Oracle } from "./_oracle.ts";

const NOT_A_FLOAT = "ERR value is not a valid float";
const OUT_OF_RANGE = "ERR increment would produce NaN or Infinity";

function parse(text: string): LongDouble | null {
  return longDouble.parseLongDouble(bytesOf(`12${text}34`), 2, text.length);
}

/** The sum's text or the error a client sees. */
function sum(a: string, b: string): string {
  const left = parse(a);
  const right = parse(b);
  if (left === null || right === null) return NOT_A_FLOAT;
  const result = longDouble.addLongDoubles(left, right);
  return result.finite ? longDouble.formatLongDouble(result) : OUT_OF_RANGE;
}

const LARGEST = "0x1.fffffffffffffffep16383";

const VECTORS: [string, string, string][] = [
  ["0", "0", "0"],
  ["10.50", "0.1", "10.6"],
  ["5.0e3", "2.0e2", "5200"],
  ["3", "1.1", "4.1"],
  ["3000", "0.1", "3000.10000000000000009"],
  ["-0", "0", "0"],
  ["-1e-30", "0", "0"],
  ["1e-17", "0", "0.00000000000000001"],
  ["5e-18", "0", "0"],
  ["4.9e-18", "0", "0"],
  ["0x1p-1", "-0.5", "0"],
  ["9223372036854775807", "1", "9223372036854775808"],
  ["18446744073709551615", "1", "18446744073709551616"],
  ["18446744073709551617", "0", "18446744073709551616"],
  ["18446744073709551616", "3", "18446744073709551620"],
  ["-1", "0.25", "-0.75"],
  ["1e-4900", "0", "0"],
  ["1e4932", "1e4932", OUT_OF_RANGE],
  [LARGEST, LARGEST, OUT_OF_RANGE],
  [LARGEST, "0x1p16319", OUT_OF_RANGE],
  ["inf", "1", OUT_OF_RANGE],
  ["-inf", "+Infinity", OUT_OF_RANGE],
  ["nan", "1", NOT_A_FLOAT],
  ["1", "1e5000", NOT_A_FLOAT],
  ["1", "1e-5000", NOT_A_FLOAT],
  ["1", " 1", NOT_A_FLOAT],
  ["1", "", NOT_A_FLOAT],
];

test.each(VECTORS)("%s + %s = %s", (a, b, expected) => {
  expect(sum(a, b)).toBe(expected);
  expect(sum(b, a)).toBe(expected);
});

test("the largest number is exact to the last of its 4932 digits", () => {
  const digits = ((2n ** 64n - 1n) << 16320n).toString();
  expect(sum(LARGEST, "0")).toBe(digits);
  expect(sum(`-${digits}`, "0x1p16318")).toBe(`-${digits}`);
});

test("integers are taken as they are", () => {
  for (const value of [0, -7, 2 ** 53 - 1, -(2n ** 63n), 2n ** 64n - 1n]) {
    expect(longDouble.formatLongDouble(longDouble.longDoubleFromInteger(value))).toBe(`${value}`);
  }
});

/** Texts at every edge of the format: ties, subnormals, overflow, the length limit, bad syntax. */
const EDGES = [
  ["0", "-0", "1", "+1", "007", ".5", "5.", "-.5", ".", "+", "e5", "1e", "1e+", "1e+5", "1E-5"],
  ["3.0e3", "5.0e-20", "1e-17", "5e-18", "15e-18", "25e-18", "1e-4931", "3.7e-4951", "1.9e-4951"],
  ["1.8e-4951", "1.8225e-4951", "1.8226e-4951", "-3e-4951", "1e-5000", "1e4932", "1.2e4932"],
  ["1.18973149535723176502e4932", "1.18973149535723176509e4932", "1e4933", "-1e5000", "0e999999"],
  ["0x1p3", "0X1.8P-1", "-0x.8", "0x1.", "0x", "0x.", "0x1p", "0x0p99999", "0xg", "1x", "0x1p1x"],
  [LARGEST, "0x1.ffffffffffffffffp16383", "0x1.fffffffffffffffefp16383", "0x1p16384"],
  ["0x1.00000000000000010000001p0", "0x1.0000000000000001p0", "0x1.0000000000000003p0"],
  ["0x1p-16382", "0x1p-16445", "0x1p-16446", "0x1.8p-16446", "0x1.00001p-16446", "-0x1p-16450"],
  ["inf", "-inf", "+inf", "Infinity", "INFINIT", "infx", "nan", "-nan", "nan(1)", "0x1p-99999999"],
  [" 1", "1 ", "\t1", "\n1", "\v1", "1\n", "1\0", "\0", "", "1,5", "1_0", "--1", "1.2.3", "\xb2"],
  ["18446744073709551615", "18446744073709551616", "18446744073709551617", "-9223372036854775808"],
  [
    "36893488147419103233",
    "36893488147419103235",
    "9223372036854775807.5",
    "9223372036854775808.5",
  ],
  ["0.1", "0.2", "10.1", "3000.1", "1e999999999999999999999", "1e-999999999999999999999"],
  ["1".repeat(5119), "1".repeat(4933), "9".repeat(4931), "0".repeat(5119), "0".repeat(5120)],
  [`0.${"0".repeat(4950)}2`, `1.${"0".repeat(5110)}1`, `0x${"f".repeat(5000)}p-20000`],
].flat();

function randomNumber(chance: (limit: number) => number): string {
  const sign = chance(3) === 0 ? "-" : "";
  const digits = (most: number) => {
    let text = `${chance(10)}`;
    for (let left = chance(most); left > 0; left--) text += chance(10);
    return text;
  };
  const hex = () => chance(2 ** 32).toString(16);
  switch (chance(7)) {
    case 0:
      return `${sign}${digits(20)}`;
    case 1:
      return `${sign}${digits(30)}.${digits(40)}e${chance(60) - 30}`;
    case 2:
      return `${sign}${digits(3)}.${digits(25)}e${chance(9960) - 4990}`;
    case 3:
      return `${sign}0x${hex()}${hex()}.${hex()}p${chance(150) - 120}`;
    case 4:
      return `${sign}0x1.${hex()}${hex()}${hex()}p${chance(32_900) - 16_480}`;
    default:
      return `${sign}${digits(7)}.${digits(4)}`;
  }
}

describe.skipIf(oracleMissing)("as redis-server answers (skipped where not installed)", () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle();
  });
  afterAll(() => oracle.stop());

  async function compare(pairs: readonly [string, string][]): Promise<void> {
    const replies = await oracle.run(
      pairs.flatMap(([a, b]) => [
        ["SET", "number", Buffer.from(a, "latin1")],
        ["INCRBYFLOAT", "number", Buffer.from(b, "latin1")],
      ]),
    );
    for (const [i, [a, b]] of pairs.entries()) {
      const reply = replies[2 * i + 1];
      const expected = reply instanceof Error ? reply.message : textOf(reply as Buffer);
      expect({ a, b, sum: sum(a, b) }).toEqual({ a, b, sum: expected });
    }
  }

  test("INCRBYFLOAT of the vectors, and of every edge with every other", async () => {
    await compare(VECTORS.map(([a, b]) => [a, b]));
    await compare(EDGES.flatMap((a, i) => EDGES.slice(i).map((b): [string, string] => [a, b])));
  }, 180_000);

  test("INCRBYFLOAT of random numbers", async () => {
    const chance = seededChance(5);
    const pairs: [string, string][] = [];
    while (pairs.length < 6000) pairs.push([randomNumber(chance), randomNumber(chance)]);
    await compare(pairs);
  }, 180_000);
});
