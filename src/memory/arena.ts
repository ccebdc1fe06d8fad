/**
 * The arena: where keys and values live as bytes, out of the garbage collector's sight.
 *
 *     slab   4 MiB, one ArrayBuffer, committed lazily by the operating system (_page-pool.ts)
 *     page   64 KiB of a slab, given to one size class
 *     block  a whole number of 16-byte units within a page
 *
 * A `Ref` names a block by its first unit: the upper 14 bits are the slab, the lower 18 the
 * unit in it, so 32 bits span 64 GiB. It is kept as a signed int32 (the engine's fast integer),
 * hence `>>>` wherever it is taken apart. Unit 0 of slab 0 is never given out: NULL_REF.
 *
 * Invariants: a page with room is in its class's list, a full one is not; `live` counts the
 * blocks handed out; an empty page goes back to the pool.
 * Blocks larger than MAX_BLOCK_BYTES do not exist: what is larger lives in `objects`.
 *
 * Evacuation gives memory back: the sparsest slabs are to be emptied, so their pages are said to
 * be leaving. They hand out nothing more and are in no list. Who owns blocks walks over them and
 * has each moved by `evacuate` (keyspace/compaction.ts); an empty slab goes to the reclaimer.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import { PagePool, PAGES_PER_SLAB, SLAB_BYTES, SLAB_OF_PAGE } from "./_page-pool.ts";
import { EvacuationPlan } from "./evacuation-plan.ts";
import { MemoryCounter } from "./memory-counter.ts";
import type { ByteCounter } from "./memory-counter.ts";
import { ObjectTable } from "./object-table.ts";
import { Reclaimer } from "./reclaimer.ts";

export type Ref = number & { readonly brand: "Ref" };

export const NULL_REF = 0 as Ref;

export const SLAB_SHIFT = 18;
export const UNIT_MASK = (1 << SLAB_SHIFT) - 1;
export const MAX_BLOCK_BYTES = 16384;

const UNIT_BYTES = 16;
const PAGE_SHIFT = 12;
const PAGE_UNITS = 1 << PAGE_SHIFT;
const PAGE_BYTES = PAGE_UNITS * UNIT_BYTES;
/** Blocks from this size on divide a page. */
const DIVIDING_UNITS = 256;
/** The blocks of a page of the largest size. */
const FEWEST_BLOCKS = (PAGE_UNITS * UNIT_BYTES) / MAX_BLOCK_BYTES;
const NO_PAGE = -1;
/** The class of a page that is in the pool. */
const NO_CLASS = 255;

/**
 * Every size up to 256 bytes, eight steps to each doubling up to 4 KiB, so that at most a tenth is
 * wasted; above, what divides a page without a rest.
 */
const CLASS_UNITS = sizeClasses();
/** From a size in units to its class. */
const CLASS_OF_UNITS = classTable();

/** The blocks of one size: how many are handed out, and how many fit into the pages taken. */
export interface BlockClass {
  readonly blockBytes: number;
  readonly pages: number;
  readonly blocks: number;
  readonly capacity: number;
}

export class Arena {
  /** The slabs as bytes, words and doubles; `ref >>> SLAB_SHIFT` is the index into each. */
  readonly bytes: Uint8Array[];
  readonly words: Int32Array[];
  readonly doubles: Float64Array[];
  /** Values too large for a block, and collections that are JS objects, by handle. */
  readonly objects: ObjectTable;

  /** Bytes in blocks handed out. */
  usedBytes = 0;
  /** Bytes of the tables that find what lies here. */
  readonly tables: MemoryCounter;
  /** Where blocks, objects and tables are counted together, with those of other arenas. */
  private memory: ByteCounter;

  private pageClass = new Uint8Array(0);
  private pageLive = new Uint16Array(0);
  /** The first free block of a page as unit + 1, 0 for none; a free block holds the next. */
  private pageFree = new Uint16Array(0);
  /** Units of the page that were ever given out; beyond them it is untouched. */
  private pageCarved = new Uint16Array(0);
  private pageNext = new Int32Array(0);
  private pagePrevious = new Int32Array(0);
  private pageLeaves = new Uint8Array(0);
  /** Blocks that were moved so far. */
  evacuated = 0;
  /** Pages that are leaving and not empty yet. */
  leavingPages = 0;
  /** Per class, the head of the list of pages that have room. */
  private readonly withRoom = new Int32Array(CLASS_UNITS.length).fill(NO_PAGE);
  private readonly pool: PagePool;

  /**
   * Large collections that are released, and empty slabs, go to `reclaimer`; what is in use is
   * added to `memory`.
   */
  constructor(reclaimer = new Reclaimer(), memory: ByteCounter = { bytes: 0 }) {
    this.objects = new ObjectTable(reclaimer, memory);
    this.tables = new MemoryCounter(memory);
    this.memory = memory;
    this.pool = new PagePool(reclaimer);
    this.bytes = this.pool.bytes;
    this.words = this.pool.words;
    this.doubles = this.pool.doubles;
  }

