/**
 * A HyperLogLog: a string that estimates how many different elements it was given. Redis's own
 * bytes, which clients may GET, SET and send elsewhere:
 *
 *     0    "HYLL"
 *     4    the form of the registers: 0 dense, 1 sparse
 *     5    three unused bytes
 *     8    the last estimate, 64 bits, the lowest byte first; the highest bit: out of date
 *     16   16384 registers, dense (_hyperloglog-dense.ts) or sparse (_hyperloglog-sparse.ts)
 *
 * Each element chooses a register and has a rank there (_hyperloglog-hash.ts); a register keeps
 * the largest rank seen. A value starts sparse and turns dense for good when it would take more
 * bytes than allowed, or hold a rank that the sparse form can't.
 */
import { ENCODING_RAW } from "../memory/entry.ts";
import {
  countDense,
  DENSE_REGISTER_BYTES,
  denseRegister,
  packDense,
  raiseFromDense,
  setDenseRegister,
} from "./_hyperloglog-dense.ts";
import { estimate } from "./_hyperloglog-estimate.ts";
import { makePlace, placeOf, rankIn, registerIn, REGISTERS } from "./_hyperloglog-hash.ts";
import {
  CHANGED,
  CORRUPT,
  countSparse,
  describeSparse,
  OUTGROWN,
  raiseFromSparse,
  SparseEditor,
  UNCHANGED,
} from "./_hyperloglog-sparse.ts";
import type { Home } from "./home.ts";

export { CORRUPT, REGISTERS };

/** A sparse value takes at most so many bytes, its header among them. */
export interface HyperLogLogLimits {
  maxSparseBytes: number;
}

const MAGIC = [0x48, 0x59, 0x4c, 0x4c] as const;
const FORM = 4;
const ESTIMATE = 8;
/** The last byte of the estimate, whose highest bit says that it is out of date. */
const ESTIMATE_END = 15;
const OUT_OF_DATE = 0x80;
const HEADER_BYTES = 16;
const DENSE = 0;
const SPARSE = 1;
const DENSE_BYTES = HEADER_BYTES + DENSE_REGISTER_BYTES;
/** One XZERO over all registers. */
const EMPTY_SPARSE = [0x7f, 0xff] as const;

/** Scratch: all registers one byte each, and how many hold each rank. */
const registers = new Uint8Array(REGISTERS);
const histogram = new Int32Array(64);

export class HyperLogLog {
  readonly home: Home;
  private readonly limits: HyperLogLogLimits;
  private readonly sparse = new SparseEditor(HEADER_BYTES);
  /** The value may be written in place: a change has been announced since it was opened. */
  private isWritable = false;

  constructor(home: Home, limits: HyperLogLogLimits) {
    this.home = home;
    this.limits = limits;
  }

  /** To be called when the home holds another value. */
  opened(): this {
    this.isWritable = false;
    this.sparse.reset();
    return this;
  }

  /** Whether the string is one; sparse registers are not looked at. */
  get isValid(): boolean {
    const { bytes, start, length } = this.home;
    if (length < HEADER_BYTES) return false;
    for (let i = 0; i < MAGIC.length; i++) if (bytes[start + i] !== MAGIC[i]) return false;
    const form = bytes[start + FORM];
    return form === SPARSE || (form === DENSE && length === DENSE_BYTES);
  }

  get isSparse(): boolean {
    return this.home.bytes[this.home.start + FORM] === SPARSE;
  }

  /** Makes the value, which does not exist: no elements, sparse, an estimate of 0. */
  create(): void {
    this.home.resize(HEADER_BYTES + EMPTY_SPARSE.length, ENCODING_RAW);
    const { bytes, start } = this.home;
    bytes.fill(0, start, start + HEADER_BYTES);
    bytes.set(MAGIC, start);
    bytes[start + FORM] = SPARSE;
    bytes.set(EMPTY_SPARSE, start + HEADER_BYTES);
    this.isWritable = true;
  }

  /** Adds an element: CHANGED, UNCHANGED, or CORRUPT where the sparse registers are. */
  add(bytes: Uint8Array, start: number, length: number): number {
    return this.raise(placeOf(bytes, start, length));
  }

  /** As `add`, for an element of this place. */
  raise(place: number): number {
    const index = registerIn(place);
    const rank = rankIn(place);
    if (!this.isSparse) return this.raiseDense(index, rank);
    const outcome = this.sparse.raise(this.home, index, rank, this.limits.maxSparseBytes);
    if (outcome === CHANGED) {
      this.isWritable = true;
      this.outdate();
    }
    if (outcome !== OUTGROWN) return outcome;
    return this.toDense() ? this.raiseDense(index, rank) : CORRUPT;
  }

