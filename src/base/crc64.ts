/**
 * CRC-64 with the Jones polynomial, reflected, initial value 0: the checksum that ends an RDB
 * file. Check value: "123456789" gives e9c6d914c4b8d9ca. The 64 bits are kept as two halves,
 * because BigInt arithmetic is some twenty times slower.
 */

/** 0xad93d23594c935a9 with its bits in reverse order. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;

const tableLow = new Int32Array(256);
const tableHigh = new Int32Array(256);

for (let byte = 0; byte < 256; byte++) {
  let low = byte;
  let high = 0;
  for (let bit = 0; bit < 8; bit++) {
    const isOdd = (low & 1) !== 0;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (isOdd) {
      low ^= POLYNOMIAL_LOW;
      high ^= POLYNOMIAL_HIGH;
    }
  }
  tableLow[byte] = low;
  tableHigh[byte] = high;
}

export class Crc64 {
  private low = 0;
  private high = 0;

  update(bytes: Uint8Array, start: number, length: number): void {
    let low = this.low;
    let high = this.high;
    const end = start + length;
    for (let at = start; at < end; at++) {
      const index = (low ^ bytes[at]) & 255;
      low = ((low >>> 8) | (high << 24)) ^ tableLow[index];
      high = (high >>> 8) ^ tableHigh[index];
    }
    this.low = low;
    this.high = high;
  }

  /** Puts the checksum of all bytes so far into `target`, low byte first, as an RDB ends. */
  write(target: Uint8Array, at: number): void {
    for (let i = 0; i < 4; i++) {
      target[at + i] = this.low >>> (8 * i);
      target[at + 4 + i] = this.high >>> (8 * i);
    }
  }

  /** Sixteen hexadecimal digits, high byte first. */
  hex(): string {
    const digits = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");
    return digits(this.high) + digits(this.low);
  }
}
