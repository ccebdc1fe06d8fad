/**
 * Strings as arrays of bits, the most significant bit of the first byte first, as SETBIT,
 * BITCOUNT, BITPOS, BITOP and BITFIELD see them. Bit ranges include both ends. Long ranges are
 * worked on a 32-bit word at a time; a word's byte order matters to none of these functions.
 */
const SET_BITS = setBitsOfBytes();

/** Shorter ranges are done before a view of their words is made. */
const WORDS_FROM_BYTES = 64;

/** Bits of a byte from bit `position & 7` on, and up to it. */
const headMask = (position: number): number => 0xff >> (position & 7);
const tailMask = (position: number): number => (0xff << (7 - (position & 7))) & 0xff;

/** Counts the bits set from bit `first` to bit `last`. */
export function countBits(bytes: Uint8Array, start: number, first: number, last: number): number {
  if (first > last) return 0;
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  if (from === to) return SET_BITS[bytes[from] & headMask(first) & tailMask(last)];
  const edges = SET_BITS[bytes[from] & headMask(first)] + SET_BITS[bytes[to] & tailMask(last)];
  return edges + countBytes(bytes, from + 1, to);
}

function countBytes(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let at = from;
  if (to - from >= WORDS_FROM_BYTES) {
    for (; !isWordAligned(bytes, at); at++) count += SET_BITS[bytes[at]];
    const words = wordsOf(bytes, at, to - at);
    count += countWords(words);
    at += words.length * 4;
  }
  for (; at < to; at++) count += SET_BITS[bytes[at]];
  return count;
}

/**
 * Adds up four words at a time in carry-save form (Harley and Seal): bit i of `ones`, `twos` and
 * `fours` together is the count for bit i so far, and only the fours that overflow are counted.
 */
function countWords(words: Int32Array): number {
  let count = 0;
  let ones = 0;
  let twos = 0;
  let at = 0;
  for (; at + 4 <= words.length; at += 4) {
    const a = ones ^ words[at];
    const twosA = (ones & words[at]) | (a & words[at + 1]);
    ones = a ^ words[at + 1];
    const b = ones ^ words[at + 2];
    const twosB = (ones & words[at + 2]) | (b & words[at + 3]);
    ones = b ^ words[at + 3];
    const c = twos ^ twosA;
    count += countWord((twos & twosA) | (c & twosB));
    twos = c ^ twosB;
  }
  count = count * 4 + countWord(twos) * 2 + countWord(ones);
  for (; at < words.length; at++) count += countWord(words[at]);
  return count;
}

