/**
 * The arena: where keys and values live as bytes, out of the garbage collector's sight.
 *
 *     slab   16 MiB, one ArrayBuffer, committed lazily by the operating system
 *     page   64 KiB of a slab, given to one size class
 *     block  a whole number of 16-byte units within a page
 *
 * A `Ref` names a block by its first unit: the upper 12 bits are the slab, the lower 20 the
 * unit in it, so 32 bits span 64 GiB. It is kept as a signed int32 (the engine's fast integer),
 * hence `>>>` wherever it is taken apart. Unit 0 of slab 0 is never given out: NULL_REF.
 *
 * Invariants: a page with room is in its class's list, a full one is not; `live` counts the
 * blocks handed out; an empty page goes back to the pool unless it is its class's only one.
 * Blocks larger than MAX_BLOCK_BYTES do not exist: what is larger lives in `objects`.
 */
import { assert } from "../base/assert.ts";
import { MemoryCounter } from "./memory-counter.ts";
import type { ByteCounter } from "./memory-counter.ts";
import { ObjectTable } from "./object-table.ts";
import { Reclaimer } from "./reclaimer.ts";

export type Ref = number & { readonly brand: "Ref" };

export const NULL_REF = 0 as Ref;

export const SLAB_SHIFT = 20;
export const UNIT_MASK = (1 << SLAB_SHIFT) - 1;
export const MAX_BLOCK_BYTES = 16384;

const UNIT_BYTES = 16;
const SLAB_BYTES = UNIT_BYTES << SLAB_SHIFT;
const MAX_SLABS = 4096;
const PAGE_SHIFT = 12;
const PAGE_UNITS = 1 << PAGE_SHIFT;
const PAGES_PER_SLAB = 1 << (SLAB_SHIFT - PAGE_SHIFT);
const PAGE_BYTES = PAGE_UNITS * UNIT_BYTES;
const NO_PAGE = -1;

/** Every size up to 128 bytes, then four steps to each doubling: at most a fifth is wasted. */
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
  readonly bytes: Uint8Array[] = [];
  readonly words: Int32Array[] = [];
  readonly doubles: Float64Array[] = [];
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
  /** Per class, the head of the list of pages that have room. */
  private readonly withRoom = new Int32Array(CLASS_UNITS.length).fill(NO_PAGE);
  private pool = NO_PAGE;
  private pagesInPool = 0;

  /** Large collections that are released go to `reclaimer`, to be freed in slices. */
  constructor(reclaimer = new Reclaimer(), memory: ByteCounter = { bytes: 0 }) {
    this.objects = new ObjectTable(reclaimer, memory);
    this.tables = new MemoryCounter(memory);
    this.memory = memory;
  }

  /**
   * Takes what it holds out of the common count, once and for all: nobody can see any of it any
   * more. What is still freed here later is nobody's.
   */
  abandon(): void {
    this.memory.bytes -= this.usedBytes + this.objects.sizeBytes + this.tables.bytes;
    const nowhere = { bytes: 0 };
    this.memory = this.tables.whole = nowhere;
    this.objects.countFor(nowhere);
  }

  /** Bytes of pages that hold, or held and keep, blocks: what the arena really occupies. */
  get committedBytes(): number {
    return (this.bytes.length * PAGES_PER_SLAB - this.pagesInPool) * PAGE_BYTES;
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
      this.pageFree[page] = this.words[page >>> 8][slabUnit << 2];
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
    if (wasFull) this.link(page, sizeClass);
    else if (live === 0 && this.pageNext[page] !== this.pagePrevious[page]) {
      this.unlink(page, sizeClass);
      this.addToPool(page);
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
    const pooled = new Set<number>();
    for (let page = this.pool; page !== NO_PAGE; page = this.pageNext[page]) pooled.add(page);
    const found = new Map<number, BlockClass>();
    for (let page = 0; page < this.bytes.length * PAGES_PER_SLAB; page++) {
      if (pooled.has(page)) continue;
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

  private isFull(page: number, units: number): boolean {
    return this.pageFree[page] === 0 && this.pageCarved[page] + units > PAGE_UNITS;
  }

  private openPage(sizeClass: number): number {
    if (this.pool === NO_PAGE) this.addSlab();
    const page = this.pool;
    this.pool = this.pageNext[page];
    this.pagesInPool--;
    this.pageClass[page] = sizeClass;
    this.pageFree[page] = 0;
    // Unit 0 of page 0 is NULL_REF: that page begins one block later.
    this.pageCarved[page] = page === 0 ? CLASS_UNITS[sizeClass] : 0;
    this.link(page, sizeClass);
    return page;
  }

  private addSlab(): void {
    const slab = this.bytes.length;
    assert(slab < MAX_SLABS, "the arena spans at most 64 GiB");
    const buffer = new ArrayBuffer(SLAB_BYTES);
    this.bytes.push(new Uint8Array(buffer));
    this.words.push(new Int32Array(buffer));
    this.doubles.push(new Float64Array(buffer));
    const pages = (slab + 1) * PAGES_PER_SLAB;
    if (pages > this.pageClass.length) this.growPageTables(pages);
    // Pushed backwards, so that pages are taken in the order of their addresses.
    for (let page = pages - 1; page >= pages - PAGES_PER_SLAB; page--) this.addToPool(page);
  }

  private growPageTables(pages: number): void {
    const size = Math.max(pages, this.pageClass.length * 2);
    this.pageClass = grown(new Uint8Array(size), this.pageClass);
    this.pageLive = grown(new Uint16Array(size), this.pageLive);
    this.pageFree = grown(new Uint16Array(size), this.pageFree);
    this.pageCarved = grown(new Uint16Array(size), this.pageCarved);
    this.pageNext = grown(new Int32Array(size), this.pageNext);
    this.pagePrevious = grown(new Int32Array(size), this.pagePrevious);
  }

  private addToPool(page: number): void {
    this.pageNext[page] = this.pool;
    this.pool = page;
    this.pagesInPool++;
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
  for (let base = 8; base < MAX_BLOCK_BYTES / UNIT_BYTES; base *= 2) {
    for (let step = 0; step < 4; step++) units.push(base + (step * base) / 4);
  }
  units.push(MAX_BLOCK_BYTES / UNIT_BYTES);
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
