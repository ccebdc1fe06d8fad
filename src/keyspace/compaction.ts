/**
 * Gives memory back that deletions left in holes: the blocks of an arena's sparsest slabs are moved
 * together, in slices between turns of the event loop (memory/arena.ts: evacuation).
 *
 * Only who owns a block knows where its Ref stands, so the walk follows ownership: the slots of a
 * database's table, in the order of their hashes, and from the entries into their collections.
 * Commands go on meanwhile. What they make lies in pages that stay, and neither growth nor
 * shrinkage of a table moves anything past the walk.
 *
 * A running snapshot has Refs of its own: no step is to be taken while there is one.
 */
import { assert } from "../base/assert.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import type { ByteTable } from "../memory/byte-table.ts";
import type { EvacuationPlan } from "../memory/evacuation-plan.ts";
import { EXTERNAL_VALUE, flagsIn, headerOf, valueWordOf } from "../memory/entry.ts";
import type { Collection } from "../memory/object-table.ts";
import type { Database } from "./database.ts";
import type { ExpiringHashes } from "./expiring-hashes.ts";
import type { Keyspace } from "./keyspace.ts";

/** Home slots of a table between two looks at the time. */
const HOMES_PER_STEP = 64;
/** Parts of a collection between two looks at the time. */
const PARTS_PER_STEP = 64;

/** What happened so far, in Redis's terms (INFO stats: active_defrag_…). */
export interface CompactionFigures {
  /** Blocks that were moved, and blocks that were looked at and stayed. */
  hits: number;
  misses: number;
  /** Keys of which a block was moved, and keys of which none was. */
  keyHits: number;
  keyMisses: number;
}

/** The phases of a walk: over entries and their values, over hashes with fields that expire. */
const MOVING = 0;
const MOVING_HASHES = 1;
/** The table of the database is made as small as may be, a segment at a time. */
const TIGHTENING = 2;

interface Walk {
  readonly arena: Arena;
  readonly table: ByteTable;
  readonly expiringHashes: ExpiringHashes | null;
}

/** A collection that is looked through in several steps. */
interface Job {
  readonly collection: Collection;
  readonly handle: number;
  cursor: number;
  /** Its blocks are where they shall be: what is left is its table. */
  isMoved: boolean;
}

export class Compaction {
  readonly figures: CompactionFigures = { hits: 0, misses: 0, keyHits: 0, keyMisses: 0 };
  /** Pages that the walk that ended last did not empty: what is in them was being deleted. */
  pagesLeft = 0;
  /** The number of the database that was walked over last. */
  private database = -1;
  private walk: Walk | null = null;
  private cursor = 0;
  private phase = MOVING;
  /** While it is being made. */
  private plan: EvacuationPlan | null = null;
  private readonly jobs: Job[] = [];
  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  get isRunning(): boolean {
    return this.walk !== null;
  }

  /**
   * Begins with the next database of which something might be given back, slabs or the empty slots
   * of its table. False if there is none.
   */
  begin(): boolean {
    assert(this.walk === null, "one arena is compacted at a time");
    const { databases } = this.keyspace;
    for (let i = 0; i < databases.length; i++) {
      // Where it turned out that nothing could, the others must not wait for that to change.
      this.database = (this.database + 1) % databases.length;
      const { arena, table } = databases[this.database];
      if (!arena.mayShrink && !table.isSparse) continue;
      this.follow(databases[this.database]);
      this.plan = arena.planEvacuation();
      return true;
    }
    return false;
  }

  /** Begins to walk over a database of whose arena pages are leaving. */
  follow({ arena, table, expiringHashes }: Database): void {
    this.walk = { arena, table, expiringHashes };
    this.plan = null;
    this.phase = MOVING;
    this.cursor = 0;
    this.pagesLeft = 0;
  }

  /** Goes on until `isOver` says so. False once the walk has ended. */
  step(isOver: () => boolean): boolean {
    const { walk, keyspace } = this;
    if (walk === null) return false;
    assert(keyspace.context.snapshot === null, "a snapshot has its own references to blocks");
    const isGone = keyspace.databases.every(({ arena }) => arena !== walk.arena);
    if (!isGone) {
      while (this.moveSome(walk)) if (isOver()) return true;
    }
    this.stop();
    return false;
  }

  /** Ends it where it stands; what was moved is moved. */
  stop(): void {
    if (this.walk === null) return;
    const { arena } = this.walk;
    this.pagesLeft = arena.leavingPages;
    arena.endEvacuation();
    this.walk = null;
    this.jobs.length = 0;
  }

  resetFigures(): void {
    const { figures } = this;
    figures.hits = figures.misses = figures.keyHits = figures.keyMisses = 0;
  }

  /** False where nothing is left. */
  private moveSome(walk: Walk): boolean {
    if (this.plan !== null) {
      if (this.plan.step()) return true;
      this.phase = this.plan.freesSlabs ? MOVING : TIGHTENING;
      this.plan = null;
    }
    const job = this.jobs.at(-1);
    if (job !== undefined) {
      if (!this.goOnWith(walk, job)) this.jobs.pop();
      return true;
    }
    if (this.phase === MOVING) {
      this.cursor = walk.table.relocateSome(this.cursor, HOMES_PER_STEP, (ref) =>
        this.moveEntry(walk, ref),
      );
      if (this.cursor === 0) this.phase = walk.expiringHashes === null ? TIGHTENING : MOVING_HASHES;
      return true;
    }
    if (this.phase === MOVING_HASHES) {
      this.cursor = walk.expiringHashes?.compact(this.cursor, PARTS_PER_STEP) ?? 0;
      if (this.cursor === 0) this.phase = TIGHTENING;
      return true;
    }
    this.cursor = walk.table.tighten(this.cursor);
    return this.cursor !== 0;
  }

  private moveEntry({ arena }: Walk, ref: Ref): Ref {
    const { figures } = this;
    const to = arena.evacuate(ref);
    if (to === ref) {
      figures.misses++;
      figures.keyMisses++;
    } else {
      figures.hits++;
      figures.keyHits++;
    }
    if (arena.objects.count > 0) this.addJob(arena, to);
    return to;
  }

  private addJob(arena: Arena, ref: Ref): void {
    const flags = flagsIn(headerOf(arena, ref));
    if ((flags & EXTERNAL_VALUE) === 0) return;
    const handle = valueWordOf(arena, ref, flags);
    const collection = arena.objects.get(handle);
    if (!(collection instanceof Uint8Array)) {
      this.jobs.push({ collection, handle, cursor: 0, isMoved: false });
    }
  }

  /** False at the collection's end, and where it has gone meanwhile. */
  private goOnWith({ arena }: Walk, job: Job): boolean {
    const { collection } = job;
    if (!arena.objects.holds(job.handle, collection)) return false;
    if (job.isMoved) {
      job.cursor = collection.table?.tighten(job.cursor) ?? 0;
      return job.cursor !== 0;
    }
    const before = arena.evacuated;
    job.cursor = collection.compact(job.cursor, PARTS_PER_STEP);
    this.figures.hits += arena.evacuated - before;
    job.isMoved = job.cursor === 0;
    return !job.isMoved || collection.table !== null;
  }
}
