/**
 * A sorted set: members in the order of their scores, equal ones in the order of their bytes.
 * Packed as a listpack (member, score, member, …) in that order while it is small, beyond it as a
 * table and a tree (_large-sorted-set.ts). It never goes back.
 *
 * All ranges are ranges of ranks: `countBelow` and `countBelowMember` turn scores and members into
 * ranks. One object serves many commands: it is opened on a home; `member` and `score` are what
 * `read` and `pick` found, valid until the next change.
 */
import { hashBytes } from "../base/hash.ts";
import { compareBytes } from "../base/bytes.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ByteView, numberOf, readMember } from "../memory/element.ts";
import { TableWalk } from "../memory/byte-table.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { LargeSortedSet } from "./_large-sorted-set.ts";
import { doubleAt, ItemDigits, Needle } from "./_listpack.ts";
import {
  createPacked,
  findPacked,
  FIRST,
  insertPair,
  nextPlace,
  NOT_FOUND,
  packedCount,
  packedEnd,
  placeOf,
  previousPlace,
  readPlace,
  removePacked,
  replacePacked,
} from "./_packed.ts";

/** `zset-max-listpack-entries` and `-value`. */
export interface SortedSetLimits {
  maxEntries: number;
  maxValueBytes: number;
}

export class SortedSetValue {
  readonly member = new ByteView();
  score = 0;
  private readonly other = new ByteView();
  private readonly memberNeedle = new Needle();
  private readonly scoreNeedle = new Needle();
  private readonly digits = new ItemDigits();
  private readonly otherDigits = new ItemDigits();
  private readonly tableWalk = new TableWalk();
  /** The cursor in packed bytes. */
  private place = 0;
  /** What `scoreOf` found. */
  private soughtHash = 0;
  private soughtRef: Ref = NULL_REF;
  private soughtPlace = NOT_FOUND;

  readonly home: Home;
  readonly limits: SortedSetLimits;

  constructor(home: Home, limits: SortedSetLimits) {
    this.home = home;
    this.limits = limits;
  }

  get size(): number {
    const { home } = this;
    return home.collection !== null ? this.large.table.size : packedCount(home) >> 1;
  }

  /** To be called before `count` members are added to an empty one. */
  prepare(count: number): void {
    if (this.home.collection === null && count > this.limits.maxEntries) this.enlarge();
  }

  /** The member's score, or NaN where it is missing. `add` and `rescore` must follow this. */
  scoreOf(bytes: Uint8Array, start: number, length: number): number {
    const { home } = this;
    if (home.collection !== null) {
      this.soughtHash = hashBytes(bytes, start, length);
      this.soughtRef = this.large.table.find(bytes, start, length, this.soughtHash);
      return this.soughtRef === NULL_REF ? NaN : this.large.scoreOf(this.soughtRef);
    }
    this.soughtPlace = this.placeOf(bytes, start, length);
    return this.soughtPlace === NOT_FOUND ? NaN : this.scoreAt(this.soughtPlace);
  }

  /** As `scoreOf`, where the bytes' hash is known. */
  scoreOfHashed(bytes: Uint8Array, start: number, length: number, hash: number): number {
    if (this.home.collection === null) return this.scoreOf(bytes, start, length);
    const ref = this.large.table.find(bytes, start, length, hash);
    return ref === NULL_REF ? NaN : this.large.scoreOf(ref);
  }

  /** Adds the member that `scoreOf` just found missing; its bytes must not lie in here. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    const { home, limits } = this;
    if (home.collection === null) {
      if (this.size < limits.maxEntries && length <= limits.maxValueBytes) {
        if (home.length === 0) createPacked(home, ENCODING_LISTPACK);
        this.insert(this.placeFor(bytes, start, length, score), bytes, start, length, score);
        return;
      }
      this.enlarge();
      this.soughtHash = hashBytes(bytes, start, length);
    }
    home.touched();
    this.large.add(bytes, start, length, score, this.soughtHash);
  }

  /** Gives the member that `scoreOf` just found another score. */
  rescore(bytes: Uint8Array, start: number, length: number, score: number): void {
    const { home } = this;
    if (home.collection !== null) {
      home.touched();
      this.large.rescore(this.soughtRef, score);
      return;
    }
    const place = this.soughtPlace;
    if (this.staysAt(place, bytes, start, length, score)) {
      this.scoreNeedle.setDouble(score);
      replacePacked(home, nextPlace(home, place), this.scoreNeedle);
      return;
    }
    removePacked(home, place, 2);
    this.insert(this.placeFor(bytes, start, length, score), bytes, start, length, score);
  }

