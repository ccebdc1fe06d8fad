/** HyperLogLogs against plain arrays of registers, and their hash against its definition. */
import { describe, expect, test } from "bun:test";
import { TemporaryHome } from "../../../src/keyspace/temporary-home.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { makePlace, placeOf, rankIn, registerIn } from "../../../src/values/_hyperloglog-hash.ts";
import { CHANGED, UNCHANGED } from "../../../src/values/_hyperloglog-sparse.ts";
import {
  CORRUPT,
  HyperLogLog,
  HyperLogLogUnion,
  REGISTERS,
} from "../../../src/values/hyperloglog.ts";
import { selfTestHyperLogLog } from "../../../src/values/hyperloglog-self-test.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("hyperloglog values");
const HEADER_BYTES = 16;
const MASK = (1n << 64n) - 1n;
const MULTIPLIER = 0xc6a4a7935bd1e995n;

function newHome(): TemporaryHome {
  return new TemporaryHome(new Arena());
}

function newValue(maxSparseBytes = 3000): HyperLogLog {
  const value = new HyperLogLog(newHome(), { maxSparseBytes });
  value.create();
  return value.opened();
}

/** A sparse value with these opcodes. */
function withOpcodes(...opcodes: readonly number[]): HyperLogLog {
  const value = newValue();
  const { home } = value;
  home.resize(HEADER_BYTES + opcodes.length, 0);
  home.bytes.set(opcodes, home.start + HEADER_BYTES);
  return value.opened();
}

function registersOf(value: HyperLogLog): Uint8Array {
  const registers = new Uint8Array(REGISTERS);
  expect(value.raiseInto(registers)).toBe(true);
  return registers;
}

function estimateOf(value: HyperLogLog): number | bigint {
  expect(value.refreshEstimate()).toBe(true);
  expect(value.hasEstimate).toBe(true);
  return value.storedEstimate;
}

/** MurmurHash64A as its definition reads, and what Redis makes of it. */
function definedPlace(bytes: Uint8Array): number {
  const mix = (value: bigint): bigint => value ^ (value >> 47n);
  const times = (value: bigint): bigint => (value * MULTIPLIER) & MASK;
  let hash = 0xadc83b19n ^ times(BigInt(bytes.length));
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const block = Buffer.from(bytes).readBigUInt64LE(at);
    hash = times(hash ^ times(mix(times(block))));
  }
  if (at < bytes.length) {
    bytes.subarray(at).forEach((byte, i) => (hash ^= BigInt(byte) << BigInt(8 * i)));
    hash = times(hash);
  }
  hash = mix(times(mix(hash)));
  let rank = 1;
  for (let rest = hash >> 14n; rank <= 50 && (rest & 1n) === 0n; rest >>= 1n) rank++;
  return makePlace(Number(hash & 0x3fffn), rank);
}

test("an element's place is MurmurHash64A's", () => {
  for (let round = 0; round < scale(20_000); round++) {
    const element = random.bytes(round < 200 ? round : random.below(40));
    const noise = random.bytes(random.below(9));
    const all = Uint8Array.from([...noise, ...element, ...noise]);
    const place = placeOf(all, noise.length, element.length);
    expect(place).toBe(definedPlace(element));
    expect(makePlace(registerIn(place), rankIn(place))).toBe(place);
  }
});

describe.each([
  ["sparse", 1 << 20],
  ["sparse, then dense", 3000],
  ["dense", 0],
] as const)("%s", (_name, maxSparseBytes) => {
  test("registers are raised, and only those", () => {
    for (let round = 0; round < scale(10); round++) {
      const value = newValue(maxSparseBytes);
      const model = new Uint8Array(REGISTERS);
      // Few registers and ranks make neighbours that are equal.
      const limit = random.pick([12, 300, REGISTERS]);
      const highest = random.pick([2, 5, 32]);
      for (let step = 0; step < 2000; step++) {
        const index = random.below(limit);
        const rank = random.between(1, highest);
        const changes = rank > model[index];
        if (changes) model[index] = rank;
        expect(value.raise(makePlace(index, rank))).toBe(changes ? CHANGED : UNCHANGED);
        expect(value.isValid).toBe(true);
        if (value.isSparse) expect(value.home.length).toBeLessThanOrEqual(maxSparseBytes);
        if (step % 200 === 0) expect(registersOf(value)).toEqual(model);
      }
      expect(registersOf(value)).toEqual(model);
      const before = estimateOf(value);
      expect(value.toDense()).toBe(true);
      expect(value.isSparse).toBe(false);
      expect(registersOf(value)).toEqual(model);
      expect(estimateOf(value)).toBe(before);
    }
  });

  test("the union has the largest rank of each register", () => {
    const union = new HyperLogLogUnion();
    for (let round = 0; round < scale(20); round++) {
      const values = [newValue(maxSparseBytes), newValue(), newValue(1 << 20)];
      union.clear();
      const model = new Uint8Array(REGISTERS);
      for (const value of values) {
        for (let left = random.below(800); left > 0; left--) value.add(random.bytes(8), 0, 8);
        expect(union.add(value)).toBe(true);
        registersOf(value).forEach((rank, i) => (model[i] = Math.max(model[i], rank)));
      }
      expect(union.hasDense).toBe(values.some((value) => !value.isSparse));
      const [target] = values;
      union.storeIn(target);
      expect(registersOf(target)).toEqual(model);
      expect(target.hasEstimate).toBe(false);
      expect(estimateOf(target)).toBe(union.estimate);
    }
  });
});

