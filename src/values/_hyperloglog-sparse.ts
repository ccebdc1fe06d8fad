/**
 * The sparse form of a HyperLogLog's registers: opcodes that follow each other until they have
 * covered all 16384 registers.
 *
 *     00nnnnnn            ZERO    n+1 registers are 0
 *     01nnnnnn nnnnnnnn   XZERO   the same, up to 16384, the higher bits first
 *     1rrrrrnn            VALUE   n+1 registers hold rank r+1
 *
 * Which opcodes an edit leaves behind is part of the format: two servers that were sent the same
 * elements hold the same bytes. An edit splits the opcode that covers the register into up to
 * three, and then joins equal neighbours among the next opcodes.
 *
 * Clients can write anything here (SETRANGE), so every walk ends at the value's end and finds out
 * whether the opcodes cover the registers exactly. Places are offsets from the value's start.
 */
import { ENCODING_RAW } from "../memory/entry.ts";
import { REGISTERS } from "./_hyperloglog-hash.ts";
import type { Home } from "./home.ts";

const XZERO_BIT = 0x40;
const VALUE_BIT = 0x80;
const MAX_ZERO_RUN = 64;
const MAX_VALUE_RUN = 4;
const MAX_VALUE = 32;
/** An XZERO split in its middle: XZERO, VALUE, XZERO. */
const MAX_SEQUENCE_BYTES = 5;
/** How many opcodes, from the one before the edited one on, are looked at for equal neighbours. */
const JOINED_OPCODES = 5;
const NONE = -1;

export const UNCHANGED = 0;
export const CHANGED = 1;
export const CORRUPT = 2;
/** The register cannot be set in this form, or not within the bytes allowed; nothing was done. */
export const OUTGROWN = 3;

const valueIn = (opcode: number): number => ((opcode >>> 2) & 31) + 1;
const valueRun = (opcode: number): number => (opcode & 3) + 1;
const isXzero = (opcode: number): boolean => (opcode & 0xc0) === XZERO_BIT;
const opcodeBytes = (opcode: number): number => (isXzero(opcode) ? 2 : 1);
const valueOpcode = (value: number, run: number): number =>
  VALUE_BIT | ((value - 1) << 2) | (run - 1);

/** Registers that each opcode covers, 0 for XZERO: which kind comes next can't be predicted. */
const RUNS = Uint8Array.from({ length: 256 }, (_, opcode) => {
  if ((opcode & VALUE_BIT) !== 0) return valueRun(opcode);
  return isXzero(opcode) ? 0 : opcode + 1;
});

/** Registers that the opcode at `at` covers. */
function runAt(bytes: Uint8Array, at: number, end: number): number {
  const run = RUNS[bytes[at]];
  return run === 0 ? xzeroRun(bytes, at, end) : run;
}

/** A second byte that is cut off counts as zero. */
function xzeroRun(bytes: Uint8Array, at: number, end: number): number {
  return (((bytes[at] & 63) << 8) | (at + 1 < end ? bytes[at + 1] : 0)) + 1;
}

/** Raises each of `registers` to the sparse one. False: the opcodes are corrupt. */
export function raiseFromSparse(
  registers: Uint8Array,
  bytes: Uint8Array,
  from: number,
  end: number,
): boolean {
  let index = 0;
  for (let at = from; at < end; at += opcodeBytes(bytes[at])) {
    const next = index + runAt(bytes, at, end);
    if (next > REGISTERS) return false;
    if ((bytes[at] & VALUE_BIT) !== 0) {
      const value = valueIn(bytes[at]);
      for (; index < next; index++) if (value > registers[index]) registers[index] = value;
    }
    index = next;
  }
  return index === REGISTERS;
}

/** Adds up in `histogram` how many registers hold each rank. False: the opcodes are corrupt. */
export function countSparse(
  histogram: Int32Array,
  bytes: Uint8Array,
  from: number,
  end: number,
): boolean {
  let index = 0;
  for (let at = from; at < end; at += opcodeBytes(bytes[at])) {
    const run = runAt(bytes, at, end);
    index += run;
    if (index > REGISTERS) return false;
    histogram[(bytes[at] & VALUE_BIT) === 0 ? 0 : valueIn(bytes[at])] += run;
  }
  return index === REGISTERS;
}

/** The opcodes in words, as PFDEBUG DECODE shows them: `z:` and `Z:` runs, `v:value,run`. */
export function describeSparse(bytes: Uint8Array, from: number, end: number): string {
  const words: string[] = [];
  for (let at = from; at < end; at += opcodeBytes(bytes[at])) {
    const opcode = bytes[at];
    const run = runAt(bytes, at, end);
    if ((opcode & VALUE_BIT) !== 0) words.push(`v:${valueIn(opcode)},${run}`);
    else words.push(isXzero(opcode) ? `Z:${run}` : `z:${run}`);
  }
  return words.join(" ");
}

