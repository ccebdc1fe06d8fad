/** The primitives of the format, byte by byte. */
import { expect, test } from "bun:test";
import { Crc64 } from "../../../src/base/crc64.ts";
import { MAX_COMPRESSED, RdbOutput } from "../../../src/rdb/rdb-output.ts";

/** What `use` writes, through a sink that spoils the buffer as soon as it may be used again. */
function written(use: (output: RdbOutput) => void, compresses = false): Buffer {
  const parts: Buffer[] = [];
  const output = new RdbOutput(
    (bytes, start, length) => parts.push(Buffer.from(bytes.subarray(start, start + length))),
    { compresses, checksums: true },
  );
  use(output);
  const { position } = output;
  output.flush();
  const all = Buffer.concat(parts);
  expect(all.length).toBe(position);
  return all;
}

function hexOf(use: (output: RdbOutput) => void): string {
  return written(use).toString("hex");
}

const LENGTHS: readonly (readonly [number, string])[] = [
  [0, "00"],
  [63, "3f"],
  [64, "4040"],
  [16383, "7fff"],
  [16384, "8000004000"],
  [2 ** 31, "8080000000"],
  [2 ** 32 - 1, "80ffffffff"],
  [2 ** 32, "810000000100000000"],
  [Number.MAX_SAFE_INTEGER, "81001fffffffffffff"],
];

test("Lengths in 6, 14, 32 and 64 bits", () => {
  for (const [length, hex] of LENGTHS) {
    expect(hexOf((output) => output.length(length))).toBe(hex);
    expect(hexOf((output) => output.counter(length))).toBe(hex);
    const [high, low] = [Math.floor(length / 2 ** 32), length | 0];
    expect(hexOf((output) => output.lengthOfWords(high, low))).toBe(hex);
  }
  expect(hexOf((output) => output.counter(-1))).toBe("81ffffffffffffffff");
  expect(hexOf((output) => output.counter(2n ** 63n - 1n))).toBe("817fffffffffffffff");
  expect(hexOf((output) => output.lengthOfWords(0xffffffff, 5))).toBe("81ffffffff00000005");
});

const STRINGS: readonly (readonly [string, string])[] = [
  ["", "00"],
  ["a", "0161"],
  ["0", "c000"],
  ["-1", "c0ff"],
  ["127", "c07f"],
  ["-128", "c080"],
  ["128", "c18000"],
  ["-32768", "c10080"],
  ["32768", "c200800000"],
  ["-2147483648", "c200000080"],
  ["2147483647", "c2ffffff7f"],
  ["2147483648", "0a32313437343833363438"],
  ["-0", "022d30"],
  ["00", "023030"],
  ["+1", "022b31"],
  ["-", "012d"],
  ["1a", "023161"],
];

test("Strings that are int32 are integers, others stay as they are", () => {
  for (const [text, hex] of STRINGS) {
    const bytes = Buffer.from(`12${text}34`);
    expect(hexOf((output) => output.string(bytes, 2, text.length))).toBe(hex);
    expect(hexOf((output) => output.key(bytes, 2, text.length))).toBe(hex);
  }
  expect(hexOf((output) => output.integerString(-129))).toBe("c17fff");
  expect(hexOf((output) => output.integerString(2 ** 31))).toBe("0a32313437343833363438");
  const lowest = Buffer.from("-9223372036854775808").toString("hex");
  expect(hexOf((output) => output.integerString(-(2n ** 63n)))).toBe(`14${lowest}`);
});

test("Times and doubles have their low byte first", () => {
  expect(hexOf((output) => output.milliseconds(1))).toBe("0100000000000000");
  expect(hexOf((output) => output.milliseconds(-1))).toBe("ffffffffffffffff");
  expect(hexOf((output) => output.milliseconds(0x1234567890ab))).toBe("ab90785634120000");
  expect(hexOf((output) => output.int64(-2, 3))).toBe("03000000feffffff");
  expect(hexOf((output) => output.double(1.5))).toBe("000000000000f83f");
});

test("Strings are compressed from 21 bytes on, keys from 64, up to a mebibyte", () => {
  const runs = Buffer.alloc(MAX_COMPRESSED + 1, 97);
  const isCompressed = (write: (output: RdbOutput) => void): boolean =>
    written(write, true)[0] === 0xc3;
  expect(isCompressed((output) => output.string(runs, 0, 20))).toBe(false);
  expect(isCompressed((output) => output.string(runs, 0, 21))).toBe(true);
  expect(isCompressed((output) => output.key(runs, 0, 63))).toBe(false);
  expect(isCompressed((output) => output.key(runs, 0, 64))).toBe(true);
  expect(isCompressed((output) => output.string(runs, 0, MAX_COMPRESSED))).toBe(true);
  expect(isCompressed((output) => output.string(runs, 0, MAX_COMPRESSED + 1))).toBe(false);
});

test("What crosses the buffer's end is whole, and the checksum is that of all of it", () => {
  const noise = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) >> 4));
  const expected: Buffer[] = [];
  const all = written((output) => {
    for (let length = 1; length < 200_000; length = Math.ceil(length * 1.3)) {
      output.length(2 ** 40);
      output.bytes(noise, length >> 1, length >> 1);
      output.milliseconds(length);
      output.byte(length);
      const time = Buffer.alloc(9);
      time.writeBigInt64LE(BigInt(length));
      time[8] = length;
      expected.push(
        Buffer.from("810000010000000000", "hex"),
        noise.subarray(length >> 1, (length >> 1) * 2),
        time,
      );
    }
    for (let i = 0; i < 70_000; i++) output.byte(i);
    expected.push(Buffer.from(Array.from({ length: 70_000 }, (_, i) => i)));
    output.checksum();
  });
  const before = Buffer.concat(expected);
  expect(all.subarray(0, -8).equals(before)).toBe(true);
  const crc = new Crc64();
  crc.update(before, 0, before.length);
  const checksum = new Uint8Array(8);
  crc.write(checksum, 0);
  expect(all.subarray(-8).equals(checksum)).toBe(true);
});