test("a rank that the sparse form can't hold makes the value dense", () => {
  const value = newValue();
  expect(value.raise(makePlace(5, 32))).toBe(CHANGED);
  expect(value.isSparse).toBe(true);
  expect(value.raise(makePlace(6, 33))).toBe(CHANGED);
  expect(value.isSparse).toBe(false);
  expect([5, 6, 7].map((index) => value.register(index))).toEqual([32, 33, 0]);
});

test("estimates are near the truth", () => {
  const value = newValue();
  expect(estimateOf(value)).toBe(0);
  let added = 0;
  for (const count of [1, 10, 100, 1000, 10_000, 100_000]) {
    for (; added < count; added++) {
      const element = Buffer.from(`element ${added}`);
      value.add(element, 0, element.length);
    }
    const error = Math.abs(Number(estimateOf(value)) - count);
    expect([count, error <= Math.ceil(count * 0.04)]).toEqual([count, true]);
  }
});

test("estimates beyond 2^53 are exact, those beyond int64 are its least", () => {
  const value = newValue(0);
  for (let index = 0; index < REGISTERS; index++) value.raise(makePlace(index, 42));
  const large = estimateOf(value);
  expect(typeof large).toBe("bigint");
  expect(large > 2n ** 55n && large < 2n ** 56n).toBe(true);
  for (let index = 0; index < REGISTERS; index++) value.raise(makePlace(index, 51));
  expect(value.refreshEstimate()).toBe(true);
  expect(value.storedEstimate).toBe(-(2n ** 63n));
  expect(value.hasEstimate).toBe(false);
});

test("corrupt opcodes are found, and those that are cut off do not reach beyond the value", () => {
  const corrupt = [
    withOpcodes(),
    withOpcodes(0x7f),
    withOpcodes(0x7f, 0xfe),
    withOpcodes(0x7f, 0xff, 0x80),
    withOpcodes(0x7f, 0xff, 0x00),
    withOpcodes(0x7f, 0xfd, 0x83),
  ];
  for (const value of corrupt) {
    // What a reader that does not look at the end would take for the rest of the registers.
    value.home.bytes.fill(0xff, value.home.start + value.home.length);
    expect(value.isValid).toBe(true);
    expect(value.refreshEstimate()).toBe(false);
    expect(value.toDense()).toBe(false);
    expect(value.raiseInto(new Uint8Array(REGISTERS))).toBe(false);
  }
  const short = withOpcodes(0x50, 0x00);
  expect(short.raise(makePlace(4096, 1))).toBe(CHANGED);
  expect(short.describe()).toBe("Z:4096 v:1,1");
  expect(short.raise(makePlace(4097, 1))).toBe(CORRUPT);
  expect(short.raise(makePlace(4096, 33))).toBe(CORRUPT);
});

test("what is no HyperLogLog is told by its header", () => {
  const value = newValue();
  const { home } = value;
  for (const at of [0, 1, 2, 3]) {
    home.bytes[home.start + at] ^= 1;
    expect(value.isValid).toBe(false);
    home.bytes[home.start + at] ^= 1;
  }
  expect(value.isValid).toBe(true);
  home.bytes[home.start + 4] = 2;
  expect(value.isValid).toBe(false);
  home.bytes[home.start + 4] = 0;
  expect(value.isValid).toBe(false);
  home.resize(12304, 0);
  expect(value.isValid).toBe(true);
  home.resize(12305, 0);
  expect(value.isValid).toBe(false);
  home.bytes[home.start + 4] = 1;
  home.resize(15, 0);
  expect(value.isValid).toBe(false);
});

test("the self-test passes, and finds a sparse form that is not used", () => {
  const word = (): number => random.below(2 ** 32);
  expect(selfTestHyperLogLog(newHome, { maxSparseBytes: 20 }, word)).toBe(
    "TESTFAILED sparse encoding not used",
  );
  expect(selfTestHyperLogLog(newHome, { maxSparseBytes: 3000 }, word)).toBe("");
});
