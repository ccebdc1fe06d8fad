import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { Crc64 } from "../../../src/base/crc64.ts";

test("The check value is that of Redis's CRC-64", () => {
  const crc = new Crc64();
  const bytes = bytesOf("123456789");
  crc.update(bytes, 0, bytes.length);
  expect(crc.hex()).toBe("e9c6d914c4b8d9ca");
});

test("Parts give what the whole gives, and the low byte is written first", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);
  const whole = new Crc64();
  whole.update(bytes, 0, 1000);
  const parts = new Crc64();
  parts.update(bytes, 0, 1);
  parts.update(bytes, 1, 600);
  parts.update(bytes, 601, 399);
  expect(parts.hex()).toBe(whole.hex());
  const written = new Uint8Array(8);
  whole.write(written, 0);
  expect(Buffer.from(written.toReversed()).toString("hex")).toBe(whole.hex());
});

test("However a range lies in memory, its bits alone decide", () => {
  const buffer = Uint8Array.from({ length: 1200 }, (_, i) => (i * i * 31) >> 3);
  for (let start = 0; start < 9; start++) {
    for (const length of [0, 1, 7, 127, 128, 129, 130, 131, 135, 136, 1000]) {
      const crc = new Crc64();
      const view = buffer.subarray(start);
      crc.update(view, 1, length);
      expect(crc.hex()).toBe(bitByBit(view.subarray(1, 1 + length)));
    }
  }
});

/** The definition of it. */
function bitByBit(bytes: Uint8Array): string {
  const polynomial = 0x95ac9329ac4bc9b5n;
  let crc = 0n;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ ((crc & 1n) * polynomial);
  }
  return crc.toString(16).padStart(16, "0");
}
