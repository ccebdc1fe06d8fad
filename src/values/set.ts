/**
 * A set of byte strings: packed as an intset while it holds integers only, as a listpack while it
 * is small, beyond that as a table (_large-set.ts). It never goes back.
 *
 * One object serves many commands: it is opened on a home, and `member` is a view that `next` and
 * `pick` point at what they found, valid until the next change.
 */
import { hashBytes } from "../base/hash.ts";
import { NULL_REF, SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { TableWalk } from "../memory/byte-table.ts";
import { ByteView, readMember } from "../memory/element.ts";
import { ENCODING_HASHTABLE, ENCODING_INTSET, ENCODING_LISTPACK } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import {
  IntegerNeedle,
  intsetCount,
  intsetFind,
  intsetInsert,
  intsetRead,
  intsetRemove,
} from "./_intset.ts";
import { LargeSet } from "./_large-set.ts";
import { ItemDigits, Needle } from "./_listpack.ts";
import {
  createPacked,
  findPacked,
  FIRST,
  insertPacked,
  nextPlace,
  NOT_FOUND,
  packedCount,
  packedEnd,
  placeOf,
  readPlace,
  removePacked,
} from "./_packed.ts";

/** `set-max-intset-entries`, `set-max-listpack-entries` and `-value`. */
export interface SetLimits {
  maxIntegers: number;
  maxEntries: number;
  maxValueBytes: number;
}

/** Members whose memory is fetched together. */
export const MAX_AHEAD = 32;
const hashesAhead = new Int32Array(MAX_AHEAD);
const refsAhead = new Int32Array(MAX_AHEAD);

export class SetValue {
  /** Read by nobody: it keeps the loads of `fetchNext` from being optimised away. */
  touched = 0;
  private readonly ahead = new TableWalk();
  readonly member = new ByteView();
  private readonly digits = new ItemDigits();
  private readonly needle = new Needle();
  private readonly integer = new IntegerNeedle();
  private readonly walk = new TableWalk();
  /** Where `next` goes on: a place in a listpack, an index in an intset. */
  private position = 0;

  readonly home: Home;
  readonly limits: SetLimits;

  constructor(home: Home, limits: SetLimits) {
    this.home = home;
    this.limits = limits;
  }

  get size(): number {
    const { home } = this;
    if (home.collection !== null) return this.large.table.size;
    if (home.length === 0) return 0;
    return home.encoding === ENCODING_INTSET ? intsetCount(home) : packedCount(home);
  }

  /**
   * To be called before `count` members are added, the first of which is given: a new set's
   * encoding follows from both, and more than a packed one may hold make it a large one at once,
   * even where some of them are equal (setTypeCreate and setTypeMaybeConvert, 7.2).
   */
  prepare(count: number, bytes: Uint8Array, start: number, length: number): void {
    const { home, limits } = this;
    if (home.collection !== null) return;
    if (home.length > 0) {
      const isIntset = home.encoding === ENCODING_INTSET;
      if (count > (isIntset ? limits.maxIntegers : limits.maxEntries)) this.enlarge();
      return;
    }
    if (count <= limits.maxIntegers && this.integer.set(bytes, start, length)) return;
    if (count > limits.maxEntries) this.enlarge();
    else createPacked(home, ENCODING_LISTPACK);
  }

  /** Makes it a table, whatever it holds. */
  makeLarge(): void {
    if (this.home.collection === null) this.enlarge();
  }

  has(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const hash = hashBytes(bytes, start, length);
      return this.large.table.find(bytes, start, length, hash) !== NULL_REF;
    }
    if (home.length === 0) return false;
    if (home.encoding === ENCODING_INTSET) {
      return this.integer.set(bytes, start, length) && intsetFind(home, this.integer) >= 0;
    }
    this.needle.set(bytes, start, length);
    return findPacked(home, this.needle, FIRST, 1) !== NOT_FOUND;
  }

  /** As `has`, where the bytes' hash is known. */
  hasHashed(bytes: Uint8Array, start: number, length: number, hash: number): boolean {
    if (this.home.collection === null) return this.has(bytes, start, length);
    return this.large.table.find(bytes, start, length, hash) !== NULL_REF;
  }

  /** What a member's score is where a set is taken as a sorted set. */
  readonly score = 1;

  /** As SortedSetValue's: 1, or NaN where the member is missing. */
  scoreOfHashed(bytes: Uint8Array, start: number, length: number, hash: number): number {
    return this.hasHashed(bytes, start, length, hash) ? 1 : NaN;
  }

  /** Returns whether the member is new. The bytes must not lie in this set. */
  add(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection === null) {
      if (home.length === 0 || home.encoding === ENCODING_INTSET) {
        if (this.integer.set(bytes, start, length)) return this.addInteger();
        if (home.length > 0) this.leaveIntegers(length);
      }
      if (home.collection === null) return this.addPacked(bytes, start, length);
    }
    return this.addLarge(bytes, start, length);
  }

  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const hash = hashBytes(bytes, start, length);
      const ref = this.large.table.find(bytes, start, length, hash);
      if (ref === NULL_REF) return false;
      home.touched();
      this.large.remove(ref, hash);
      return true;
    }
    if (home.length === 0) return false;
    if (home.encoding === ENCODING_INTSET) {
      if (!this.integer.set(bytes, start, length)) return false;
      const index = intsetFind(home, this.integer);
      if (index < 0) return false;
      intsetRemove(home, index);
      return true;
    }
    this.needle.set(bytes, start, length);
    const place = findPacked(home, this.needle, FIRST, 1);
    if (place === NOT_FOUND) return false;
    removePacked(home, place, 1);
    return true;
  }

  /** Begins a walk over all members; nothing may change before it ends. */
  rewind(): void {
    this.position = this.home.encoding === ENCODING_INTSET ? 0 : FIRST;
    this.walk.restart();
  }

  /** Points `member` at the next one; false at the end. */
  next(): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const ref = this.large.table.walk(this.walk);
      if (ref === NULL_REF) return false;
      readMember(home.arena, ref, this.member);
      return true;
    }
    if (home.encoding === ENCODING_INTSET) {
      if (this.position >= intsetCount(home)) return false;
      intsetRead(home, this.position++, this.member, this.digits);
      return true;
    }
    if (this.position >= packedEnd(home)) return false;
    readPlace(home, this.position, this.member, this.digits);
    this.position = nextPlace(home, this.position);
    return true;
  }

  /**
   * During a walk, before every MAX_AHEAD members: fetches what looking the next ones up in the
   * other sets will need, so that the processor waits for many cache misses at the same time.
   */
  fetchNext(others: readonly SetValue[]): void {
    if (this.home.collection === null) return;
    const { table } = this.large;
    const { words } = this.home.arena;
    this.ahead.index = this.walk.index;
    this.ahead.slot = this.walk.slot;
    let count = 0;
    let touched = 0;
    while (count < MAX_AHEAD) {
      const ref = table.walk(this.ahead);
      if (ref === NULL_REF) break;
      hashesAhead[count++] = this.ahead.hash;
      touched ^= words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
    }
    for (const other of others) {
      if (other.home.collection === null) continue;
      for (let i = 0; i < count; i++) refsAhead[i] = other.large.table.candidate(hashesAhead[i]);
      for (let i = 0; i < count; i++) {
        const ref = refsAhead[i];
        if (ref !== NULL_REF) touched ^= words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
      }
    }
    this.touched = touched;
  }

  /** The hash of the member that `next` found, but for its lowest bit. */
  get memberHash(): number {
    if (this.home.collection !== null) return this.walk.hash;
    const { bytes, start, length } = this.member;
    return hashBytes(bytes, start, length);
  }

  /** Points `member` at a random one of a set that is not empty; returns what tells it apart. */
  pick(randomWord: () => number): number {
    const { home } = this;
    if (home.collection !== null) {
      const ref = this.large.table.sample(randomWord);
      readMember(home.arena, ref, this.member);
      return ref;
    }
    const { size } = this;
    const index = Math.floor((randomWord() / 4294967296) * size);
    if (home.encoding === ENCODING_INTSET) intsetRead(home, index, this.member, this.digits);
    else readPlace(home, placeOf(home, index, size), this.member, this.digits);
    return index;
  }

  /** As HashValue.scan. */
  scan(cursor: number, homes: number, visit: () => void): number {
    if (this.home.collection !== null) {
      return this.large.table.scan(cursor, homes, (ref) => {
        readMember(this.home.arena, ref, this.member);
        visit();
      });
    }
    this.rewind();
    while (this.next()) visit();
    return 0;
  }

  get isPacked(): boolean {
    return this.home.collection === null;
  }

  private get large(): LargeSet {
    return this.home.collection as LargeSet;
  }

  private addInteger(): boolean {
    const { home, integer } = this;
    const index = intsetFind(home, integer);
    if (index >= 0) return false;
    intsetInsert(home, -1 - index, integer, ENCODING_INTSET);
    if (intsetCount(home) > this.limits.maxIntegers) this.enlarge();
    return true;
  }

  private addPacked(bytes: Uint8Array, start: number, length: number): boolean {
    const { home, needle, limits } = this;
    needle.set(bytes, start, length);
    if (home.length > 0 && findPacked(home, needle, FIRST, 1) !== NOT_FOUND) return false;
    if (length > limits.maxValueBytes || packedCount(home) >= limits.maxEntries) {
      this.enlarge();
      return this.addLarge(bytes, start, length);
    }
    if (home.length === 0) createPacked(home, ENCODING_LISTPACK);
    insertPacked(home, packedEnd(home), needle);
    return true;
  }

  private addLarge(bytes: Uint8Array, start: number, length: number): boolean {
    if (!this.large.add(bytes, start, length, hashBytes(bytes, start, length))) return false;
    this.home.touched();
    return true;
  }

  /** A member that is no integer comes to an intset. */
  private leaveIntegers(length: number): void {
    const { home, limits } = this;
    const count = intsetCount(home);
    const longest = Math.max(length, this.digitsAt(0), this.digitsAt(count - 1));
    if (count >= limits.maxEntries || longest > limits.maxValueBytes) {
      this.enlarge();
      return;
    }
    const members = this.copyMembers();
    home.repack(ENCODING_LISTPACK, 0);
    createPacked(home, ENCODING_LISTPACK);
    for (const member of members) {
      this.needle.set(member, 0, member.length);
      insertPacked(home, packedEnd(home), this.needle);
    }
  }

  /** Digits of an intset's integer; the longest is the first or the last one. */
  private digitsAt(index: number): number {
    intsetRead(this.home, index, this.member, this.digits);
    return this.member.length;
  }

  private copyMembers(): Uint8Array[] {
    const members: Uint8Array[] = [];
    const { member } = this;
    this.rewind();
    while (this.next()) {
      members.push(member.bytes.slice(member.start, member.start + member.length));
    }
    return members;
  }

  private enlarge(): void {
    const { home, member } = this;
    const large = new LargeSet(home.arena);
    if (home.length > 0) {
      this.rewind();
      while (this.next()) {
        const { bytes, start, length } = member;
        large.add(bytes, start, length, hashBytes(bytes, start, length));
      }
    }
    home.replace(ENCODING_HASHTABLE, large);
  }
}
