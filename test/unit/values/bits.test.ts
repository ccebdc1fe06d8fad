/** The bit functions against models that look at one bit at a time. */
import { expect, test } from "bun:test";
import {
  combineBits,
  countBits,
  findBit,
  invertBits,
  readField,
  writeField,
} from "../../../src/values/bits.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("bits");
const LENGTHS = [0, 1, 2, 3, 7, 8, 63, 64, 65, 79, 80, 81, 130, 1000];

function bitAt(bytes: Uint8Array, start: number, position: number): number {
  return (bytes[start + (position >> 3)] >> (7 - (position & 7))) & 1;
}

/** Bytes of chance, of zeros or of ones, so that long blank stretches occur. */
function someBytes(length: number): Uint8Array {
  const kind = random.below(3);
  if (kind === 0) return random.bytes(length);
  const bytes = new Uint8Array(length).fill(kind === 1 ? 0 : 0xff);
  if (length > 0 && random.chance(0.7)) bytes[random.below(length)] ^= 1 << random.below(8);
  return bytes;
}

/** The bytes somewhere in a larger array, at any alignment, with noise around them. */
function placed(bytes: Uint8Array): { all: Uint8Array; start: number } {
  const start = random.below(9);
  const noise = random.bytes(start + bytes.length + 5);
  const all = noise.subarray(random.below(start + 1));
  const at = all.length - bytes.length - 5;
  all.set(bytes, at);
  return { all, start: at };
}

test("countBits and findBit agree with looking at each bit", () => {
  for (let round = 0; round < scale(2000); round++) {
    const bytes = someBytes(random.pick(LENGTHS));
    const { all, start } = placed(bytes);
    const total = bytes.length * 8;
    const first = random.below(total + 1);
    const last = random.chance(0.3) ? total - 1 : random.below(total + 1) - 1;
    const counts = [0, 0];
    const found = [-1, -1];
    for (let position = first; position <= last; position++) {
      const bit = bitAt(bytes, 0, position);
      counts[bit]++;
      if (found[bit] < 0) found[bit] = position;
    }
    expect(countBits(all, start, first, last)).toBe(counts[1]);
    expect(findBit(all, start, first, last, 0)).toBe(found[0]);
    expect(findBit(all, start, first, last, 1)).toBe(found[1]);
  }
});

test("combineBits and invertBits agree with combining each byte", () => {
  for (let round = 0; round < scale(1000); round++) {
    const length = random.pick(LENGTHS);
    const before = random.bytes(length);
    const other = random.bytes(random.below(length + 1));
    const { all, start } = placed(other);
    const operation = random.pick(["AND", "OR", "XOR"] as const);
    const into = before.slice();
    combineBits(operation, into, all, start, other.length);
    const expected = before.map((byte, i) => {
      const second = i < other.length ? other[i] : 0;
      if (operation === "AND") return byte & second;
      return operation === "OR" ? byte | second : byte ^ second;
    });
    expect(into).toEqual(expected);
    invertBits(into);
    expect(into).toEqual(expected.map((byte) => ~byte));
  }
});

test("fields are read as they were written, and nothing else changes", () => {
  for (let round = 0; round < scale(2000); round++) {
    const width = random.between(1, 64);
    const offset = random.below(100);
    const length = Math.ceil((offset + width) / 8) + random.below(3);
    const before = random.bytes(length);
    const { all, start } = placed(before);
    const value = readField(random.bytes(8), 0, 8, 0, 64);
    writeField(all, start, offset, width, value);
    expect(readField(all, start, length, offset, width)).toBe(BigInt.asUintN(width, value));
    for (let position = 0; position < length * 8; position++) {
      const isInField = position >= offset && position < offset + width;
      const bit = isInField
        ? Number((value >> BigInt(offset + width - 1 - position)) & 1n)
        : bitAt(before, 0, position);
      expect(bitAt(all, start, position)).toBe(bit);
    }
  }
});

test("a field beyond the end reads as zeros", () => {
  const bytes = new Uint8Array([0xff, 0xff, 0xff]);
  expect(readField(bytes, 0, 2, 12, 8)).toBe(0xf0n);
  expect(readField(bytes, 0, 2, 16, 64)).toBe(0n);
});

test("bits far beyond 32-bit positions keep their places", () => {
  const bytes = new Uint8Array(2 ** 29 + 8);
  const position = 2 ** 32 + 9;
  bytes[2 ** 29 + 1] = 0b01000000;
  expect(findBit(bytes, 0, 5, 2 ** 32 + 63, 1)).toBe(position);
  expect(countBits(bytes, 0, 5, 2 ** 32 + 63)).toBe(1);
  expect(readField(bytes, 0, bytes.length, position, 7)).toBe(64n);
});
