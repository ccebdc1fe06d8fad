/**
 * The dense form of a HyperLogLog's registers: 16384 of 6 bits each, the first in the lowest bits
 * of the first byte, so that four registers take three bytes:
 *
 *     11000000 22221111 33333322 …
 *
 * `at` is always the place of the first of these 12288 bytes.
 */
import { REGISTERS } from "./_hyperloglog-hash.ts";

export const DENSE_REGISTER_BYTES = (REGISTERS * 6) / 8;
/** What a register can hold at the most; no hash makes it that large. */
export const REGISTER_MAX = 63;

export function denseRegister(bytes: Uint8Array, at: number, index: number): number {
  const byte = at + ((index * 6) >>> 3);
  const shift = (index * 6) & 7;
  // Beyond a shift of 2 the register goes on in the next byte, which the last one must not read.
  if (shift <= 2) return (bytes[byte] >>> shift) & REGISTER_MAX;
  return ((bytes[byte] >>> shift) | (bytes[byte + 1] << (8 - shift))) & REGISTER_MAX;
}

export function setDenseRegister(bytes: Uint8Array, at: number, index: number, rank: number): void {
  const byte = at + ((index * 6) >>> 3);
  const shift = (index * 6) & 7;
  bytes[byte] = (bytes[byte] & ~(REGISTER_MAX << shift)) | (rank << shift);
  if (shift <= 2) return;
  const taken = 8 - shift;
  bytes[byte + 1] = (bytes[byte + 1] & ~(REGISTER_MAX >>> taken)) | (rank >>> taken);
}

/** Raises each of `registers` to the dense one. */
export function raiseFromDense(registers: Uint8Array, bytes: Uint8Array, at: number): void {
  for (let index = 0; index < REGISTERS; index += 4, at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    for (let i = 0; i < 4; i++) {
      const rank = (four >>> (i * 6)) & REGISTER_MAX;
      if (rank > registers[index + i]) registers[index + i] = rank;
    }
  }
}

/** Writes all registers over the dense ones. */
export function packDense(registers: Uint8Array, bytes: Uint8Array, at: number): void {
  for (let index = 0; index < REGISTERS; index += 4, at += 3) {
    const four =
      registers[index] |
      (registers[index + 1] << 6) |
      (registers[index + 2] << 12) |
      (registers[index + 3] << 18);
    bytes[at] = four;
    bytes[at + 1] = four >>> 8;
    bytes[at + 2] = four >>> 16;
  }
}

/** One histogram for every fourth register: incrementing the same one twice in a row waits. */
const quarters = new Int32Array(4 * (REGISTER_MAX + 1));

/** Adds up in `histogram` how many registers hold each rank. */
export function countDense(histogram: Int32Array, bytes: Uint8Array, at: number): void {
  quarters.fill(0);
  const end = at + DENSE_REGISTER_BYTES;
  for (; at < end; at += 3) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    quarters[four & 63]++;
    quarters[64 + ((four >>> 6) & 63)]++;
    quarters[128 + ((four >>> 12) & 63)]++;
    quarters[192 + ((four >>> 18) & 63)]++;
  }
  for (let i = 0; i < quarters.length; i++) histogram[i & 63] += quarters[i];
}
