/**
 * What the databases of one server share: time, chance, the access clock, the counters that
 * INFO shows, and whom to tell about what happens to keys without a command's doing.
 */
import type { Clock } from "../base/clock.ts";
import { hashBytes } from "../base/hash.ts";
import type { Random } from "../base/random.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import type { ByteTable } from "../memory/byte-table.ts";
import type { ByteCounter } from "../memory/memory-counter.ts";
import { Reclaimer } from "../memory/reclaimer.ts";
import { AccessClock } from "./access.ts";
import type { Database } from "./database.ts";

/** Hears of a key, given by its bytes. */
export type KeyListener = (
  database: Database,
  bytes: Uint8Array,
  start: number,
  length: number,
) => void;

export type RemovalReason = "expired" | "evicted";

/** A snapshot that is being written (snapshot.ts), as those see it who change entries. */
export interface RunningSnapshot {
  /** What entries carry that are not to be written (any more) by its walk. */
  readonly mark: number;
  /** Writes an entry that the walk has not reached, unless it was written or made since. */
  beforeChange(table: ByteTable, arena: Arena, ref: Ref): void;
}

export interface MemoryInUse extends ByteCounter {
  /** Beyond this somebody must be told. */
  limitBytes: number;
  /** The most there was after any command since somebody last looked. */
  peakBytes: number;
}

export class KeyspaceContext {
  readonly access: AccessClock;
  readonly randomWord: () => number;
  /** What all databases hold, as it is at any time. */
  readonly memory: MemoryInUse = { bytes: 0, limitBytes: Infinity, peakBytes: 0 };
  /** Large collections that were deleted and are freed in slices. */
  readonly reclaimer = new Reclaimer();
  /** There is at most one. */
  snapshot: RunningSnapshot | null = null;
  /** The mark of the last snapshot that was aborted, 0 where entries have no marks. */
  snapshotMark = 0;
  /** Changes made to any database by commands; compared with what they report. */
  mutations = 0;
  /** A range whose hash is known already: a request's first key, hashed ahead of its turn. */
  hashedBytes: Uint8Array | null = null;
  hashedStart = 0;
  hashedLength = 0;
  hashedAs = 0;
  hits = 0;
  misses = 0;
  expiredKeys = 0;
  expiredFields = 0;
  evictedKeys = 0;
  /** Of the sampled keys with an expiry, the part that is stale, in percent. */
  expiredStalePercent = 0;
  expiryCyclesCutShort = 0;
  /** Time spent in active expiry cycles, in microseconds. */
  expiryCycleUs = 0;
  /** The running client asked for CLIENT NO-TOUCH. */
  leavesNoTrace = false;
  /** Expired keys are hidden but stay (loading, a replica, CLIENT PAUSE WRITE). */
  keepsExpired = false;
  /** Except for those in the way of the running command, which writes to a replica. */
  removesFound = false;
  /** What a file or a primary says must see every key, as it did when it was written. */
  showsExpired = false;

  /** Libraries of functions as an RDB file holds them: their code. */
  readonly functionLibraries: Uint8Array[] = [];

  readonly clock: Clock;
  readonly random: Random;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
    this.access = new AccessClock(random);
    this.randomWord = () => random.word();
  }

  /** The hash of a range, which may be known ahead. */
  hashOf(bytes: Uint8Array, start: number, length: number): number {
    const isKnown =
      this.hashedStart === start && this.hashedBytes === bytes && this.hashedLength === length;
    return isKnown ? this.hashedAs : hashBytes(bytes, start, length);
  }

  resetStats(): void {
    this.hits = 0;
    this.misses = 0;
    this.expiredKeys = 0;
    this.expiredFields = 0;
    this.evictedKeys = 0;
    this.expiredStalePercent = 0;
    this.expiryCyclesCutShort = 0;
    this.expiryCycleUs = 0;
    this.reclaimer.freed = 0;
  }

  /** An entry has expired: nobody finds it any more, but its key is still where it was. */
  onExpire: KeyListener = () => {};
  /** Fields of a hash had expired and were removed; `isEmpty`: and so was the hash. */
  onFieldsDrop: (
    database: Database,
    key: Uint8Array,
    fields: readonly Uint8Array[],
    isEmpty: boolean,
  ) => void = () => {};
  /** An entry is evicted: nobody finds it any more, but its key is still where it was. */
  onEvict: KeyListener = () => {};
  /** A reading command did not find its key. */
  onMiss: KeyListener | null = null;
  /** A key was made that was not there. */
  onNew: KeyListener | null = null;
}