  /** Turns the value dense, where it is not. False: the sparse registers are corrupt. */
  toDense(): boolean {
    if (!this.isSparse) return true;
    registers.fill(0);
    if (!this.raiseInto(registers)) return false;
    this.home.resize(DENSE_BYTES, ENCODING_RAW);
    const { bytes, start } = this.home;
    bytes[start + FORM] = DENSE;
    packDense(registers, bytes, start + HEADER_BYTES);
    this.isWritable = true;
    return true;
  }

  /** Whether the estimate of the header still holds. */
  get hasEstimate(): boolean {
    return (this.home.bytes[this.home.start + ESTIMATE_END] & OUT_OF_DATE) === 0;
  }

  /** The estimate of the header: a number, or beyond 2^53 a bigint. */
  get storedEstimate(): number | bigint {
    const { bytes, start } = this.home;
    const low = wordAt(bytes, start + ESTIMATE);
    const high = wordAt(bytes, start + ESTIMATE + 4);
    const rounded = high * 2 ** 32 + low;
    return Number.isSafeInteger(rounded) ? rounded : (BigInt(high | 0) << 32n) | BigInt(low);
  }

  /** Computes the estimate and stores it in the header. False: the sparse registers are corrupt. */
  refreshEstimate(): boolean {
    const { bytes, start, length } = this.home;
    histogram.fill(0);
    const from = start + HEADER_BYTES;
    if (!this.isSparse) countDense(histogram, bytes, from);
    else if (!countSparse(histogram, bytes, from, start + length)) return false;
    this.makeWritable();
    const cardinality = estimate(histogram);
    setWord(this.home.bytes, this.home.start + ESTIMATE, cardinality);
    setWord(this.home.bytes, this.home.start + ESTIMATE + 4, Math.floor(cardinality / 2 ** 32));
    return true;
  }

  /** Marks the estimate of the header as out of date. */
  outdate(): void {
    this.makeWritable();
    this.home.bytes[this.home.start + ESTIMATE_END] |= OUT_OF_DATE;
  }

  /** Raises each of `raised`, one byte each, to this value's. False: those are corrupt. */
  raiseInto(raised: Uint8Array): boolean {
    const { bytes, start, length } = this.home;
    const from = start + HEADER_BYTES;
    if (this.isSparse) return raiseFromSparse(raised, bytes, from, start + length);
    raiseFromDense(raised, bytes, from);
    return true;
  }

  /** Raises this value's registers to those given, none of which is below its own. */
  raiseTo(union: Uint8Array): void {
    for (let index = 0; index < REGISTERS && this.isSparse; index++) {
      if (union[index] !== 0) this.raise(makePlace(index, union[index]));
    }
    if (this.isSparse) return;
    this.makeWritable();
    packDense(union, this.home.bytes, this.home.start + HEADER_BYTES);
  }

  /** Register `index` of a dense value. */
  register(index: number): number {
    return denseRegister(this.home.bytes, this.home.start + HEADER_BYTES, index);
  }

  /** The opcodes of a sparse value in words. */
  describe(): string {
    const { bytes, start, length } = this.home;
    return describeSparse(bytes, start + HEADER_BYTES, start + length);
  }

  private raiseDense(index: number, rank: number): number {
    if (this.register(index) >= rank) return UNCHANGED;
    this.makeWritable();
    setDenseRegister(this.home.bytes, this.home.start + HEADER_BYTES, index, rank);
    return CHANGED;
  }

  /** Announces a change before the first byte is written: until then it may not be our own. */
  private makeWritable(): void {
    if (this.isWritable) return;
    this.home.resize(this.home.length, ENCODING_RAW);
    this.isWritable = true;
  }
}

/** The union of several HyperLogLogs. */
export class HyperLogLogUnion {
  /** One of them was dense. */
  hasDense = false;
  private readonly ranks = new Uint8Array(REGISTERS);

  clear(): void {
    this.hasDense = false;
    this.ranks.fill(0);
  }

  /** False: the sparse registers are corrupt. */
  add(value: HyperLogLog): boolean {
    if (!value.isSparse) this.hasDense = true;
    return value.raiseInto(this.ranks);
  }

  /** How many elements: a number, or beyond 2^53 a bigint. */
  get estimate(): number | bigint {
    histogram.fill(0);
    for (let index = 0; index < REGISTERS; index++) histogram[this.ranks[index]]++;
    const cardinality = estimate(histogram);
    return Number.isSafeInteger(cardinality) ? cardinality : BigInt(cardinality);
  }

  /** Stores the union in one of the values that were added, or in an empty one. */
  storeIn(value: HyperLogLog): void {
    if (this.hasDense) value.toDense();
    value.raiseTo(this.ranks);
    value.outdate();
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

/** Writes the lowest 32 bits of a whole number, the lowest byte first. */
function setWord(bytes: Uint8Array, at: number, value: number): void {
  const word = value | 0;
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
