/**
 * Fetches the memory of several keys at once. Finding a key costs two cache misses, some 150 ns
 * each when there are a million keys, and the second waits for the first. Touching first all
 * table slots, then all entries, lets the processor wait for many misses at the same time. Where
 * the key holds a large hash, set or sorted set, the same is done for the member that the request
 * names. Nothing is looked up or changed.
 */
import { hashBytes } from "../base/hash.ts";
import { NULL_REF, SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { EXTERNAL_VALUE, flagsIn, TYPE_SET, TYPE_ZSET, valueWordOf } from "../memory/entry.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { Database } from "./database.ts";

/** More at once gain nothing: the processor has no more misses in flight. */
export const MAX_FETCHED = 32;
/** Longer members are hashed when their turn comes. */
const MAX_MEMBER_BYTES = 64;
const TYPE_MASK = 15;
const COLLECTION_BITS = EXTERNAL_VALUE << 8;

export class FetchAhead {
  count = 0;
  readonly hashes = new Int32Array(MAX_FETCHED);
  /** Read by nobody: it keeps the loads from being optimised away. */
  touched = 0;
  private readonly refs = new Int32Array(MAX_FETCHED);
  private readonly elements = new Int32Array(MAX_FETCHED);

  /** Notes a key; at most MAX_FETCHED until `touch`. Returns its place in `hashes`. */
  add(bytes: Uint8Array, start: number, length: number): number {
    this.hashes[this.count] = hashBytes(bytes, start, length);
    return this.count++;
  }

  /** Touches the slots and entries of the noted keys and forgets them; `hashes` stay. */
  touch(database: Database): void {
    const count = this.count;
    const table = database.table;
    for (let i = 0; i < count; i++) this.refs[i] = table.candidate(this.hashes[i]);
    const words = database.arena.words;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const ref = this.refs[i];
      if (ref !== 0) touched ^= words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
    }
    this.touched = touched;
    this.count = 0;
  }

  /**
   * After `touch`, for requests whose first keys were noted in this order: touches what the
   * members that they name will need, in large collections.
   */
  touchMembers(database: Database, requests: readonly Arguments[], count: number): void {
    const { arena } = database;
    let found = 0;
    for (let i = 0; i < count; i++) {
      const ref = this.refs[i] as Ref;
      if (ref === NULL_REF) continue;
      const header = arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
      if ((header & COLLECTION_BITS) === 0 || (header & TYPE_MASK) < TYPE_SET) continue;
      const element = this.candidateIn(database, ref, header, requests[i]);
      if (element !== 0) this.elements[found++] = element;
    }
    let touched = this.touched;
    for (let i = 0; i < found; i++) {
      const ref = this.elements[i];
      touched ^= arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
    }
    this.touched = touched;
  }

  private candidateIn(database: Database, ref: Ref, header: number, args: Arguments): number {
    const { arena } = database;
    const object = arena.objects.get(valueWordOf(arena, ref, flagsIn(header)));
    if (object instanceof Uint8Array || object.table === null) return 0;
    // HGET key field, SADD key member; but ZADD key score member.
    const index = (header & TYPE_MASK) === TYPE_ZSET ? args.count - 1 : 2;
    if (index < 2 || index >= args.count || args.lengths[index] > MAX_MEMBER_BYTES) return 0;
    return object.table.candidate(hashBytes(args.bytes, args.starts[index], args.lengths[index]));
  }

  /** Touches the keys among the arguments from `first` on, every `step`, at most MAX_FETCHED. */
  touchArguments(database: Database, args: Arguments, first: number, step: number): void {
    const end = Math.min(args.count, first + step * MAX_FETCHED);
    for (let i = first; i < end; i += step) this.add(args.bytes, args.starts[i], args.lengths[i]);
    this.touch(database);
  }
}