  /**
   * To be called once, when the arena is thrown away. What is in it may still be read and freed,
   * but is nobody's: it is taken out of the common count.
   */
  abandon(): void {
    this.memory.bytes -= this.usedBytes + this.objects.sizeBytes + this.tables.bytes;
    const nowhere = { bytes: 0 };
    this.memory = this.tables.whole = nowhere;
    this.objects.countFor(nowhere);
    this.pool.abandon();
  }

  /** Bytes of pages that hold, or held and keep, blocks. */
  get committedBytes(): number {
    return this.pool.pagesTaken * PAGE_BYTES;
  }

  /** Bytes of pages that were ever given out: what the system has committed to the arena. */
  get touchedBytes(): number {
    return this.pool.pagesTouched * PAGE_BYTES;
  }

  /** A block of at least `sizeBytes`; its content is undefined. */
  allocate(sizeBytes: number): Ref {
    assert(sizeBytes <= MAX_BLOCK_BYTES, "a block must fit its largest size class");
    const sizeClass = CLASS_OF_UNITS[(sizeBytes + 15) >>> 4];
    let page = this.withRoom[sizeClass];
    if (page === NO_PAGE) page = this.openPage(sizeClass);
    const units = CLASS_UNITS[sizeClass];
    this.usedBytes += units << 4;
    this.memory.bytes += units << 4;
    this.pageLive[page]++;
    const free = this.pageFree[page];
    let unit = 0;
    if (free !== 0) {
      unit = free - 1;
      const slabUnit = ((page << PAGE_SHIFT) | unit) & UNIT_MASK;
      this.pageFree[page] = this.words[page >>> SLAB_OF_PAGE][slabUnit << 2];
    } else {
      unit = this.pageCarved[page];
      this.pageCarved[page] = unit + units;
    }
    if (this.isFull(page, units)) this.unlink(page, sizeClass);
    return ((page << PAGE_SHIFT) | unit) as Ref;
  }

