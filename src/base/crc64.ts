/**
 * CRC-64 with the Jones polynomial, reflected, initial value 0: the checksum that ends an RDB
 * file. Check value: "123456789" gives e9c6d914c4b8d9ca. The 64 bits are kept as two halves,
 * because BigInt arithmetic is some twenty times slower.
 *
 * Eight bytes are taken at a time, each looked up in a table of its own (table k: the byte with k
 * zero bytes behind it), and read as two words: 0.9 ns per byte, against 2.7 byte by byte.
 */

/** 0xad93d23594c935a9 with its bits in reverse order. */
const POLYNOMIAL_LOW = 0xac4bc9b5;
const POLYNOMIAL_HIGH = 0x95ac9329;
const TABLES = 8;
/** Where a view of words costs more than it saves. */
const FEW_BYTES = 128;

/** Table k is the 256 words from 256 * k on; they are filled for the first checksum. */
const tableLow = new Int32Array(256 * TABLES);
const tableHigh = new Int32Array(256 * TABLES);

export class Crc64 {
  private low = 0;
  private high = 0;

  constructor() {
    if (tableLow[1] === 0) fillTables();
  }

  update(bytes: Uint8Array, start: number, length: number): void {
    if (length < FEW_BYTES) {
      this.updateByBytes(bytes, start, length);
      return;
    }
    const before = -(bytes.byteOffset + start) & 3;
    this.updateByBytes(bytes, start, before);
    const pairs = (length - before) >>> 3;
    this.updateByWords(new Int32Array(bytes.buffer, bytes.byteOffset + start + before, pairs * 2));
    const done = before + pairs * 8;
    this.updateByBytes(bytes, start + done, length - done);
  }

  /** Puts the checksum of all bytes so far into `target`, low byte first, as an RDB ends. */
  write(target: Uint8Array, at: number): void {
    for (let i = 0; i < 4; i++) {
      target[at + i] = this.low >>> (8 * i);
      target[at + 4 + i] = this.high >>> (8 * i);
    }
  }

  /** Begins anew. */
  reset(): void {
    this.low = this.high = 0;
  }

  /** Sixteen hexadecimal digits, high byte first. */
  hex(): string {
    const digits = (half: number): string => (half >>> 0).toString(16).padStart(8, "0");
    return digits(this.high) + digits(this.low);
  }

  private updateByBytes(bytes: Uint8Array, start: number, length: number): void {
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

  private updateByWords(words: Int32Array): void {
    let low = this.low;
    let high = this.high;
    for (let i = 0; i < words.length; i += 2) {
      const a = low ^ words[i];
      const b = high ^ words[i + 1];
      const first = 1792 | (a & 255);
      const second = 1536 | ((a >>> 8) & 255);
      const third = 1280 | ((a >>> 16) & 255);
      const fourth = 1024 | (a >>> 24);
      const fifth = 768 | (b & 255);
      const sixth = 512 | ((b >>> 8) & 255);
      const seventh = 256 | ((b >>> 16) & 255);
      const last = b >>> 24;
      low =
        tableLow[first] ^
        tableLow[second] ^
        tableLow[third] ^
        tableLow[fourth] ^
        tableLow[fifth] ^
        tableLow[sixth] ^
        tableLow[seventh] ^
        tableLow[last];
      high =
        tableHigh[first] ^
        tableHigh[second] ^
        tableHigh[third] ^
        tableHigh[fourth] ^
        tableHigh[fifth] ^
        tableHigh[sixth] ^
        tableHigh[seventh] ^
        tableHigh[last];
    }
    this.low = low;
    this.high = high;
  }
}

function fillTables(): void {
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
  for (let i = 256; i < 256 * TABLES; i++) {
    const low = tableLow[i - 256];
    const high = tableHigh[i - 256];
    tableLow[i] = ((low >>> 8) | (high << 24)) ^ tableLow[low & 255];
    tableHigh[i] = (high >>> 8) ^ tableHigh[low & 255];
  }
}
