/**
 * All databases as they are at one moment, written in slices while commands go on changing them:
 * one mechanism for RDB files, the base of an AOF and the full synchronisation of a replica.
 *
 * The walk follows the order of the hashes, as SCAN does (memory/byte-table.ts). An entry that is
 * about to change and that the walk has not reached is written first, and marked; the walk passes
 * marked entries over. So every key is written once, in no particular order, as it was when the
 * snapshot began, and nothing is kept twice. A value too large to be written in one go is frozen
 * (values/frozen.ts) and written in slices, whatever becomes of its key.
 *
 * What is walked are the tables that the databases had in the beginning: FLUSHALL leaves an
 * emptied database's table to the snapshot, and SWAPDB does not matter to it.
 */
import { assert } from "../base/assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ALL_SAVED } from "../memory/byte-table.ts";
import type { ByteTable } from "../memory/byte-table.ts";
import {
  EXTERNAL_VALUE,
  flagsIn,
  headerOf,
  markOf,
  setMark,
  TYPE_STRING,
  typeOf,
  valueWordOf,
} from "../memory/entry.ts";
import type { FrozenString, FrozenValue } from "../values/frozen.ts";
import type { RunningSnapshot } from "./context.ts";
import type { Keyspace } from "./keyspace.ts";

/** Home slots of a table between two looks at the time, where all values are small. */
const MAX_HOMES_PER_STEP = 32;
/** Where that many bytes of large values came at once, the next step is as small as can be. */
const HEAVY_STEP_BYTES = 1 << 16;
const BYTES_PER_ELEMENT = 64;
const BYTES_PER_BLOCK = 8192;
/** Strings up to this length are written in one go. */
const MAX_WHOLE_STRING_BYTES = 1 << 20;
/** What may be written in one go of collections: elements, or blocks of some kilobytes. */
const MAX_WHOLE_ELEMENTS = 512;
const MAX_WHOLE_BLOCKS = 32;
/** Larger ones are not, however few parts they have. */
const MAX_WHOLE_BYTES = 1 << 18;
/** Elements by which the size of a collection is estimated. */
const SIZE_SAMPLES = 8;
/** What a step should write of a collection at the most, as far as its parts allow. */
const STEP_BYTES = 1 << 16;
const ELEMENTS_PER_STEP = 128;
const BLOCKS_PER_STEP = 8;
const LAST_MARK = 255;

/** Gives a snapshot its form. What it writes is to be taken from it by whoever made it. */
export interface SnapshotEncoder {
  begin(): void;
  /**
   * Writes an entry whole: it is about to change. `database` is the number its database had when
   * the snapshot began, which may have gone since: entries are read through their arena alone.
   */
  entry(database: number, arena: Arena, ref: Ref): void;
  /**
   * Takes from an entry, which may be gone before the first step, all but its large value. For a
   * stream that is everything but the nodes.
   */
  large(database: number, arena: Arena, ref: Ref, value: FrozenValue): LargeEncoding;
  end(): void;
}

/** An entry with a large value, written bit by bit. */
export interface LargeEncoding {
  /**
   * Writes on, about `budget` parts. False once all of it is written. Between the first and the
   * last step `entry` and `large` may be called, but no step of another one.
   */
  step(budget: number): boolean;
}

/** A table as the snapshot found it. */
interface Part {
  readonly database: number;
  readonly table: ByteTable;
  readonly arena: Arena;
}

interface LargeJob {
  readonly encoding: LargeEncoding;
  readonly value: FrozenValue;
  readonly mostParts: number;
  /** Of the next step: fewer where the parts are large. */
  parts: number;
}

export class Snapshot implements RunningSnapshot {
  readonly keysTotal: number;
  keysDone = 0;
  readonly mark: number;
  private readonly parts: Part[] = [];
  private part = 0;
  private cursor = 0;
  private homes = 1;
  /** Of the running step. */
  private largeBytes = 0;
  private readonly jobs: LargeJob[] = [];
  private readonly keyspace: Keyspace;
  private readonly encoder: SnapshotEncoder;
  private isRunning = false;
  /** Read by nobody: it keeps the loads of `writeSome` from being optimised away. */
  touched = 0;

  constructor(keyspace: Keyspace, encoder: SnapshotEncoder) {
    this.keyspace = keyspace;
    this.encoder = encoder;
    this.keysTotal = keyspace.keyCount;
    this.mark = nextMark(keyspace);
  }

  /** This is the moment: what happens from now on is not in it. */
  begin(): void {
    const { context, databases } = this.keyspace;
    assert(context.snapshot === null, "there is one snapshot at a time");
    context.snapshot = this;
    this.isRunning = true;
    for (const { index, table, arena } of databases) {
      if (table.size === 0) continue;
      table.savedUpTo = 0;
      this.parts.push({ database: index, table, arena });
    }
    this.encoder.begin();
  }

  /** Writes on until `isOver` says so. False once everything has been written. */
  step(isOver: () => boolean): boolean {
    while (this.writeSome()) if (isOver()) return true;
    this.encoder.end();
    this.end();
    // All marks that there were have been passed.
    this.keyspace.context.snapshotMark = 0;
    return false;
  }

  /** Ends it before its end. */
  abort(): void {
    if (!this.isRunning) return;
    for (const { table } of this.parts) table.savedUpTo = ALL_SAVED;
    for (const { value } of this.jobs) value.thaw();
    this.jobs.length = 0;
    // Marks stay behind, which the next snapshot must not take for its own.
    this.keyspace.context.snapshotMark = this.mark;
    this.end();
  }