/** Sets single registers of one value after another; `reset` when the value is another. */
export class SparseEditor {
  /** The opcode found, its first register and how many it covers. */
  private at = 0;
  private first = 0;
  private run = 0;
  /** The opcode before it, or NONE; it stays an opcode's beginning through the edit. */
  private previous = NONE;
  private previousFirst = 0;
  private readonly sequence = new Uint8Array(MAX_SEQUENCE_BYTES);
  private readonly from: number;

  /** `from` is the offset of the first opcode. */
  constructor(from: number) {
    this.from = from;
  }

  reset(): void {
    this.previous = NONE;
  }

  /** Raises the register to `rank`, within `maxBytes` for the whole value. */
  raise(home: Home, index: number, rank: number, maxBytes: number): number {
    if (rank > MAX_VALUE) return OUTGROWN;
    if (!this.find(home, index)) return CORRUPT;
    const opcode = home.bytes[home.start + this.at];
    const isValue = (opcode & VALUE_BIT) !== 0;
    if (isValue && valueIn(opcode) >= rank) return UNCHANGED;
    const count = this.split(isValue ? valueIn(opcode) : 0, index, rank);
    const growth = count - opcodeBytes(opcode);
    if (growth > 0 && home.length + growth > maxBytes) return OUTGROWN;
    this.substitute(home, count, opcodeBytes(opcode));
    this.join(home);
    return CHANGED;
  }

  /** Finds the opcode that covers the register, from where the last search ended if it can. */
  private find(home: Home, index: number): boolean {
    const { previous, previousFirst } = this;
    if (previous !== NONE && index >= previousFirst) {
      if (!this.findFrom(home, index, previous, previousFirst)) return false;
      // What is before the opcode at which the search began is not known any more.
      if (this.previous !== NONE) return true;
    }
    return this.findFrom(home, index, this.from, 0);
  }

  private findFrom(home: Home, index: number, from: number, firstRegister: number): boolean {
    const { bytes, start } = home;
    const end = start + home.length;
    let at = start + from;
    let first = firstRegister;
    let previous = NONE;
    let previousFirst = 0;
    while (at < end) {
      let run = RUNS[bytes[at]];
      let size = 1;
      if (run === 0) {
        run = xzeroRun(bytes, at, end);
        size = 2;
      }
      if (index < first + run) {
        this.at = at - start;
        this.first = first;
        this.run = run;
        this.previous = previous;
        this.previousFirst = previousFirst;
        return true;
      }
      previous = at - start;
      previousFirst = first;
      first += run;
      at += size;
    }
    this.previous = NONE;
    return false;
  }

  /** Writes what takes the opcode's place to `sequence`; returns its bytes. */
  private split(oldValue: number, index: number, rank: number): number {
    const { first, run, sequence } = this;
    let at = this.writeRun(0, oldValue, index - first);
    sequence[at++] = valueOpcode(rank, 1);
    at = this.writeRun(at, oldValue, first + run - 1 - index);
    return at;
  }

  private writeRun(at: number, value: number, run: number): number {
    const { sequence } = this;
    if (run === 0) return at;
    if (value > 0) {
      sequence[at] = valueOpcode(value, run);
      return at + 1;
    }
    if (run <= MAX_ZERO_RUN) {
      sequence[at] = run - 1;
      return at + 1;
    }
    sequence[at] = XZERO_BIT | ((run - 1) >>> 8);
    sequence[at + 1] = run - 1;
    return at + 2;
  }

  /** Puts `count` bytes of `sequence` in the place of the `oldCount` of the opcode. */
  private substitute(home: Home, count: number, oldCount: number): void {
    const before = home.length;
    const after = before + count - oldCount;
    // Always announced before the first byte changes, and shortened after the last has moved.
    home.resize(Math.max(before, after), ENCODING_RAW);
    const { bytes, start } = home;
    const at = start + this.at;
    if (count !== oldCount) bytes.copyWithin(at + count, at + oldCount, start + before);
    // An XZERO that was cut off at the value's end is taken for two bytes: one is too many.
    const written = Math.min(count, after - this.at);
    for (let i = 0; i < written; i++) bytes[at + i] = this.sequence[i];
    if (after < before) home.resize(after, ENCODING_RAW);
  }

  /** Joins neighbours of the same value where one opcode can hold both. */
  private join(home: Home): void {
    const { bytes, start } = home;
    const before = start + home.length;
    let end = before;
    let at = start + (this.previous === NONE ? this.from : this.previous);
    for (let left = JOINED_OPCODES; left > 0 && at < end; left--) {
      const opcode = bytes[at];
      const next = at + 1 < end ? bytes[at + 1] : 0;
      const run = valueRun(opcode) + valueRun(next);
      const areEqual = (opcode & next & VALUE_BIT) !== 0 && valueIn(opcode) === valueIn(next);
      if (areEqual && run <= MAX_VALUE_RUN) {
        bytes[at] = valueOpcode(valueIn(opcode), run);
        bytes.copyWithin(at + 1, at + 2, end);
        end--;
      } else {
        at += opcodeBytes(opcode);
      }
    }
    if (end < before) home.resize(end - start, ENCODING_RAW);
  }
}