  /** Removes a member; false where it is missing. The sorted set may be empty afterwards. */
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
    const place = this.placeOf(bytes, start, length);
    if (place === NOT_FOUND) return false;
    removePacked(home, place, 2);
    return true;
  }

  /** Removes the members of `count` ranks from `rank` on, which exist, but not all of them. */
  removeRange(rank: number, count: number): void {
    const { home } = this;
    if (home.collection !== null) {
      home.touched();
      this.large.removeRange(rank, count);
    } else {
      removePacked(home, placeOf(home, rank * 2, packedCount(home)), count * 2);
    }
  }

  /** The member's rank, or -1 where it is missing; `score` is set to its score. */
  rankOf(bytes: Uint8Array, start: number, length: number): number {
    const { home } = this;
    if (home.collection !== null) {
      const ref = this.large.find(bytes, start, length);
      if (ref === NULL_REF) return -1;
      this.score = this.large.scoreOf(ref);
      return this.large.tree.rankOf(this.score, ref);
    }
    const place = this.placeOf(bytes, start, length);
    if (place === NOT_FOUND) return -1;
    this.score = this.scoreAt(place);
    let rank = 0;
    for (let at = FIRST; at < place; at = this.nextPair(at)) rank++;
    return rank;
  }

  /** How many members have a lower score (or, `inclusive`, that score). */
  countBelow(score: number, inclusive: boolean): number {
    const { home } = this;
    if (home.collection !== null) return this.large.tree.countBelow(score, inclusive);
    if (home.length === 0) return 0;
    let count = 0;
    for (let at = FIRST; at < packedEnd(home); at = this.nextPair(at)) {
      const own = this.scoreAt(at);
      if (inclusive ? own > score : own >= score) break;
      count++;
    }
    return count;
  }

  /** How many members come before these bytes (or, `inclusive`, are them); for equal scores. */
  countBelowMember(bytes: Uint8Array, start: number, length: number, inclusive: boolean): number {
    const { home, other } = this;
    if (home.collection !== null) {
      return this.large.tree.countBelowMember(bytes, start, length, inclusive);
    }
    if (home.length === 0) return 0;
    let count = 0;
    for (let at = FIRST; at < packedEnd(home); at = this.nextPair(at)) {
      readPlace(home, at, other, this.otherDigits);
      const order = compareBytes(other.bytes, other.start, other.length, bytes, start, length);
      if (inclusive ? order > 0 : order >= 0) break;
      count++;
    }
    return count;
  }

  /** Puts the cursor on the member of this rank, which exists. */
  seek(rank: number): void {
    const { home } = this;
    if (home.collection !== null) this.large.tree.seek(rank);
    else this.place = placeOf(home, rank * 2, packedCount(home));
  }

  /** Points `member` and `score` at the cursor's. */
  read(): void {
    const { home } = this;
    if (home.collection !== null) {
      const { tree } = this.large;
      this.score = tree.cursorScore;
      readMember(home.arena, tree.cursorRef, this.member);
      return;
    }
    readPlace(home, this.place, this.member, this.digits);
    this.score = this.scoreAt(this.place);
  }

  /** Moves the cursor to the next rank (or, backwards, the one before); false at the end. */
  move(backwards: boolean): boolean {
    const { home } = this;
    if (home.collection !== null) {
      return backwards ? this.large.tree.previous() : this.large.tree.next();
    }
    if (!backwards) {
      this.place = this.nextPair(this.place);
      return this.place < packedEnd(home);
    }
    if (this.place === FIRST) return false;
    this.place = previousPlace(home, previousPlace(home, this.place));
    return true;
  }

  /** Begins a walk over all members in any order; nothing may change before it ends. */
  rewind(): void {
    this.place = FIRST;
    this.tableWalk.restart();
  }

  /** Points `member` and `score` at the next one; false at the end. */
  next(): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const ref = this.large.table.walk(this.tableWalk);
      if (ref === NULL_REF) return false;
      this.readElement(ref);
      return true;
    }
    if (home.length === 0 || this.place >= packedEnd(home)) return false;
    this.read();
    this.place = this.nextPair(this.place);
    return true;
  }

  /** The hash of the member that `next` found, but for its lowest bit. */
  get memberHash(): number {
    if (this.home.collection !== null) return this.tableWalk.hash;
    const { bytes, start, length } = this.member;
    return hashBytes(bytes, start, length);
  }

  /** Points `member` and `score` at a random one; returns what tells it from others. */
  pick(randomWord: () => number): number {
    if (this.home.collection !== null) {
      const ref = this.large.table.sample(randomWord);
      this.readElement(ref);
      return ref;
    }
    const rank = Math.floor((randomWord() / 4294967296) * this.size);
    this.seek(rank);
    this.read();
    return rank;
  }

  /** As HashValue.scan. */
  scan(cursor: number, homes: number, visit: () => void): number {
    if (this.home.collection !== null) {
      return this.large.table.scan(cursor, homes, (ref) => {
        this.readElement(ref);
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

  private get large(): LargeSortedSet {
    return this.home.collection as LargeSortedSet;
  }

  private readElement(ref: Ref): void {
    readMember(this.home.arena, ref, this.member);
    this.score = numberOf(this.home.arena, ref);
  }

  private placeOf(bytes: Uint8Array, start: number, length: number): number {
    if (this.home.length === 0) return NOT_FOUND;
    this.memberNeedle.set(bytes, start, length);
    return findPacked(this.home, this.memberNeedle, FIRST, 2);
  }

  private nextPair(place: number): number {
    return nextPlace(this.home, nextPlace(this.home, place));
  }

  private scoreAt(place: number): number {
    const { bytes, start } = this.home;
    return doubleAt(bytes, start + nextPlace(this.home, place));
  }

  /** Whether the pair at `place` comes before such a member. */
  private isBefore(
    place: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): boolean {
    const own = this.scoreAt(place);
    if (own !== score) return own < score;
    const { other } = this;
    readPlace(this.home, place, other, this.otherDigits);
    return compareBytes(other.bytes, other.start, other.length, bytes, start, length) < 0;
  }

  private placeFor(bytes: Uint8Array, start: number, length: number, score: number): number {
    const end = packedEnd(this.home);
    let place = FIRST;
    while (place < end && this.isBefore(place, bytes, start, length, score)) {
      place = this.nextPair(place);
    }
    return place;
  }

  /** Whether the pair at `place` keeps its rank with another score. */
  private staysAt(
    place: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): boolean {
    const { home } = this;
    const next = this.nextPair(place);
    if (next < packedEnd(home) && this.isBefore(next, bytes, start, length, score)) return false;
    if (place === FIRST) return true;
    const before = previousPlace(home, previousPlace(home, place));
    return this.isBefore(before, bytes, start, length, score);
  }

  private insert(
    place: number,
    bytes: Uint8Array,
    start: number,
    length: number,
    score: number,
  ): void {
    this.memberNeedle.set(bytes, start, length);
    this.scoreNeedle.setDouble(score);
    insertPair(this.home, place, this.memberNeedle, this.scoreNeedle);
  }

  private enlarge(): void {
    const { home, member } = this;
    const large = new LargeSortedSet(home.arena);
    this.rewind();
    while (home.length > 0 && this.next()) {
      large.append(member.bytes, member.start, member.length, this.score);
    }
    home.replace(ENCODING_SKIPLIST, large);
  }
}