  beforeChange(table: ByteTable, arena: Arena, ref: Ref): void {
    if (markOf(arena, ref) === this.mark) return;
    setMark(arena, ref, this.mark);
    const part = this.parts.find((candidate) => candidate.table === table);
    assert(part !== undefined, "a table that is not all saved belongs to the snapshot");
    this.write(part, ref);
  }

  private end(): void {
    this.isRunning = false;
    this.keyspace.context.snapshot = null;
  }

  /** False where nothing is left. */
  private writeSome(): boolean {
    if (this.jobs.length > 0) {
      const [job] = this.jobs;
      if (goOnWith(job)) return true;
      job.value.thaw();
      this.jobs.shift();
      return true;
    }
    if (this.part === this.parts.length) return false;
    const part = this.parts[this.part];
    const { table, arena } = part;
    this.largeBytes = 0;
    // The entries' memory is fetched together before they are written one by one.
    table.scan(this.cursor, this.homes, (ref) => {
      this.touched ^= markOf(arena, ref);
    });
    this.cursor = table.scan(this.cursor, this.homes, (ref) => {
      const mark = markOf(arena, ref);
      if (mark !== this.mark) this.write(part, ref);
      if (mark !== 0) setMark(arena, ref, 0);
    });
    table.savedUpTo = this.cursor === 0 ? ALL_SAVED : this.cursor;
    if (this.cursor === 0) this.part++;
    const isHeavy = this.largeBytes > HEAVY_STEP_BYTES;
    this.homes = isHeavy ? 1 : Math.min(this.homes * 2, MAX_HOMES_PER_STEP);
    return true;
  }

  private write({ database, arena }: Part, ref: Ref): void {
    this.keysDone++;
    const value = freezeLarge(arena, ref);
    if (value === null) {
      this.largeBytes += largeBytesOf(arena, ref);
      this.encoder.entry(database, arena, ref);
      return;
    }
    const encoding = this.encoder.large(database, arena, ref, value);
    const mostParts = isInBlocks(value.kind) ? BLOCKS_PER_STEP : ELEMENTS_PER_STEP;
    const parts = Math.max(1, Math.min(mostParts, partsOfStep(arena, ref)));
    this.jobs.push({ encoding, value, mostParts, parts });
  }
}

/** Takes a step, and learns from it how large the next one may be. False at the end. */
function goOnWith(job: LargeJob): boolean {
  const { encoding, value, mostParts, parts } = job;
  const before = value.shownBytes;
  const hasMore = encoding.step(parts);
  const bytes = value.shownBytes - before;
  if (bytes > STEP_BYTES) job.parts = Math.max(1, Math.floor((parts * STEP_BYTES) / bytes));
  else if (bytes > 0) job.parts = Math.min(parts * 2, mostParts);
  return hasMore;
}

/** The entry's value, frozen, or null where it can be written in one go. */
function freezeLarge(arena: Arena, ref: Ref): FrozenValue | null {
  const flags = flagsIn(headerOf(arena, ref));
  if ((flags & EXTERNAL_VALUE) === 0) return null;
  const object = arena.objects.get(valueWordOf(arena, ref, flags));
  if (object instanceof Uint8Array) {
    const isLarge = object.length > MAX_WHOLE_STRING_BYTES && typeOf(arena, ref) === TYPE_STRING;
    return isLarge ? freezeString(arena, object) : null;
  }
  const limit = object.table === null ? MAX_WHOLE_BLOCKS : MAX_WHOLE_ELEMENTS;
  const isWhole = object.partCount <= limit && object.sizeBytes(SIZE_SAMPLES) <= MAX_WHOLE_BYTES;
  return isWhole ? null : (object.freeze() as FrozenValue);
}

/** About what a value takes that is not in the entry. */
function largeBytesOf(arena: Arena, ref: Ref): number {
  const flags = flagsIn(headerOf(arena, ref));
  if ((flags & EXTERNAL_VALUE) === 0) return 0;
  const object = arena.objects.get(valueWordOf(arena, ref, flags));
  if (object instanceof Uint8Array) return object.length;
  return object.partCount * (object.table === null ? BYTES_PER_BLOCK : BYTES_PER_ELEMENT);
}

/** How many parts of a value make a step, by its size. */
function partsOfStep(arena: Arena, ref: Ref): number {
  const object = arena.objects.get(valueWordOf(arena, ref, flagsIn(headerOf(arena, ref))));
  if (object instanceof Uint8Array) return Infinity;
  return Math.floor((object.partCount * STEP_BYTES) / object.sizeBytes(SIZE_SAMPLES));
}

function freezeString(arena: Arena, bytes: Uint8Array): FrozenString {
  arena.objects.pin(bytes);
  return { kind: "string", bytes, shownBytes: 0, thaw: () => arena.objects.unpin(bytes) };
}

function isInBlocks(kind: FrozenValue["kind"]): boolean {
  return kind === "list" || kind === "stream";
}

/** A mark that no entry has. */
function nextMark(keyspace: Keyspace): number {
  const { context } = keyspace;
  if (context.snapshotMark < LAST_MARK) return context.snapshotMark + 1;
  // That many snapshots have been aborted one after another: their marks go all at once.
  for (const { table, arena } of keyspace.databases) {
    table.scan(0, Infinity, (ref) => setMark(arena, ref, 0));
  }
  return 1;
}