  free(ref: Ref): void {
    const page = ref >>> PAGE_SHIFT;
    const sizeClass = this.pageClass[page];
    const units = CLASS_UNITS[sizeClass];
    const wasFull = this.isFull(page, units);
    this.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2] = this.pageFree[page];
    this.pageFree[page] = (ref & (PAGE_UNITS - 1)) + 1;
    this.usedBytes -= units << 4;
    this.memory.bytes -= units << 4;
    const live = --this.pageLive[page];
    if (wasFull) {
      if (this.pageLeaves[page] === 0) this.link(page, sizeClass);
      else if (live === 0) this.emptied(page);
    } else if (live === 0) {
      if (this.pageLeaves[page] !== 0) this.emptied(page);
      else {
        this.unlink(page, sizeClass);
        this.giveBack(page);
      }
    }
  }

  /** The bytes that the block at `ref` can hold. */
  capacity(ref: Ref): number {
    return CLASS_UNITS[this.pageClass[ref >>> PAGE_SHIFT]] << 4;
  }

  /** The bytes that a block of at least `sizeBytes` can hold. */
  capacityFor(sizeBytes: number): number {
    return CLASS_UNITS[CLASS_OF_UNITS[(sizeBytes + 15) >>> 4]] << 4;
  }

  /** What the arena holds by size of block, smallest first; sizes without pages are left out. */
  classes(): BlockClass[] {
    const found = new Map<number, BlockClass>();
    for (let page = 0; page < this.pageCount; page++) {
      if (this.pageClass[page] === NO_CLASS) continue;
      const blockBytes = CLASS_UNITS[this.pageClass[page]] * UNIT_BYTES;
      const before = found.get(blockBytes) ?? { blockBytes, pages: 0, blocks: 0, capacity: 0 };
      found.set(blockBytes, {
        blockBytes,
        pages: before.pages + 1,
        blocks: before.blocks + this.pageLive[page],
        capacity: before.capacity + Math.floor(PAGE_BYTES / blockBytes),
      });
    }
    return [...found.values()].toSorted((a, b) => a.blockBytes - b.blockBytes);
  }

  /** Whether the blocks could do with fewer slabs, so that it is worth while to plan how. */
  get mayShrink(): boolean {
    return this.pool.slabs > Math.max(1, Math.ceil(this.usedBytes / SLAB_BYTES));
  }

  /**
   * A plan to empty pages so that slabs can be given back. Once it is made these pages hand out
   * nothing more, until `endEvacuation`.
   */
  planEvacuation(): EvacuationPlan {
    return new EvacuationPlan({
      slabCount: this.bytes.length,
      classCount: CLASS_UNITS.length,
      holdsSlab: (slab) => this.pool.holds(slab),
      classOf: (page) => this.pageClass[page],
      blocksIn: (page) => this.pageLive[page],
      blocksPerPage: (sizeClass) => Math.floor(PAGE_UNITS / CLASS_UNITS[sizeClass]),
      blockUnits: (sizeClass) => CLASS_UNITS[sizeClass],
      retire: (slab) => this.pool.retire(slab),
      leave: (page) => this.leave(page),
    });
  }

  /** Has pages leave that someone else chooses: for tests of those who own blocks. */
  beginLeaving(isChosen: (page: number) => boolean): void {
    for (let page = 0; page < this.pageCount; page++) {
      if (this.pageClass[page] === NO_CLASS || this.pageLeaves[page] !== 0) continue;
      if (isChosen(page)) this.leave(page);
    }
  }

  /** Pages that still hold blocks stay, as those of any other class. */
  endEvacuation(): void {
    for (let page = 0; this.leavingPages > 0; page++) {
      if (this.pageLeaves[page] === 0) continue;
      this.pageLeaves[page] = 0;
      this.leavingPages--;
      const sizeClass = this.pageClass[page];
      if (!this.isFull(page, CLASS_UNITS[sizeClass])) this.link(page, sizeClass);
    }
    this.pool.keepRetired();
  }

  /** Whether the block must be moved for its page to become empty. */
  isLeaving(ref: Ref): boolean {
    return this.pageLeaves[ref >>> PAGE_SHIFT] !== 0;
  }

  /** Where the block is after it was moved, if it had to be; whoever knows it must be told. */
  evacuate(ref: Ref): Ref {
    if (this.pageLeaves[ref >>> PAGE_SHIFT] === 0) return ref;
    const size = this.capacity(ref);
    const to = this.allocate(size);
    const target = this.bytes[to >>> SLAB_SHIFT];
    const source = this.bytes[ref >>> SLAB_SHIFT];
    copyBytes(target, (to & UNIT_MASK) << 4, source, (ref & UNIT_MASK) << 4, size);
    this.free(ref);
    this.evacuated++;
    return to;
  }

  private get pageCount(): number {
    return this.bytes.length * PAGES_PER_SLAB;
  }

  private isFull(page: number, units: number): boolean {
    return this.pageFree[page] === 0 && this.pageCarved[page] + units > PAGE_UNITS;
  }

  private openPage(sizeClass: number): number {
    const page = this.pool.take();
    if (page >= this.pageClass.length) this.growPageTables();
    this.pageClass[page] = sizeClass;
    this.pageFree[page] = 0;
    // Unit 0 of page 0 is NULL_REF: that page begins one block later.
    this.pageCarved[page] = page === 0 ? CLASS_UNITS[sizeClass] : 0;
    this.link(page, sizeClass);
    return page;
  }

  private growPageTables(): void {
    const before = this.pageClass.length;
    const size = Math.max(this.pageCount, before * 2);
    this.pageClass = grown(new Uint8Array(size).fill(NO_CLASS, before), this.pageClass);
    this.pageLive = grown(new Uint16Array(size), this.pageLive);
    this.pageFree = grown(new Uint16Array(size), this.pageFree);
    this.pageCarved = grown(new Uint16Array(size), this.pageCarved);
    this.pageNext = grown(new Int32Array(size), this.pageNext);
    this.pagePrevious = grown(new Int32Array(size), this.pagePrevious);
    this.pageLeaves = grown(new Uint8Array(size), this.pageLeaves);
  }

  private leave(page: number): void {
    const sizeClass = this.pageClass[page];
    if (!this.isFull(page, CLASS_UNITS[sizeClass])) this.unlink(page, sizeClass);
    if (this.pageLive[page] === 0) {
      this.giveBack(page);
    } else {
      this.pageLeaves[page] = 1;
      this.leavingPages++;
    }
  }

  private emptied(page: number): void {
    this.pageLeaves[page] = 0;
    this.leavingPages--;
    this.giveBack(page);
  }

  private giveBack(page: number): void {
    this.pageClass[page] = NO_CLASS;
    this.pool.give(page);
  }

  private link(page: number, sizeClass: number): void {
    const head = this.withRoom[sizeClass];
    this.pageNext[page] = head;
    this.pagePrevious[page] = NO_PAGE;
    if (head !== NO_PAGE) this.pagePrevious[head] = page;
    this.withRoom[sizeClass] = page;
  }

  private unlink(page: number, sizeClass: number): void {
    const next = this.pageNext[page];
    const previous = this.pagePrevious[page];
    if (previous === NO_PAGE) this.withRoom[sizeClass] = next;
    else this.pageNext[previous] = next;
    if (next !== NO_PAGE) this.pagePrevious[next] = previous;
  }
}

function grown<T extends Uint8Array | Uint16Array | Int32Array>(next: T, old: T): T {
  next.set(old);
  return next;
}

function sizeClasses(): Uint16Array {
  const units: number[] = [];
  for (let size = 1; size < 8; size++) units.push(size);
  for (let base = 8; base < DIVIDING_UNITS; base *= 2) {
    for (let step = 0; step < 8; step++) units.push(base + (step * base) / 8);
  }
  for (let blocks = PAGE_UNITS / DIVIDING_UNITS; blocks >= FEWEST_BLOCKS; blocks--) {
    units.push(Math.floor(PAGE_UNITS / blocks));
  }
  return Uint16Array.from(units);
}

function classTable(): Uint8Array {
  const table = new Uint8Array(MAX_BLOCK_BYTES / UNIT_BYTES + 1);
  let sizeClass = 0;
  for (let units = 1; units < table.length; units++) {
    if (units > CLASS_UNITS[sizeClass]) sizeClass++;
    table[units] = sizeClass;
  }
  return table;
}