/** The bits set in a word: sums of two, then four, then eight bits side by side. */
function countWord(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** The first bit from `first` to `last` that is `bit`, or -1. */
export function findBit(
  bytes: Uint8Array,
  start: number,
  first: number,
  last: number,
  bit: number,
): number {
  if (first > last) return -1;
  const blank = bit === 1 ? 0 : 0xff;
  const from = start + Math.floor(first / 8);
  const to = start + Math.floor(last / 8);
  const head = (bytes[from] ^ blank) & headMask(first) & (from === to ? tailMask(last) : 0xff);
  if (head !== 0) return (from - start) * 8 + firstBitOf(head);
  if (from === to) return -1;
  const at = firstByteBut(blank, bytes, from + 1, to);
  const found = (bytes[at] ^ blank) & (at === to ? tailMask(last) : 0xff);
  return found === 0 ? -1 : (at - start) * 8 + firstBitOf(found);
}

/** Where in a byte other than 0 the first bit is set. */
const firstBitOf = (byte: number): number => Math.clz32(byte) - 24;

/** Where a byte other than `blank` (0 or 255) comes first, or `to`. */
function firstByteBut(blank: number, bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  if (to - from >= WORDS_FROM_BYTES) {
    for (; !isWordAligned(bytes, at); at++) if (bytes[at] !== blank) return at;
    const words = wordsOf(bytes, at, to - at);
    at += (blank === 0 ? zeroWords(words) : fullWords(words)) * 4;
  }
  while (at < to && bytes[at] === blank) at++;
  return at;
}

/** How many words at the beginning are 0, rounded down to four. */
function zeroWords(words: Int32Array): number {
  const end = words.length & ~3;
  let at = 0;
  while (at < end && (words[at] | words[at + 1] | words[at + 2] | words[at + 3]) === 0) at += 4;
  return at;
}

/** How many words at the beginning have every bit set, rounded down to four. */
function fullWords(words: Int32Array): number {
  const end = words.length & ~3;
  let at = 0;
  while (at < end && (words[at] & words[at + 1] & words[at + 2] & words[at + 3]) === -1) at += 4;
  return at;
}

export type BitOperation = "AND" | "OR" | "XOR" | "NOT";

/**
 * Combines the first bytes of `into` with a range, which zeros follow up to the length of
 * `into`. `into` is at least as long as the range and begins on a word boundary.
 */
export function combineBits(
  operation: Exclude<BitOperation, "NOT">,
  into: Uint8Array,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  const target = wordsOf(into, 0, length);
  const other = isWordAligned(bytes, start)
    ? wordsOf(bytes, start, length)
    : wordsOf(bytes.slice(start, start + length), 0, length);
  const count = target.length;
  if (operation === "AND") for (let i = 0; i < count; i++) target[i] &= other[i];
  else if (operation === "OR") for (let i = 0; i < count; i++) target[i] |= other[i];
  else for (let i = 0; i < count; i++) target[i] ^= other[i];
  for (let i = count * 4; i < length; i++) {
    if (operation === "AND") into[i] &= bytes[start + i];
    else if (operation === "OR") into[i] |= bytes[start + i];
    else into[i] ^= bytes[start + i];
  }
  if (operation === "AND") into.fill(0, length);
}

/** Inverts every bit; `into` begins on a word boundary. */
export function invertBits(into: Uint8Array): void {
  const words = wordsOf(into, 0, into.length);
  for (let i = 0; i < words.length; i++) words[i] = ~words[i];
  for (let i = words.length * 4; i < into.length; i++) into[i] = ~into[i];
}

/** The unsigned integer in `width` bits from bit `offset`; bits beyond `length` bytes are 0. */
export function readField(
  bytes: Uint8Array,
  start: number,
  length: number,
  offset: number,
  width: number,
): bigint {
  const firstByte = Math.floor(offset / 8);
  const lastByte = Math.floor((offset + width - 1) / 8);
  let value = 0n;
  for (let at = firstByte; at <= lastByte; at++) {
    value = (value << 8n) | BigInt(at < length ? bytes[start + at] : 0);
  }
  const spare = lastByte * 8 + 7 - (offset + width - 1);
  return BigInt.asUintN(width, value >> BigInt(spare));
}

/** Writes the low `width` bits of `value` from bit `offset` on; the bytes must be there. */
export function writeField(
  bytes: Uint8Array,
  start: number,
  offset: number,
  width: number,
  value: bigint,
): void {
  const firstByte = Math.floor(offset / 8);
  const lastByte = Math.floor((offset + width - 1) / 8);
  const spare = BigInt(lastByte * 8 + 7 - (offset + width - 1));
  let kept = 0n;
  for (let at = firstByte; at <= lastByte; at++) kept = (kept << 8n) | BigInt(bytes[start + at]);
  const mask = ((1n << BigInt(width)) - 1n) << spare;
  let whole = (kept & ~mask) | ((BigInt.asUintN(width, value) << spare) & mask);
  for (let at = lastByte; at >= firstByte; at--) {
    bytes[start + at] = Number(whole & 0xffn);
    whole >>= 8n;
  }
}

function isWordAligned(bytes: Uint8Array, at: number): boolean {
  return ((bytes.byteOffset + at) & 3) === 0;
}

/** The whole words in a range that begins on a word boundary. */
function wordsOf(bytes: Uint8Array, start: number, length: number): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset + start, length >>> 2);
}

function setBitsOfBytes(): Uint8Array {
  const counts = new Uint8Array(256);
  for (let byte = 1; byte < 256; byte++) counts[byte] = counts[byte >> 1] + (byte & 1);
  return counts;
}
