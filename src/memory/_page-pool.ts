/**
 * The slabs of an arena and their pages that nobody uses. Pages are taken from the first slab that
 * has one, so that the later ones run empty. An empty slab is given back, unless there would be
 * hardly a free page without it.
 *
 * A slab that is retired hands out no pages; as soon as it is empty it goes. In the arena's tables
 * the place of a slab that went stays, for the next one.
 */
import { assert } from "../base/assert.ts";
import type { Reclaimer } from "./reclaimer.ts";

export const SLAB_BYTES = 1 << 22;
export const PAGES_PER_SLAB = 64;
/** From a page to its slab. */
export const SLAB_OF_PAGE = 6;

const MAX_SLABS = 16384;
const NO_PAGE = -1;
/** Free pages that must be left when an empty slab is given back. */
const SPARE_PAGES = 16;

const ABSENT = 0;
const PRESENT = 1;
const RETIRED = 2;

const NO_BYTES = new Uint8Array(0);
const NO_WORDS = new Int32Array(0);
const NO_DOUBLES = new Float64Array(0);

export class PagePool {
  /** The slabs as bytes, words and doubles, empty where there is none. */
  readonly bytes: Uint8Array[] = [];
  readonly words: Int32Array[] = [];
  readonly doubles: Float64Array[] = [];

  /** How many there are. */
  slabs = 0;
  pagesTaken = 0;
  /** Pages that were ever taken, of the slabs that there are. */
  pagesTouched = 0;
  /** Of slabs that are not retired. */
  private pagesFree = 0;
  /** Per slab: what it is, its pages in use, and how many were ever taken, which are the first. */
  private readonly states: number[] = [];
  private readonly taken: number[] = [];
  private readonly touched: number[] = [];
  /** Per slab the first of its pages that were given back, per page the next one. */
  private readonly heads: number[] = [];
  private next = new Int32Array(0);
  /** No slab before it has a page. */
  private firstSlab = 0;
  private isAbandoned = false;
  private readonly reclaimer: Reclaimer;

  constructor(reclaimer: Reclaimer) {
    this.reclaimer = reclaimer;
  }

  take(): number {
    const slab = this.slabWithPage();
    this.firstSlab = slab;
    this.taken[slab]++;
    this.pagesTaken++;
    this.pagesFree--;
    const head = this.heads[slab];
    if (head !== NO_PAGE) {
      this.heads[slab] = this.next[head];
      return head;
    }
    this.pagesTouched++;
    return (slab << SLAB_OF_PAGE) + this.touched[slab]++;
  }

  give(page: number): void {
    const slab = page >>> SLAB_OF_PAGE;
    this.next[page] = this.heads[slab];
    this.heads[slab] = page;
    this.pagesTaken--;
    const isRetired = this.states[slab] === RETIRED;
    if (!isRetired) {
      this.pagesFree++;
      if (slab < this.firstSlab) this.firstSlab = slab;
    }
    if (--this.taken[slab] > 0) return;
    if (isRetired || this.pagesFree >= PAGES_PER_SLAB + SPARE_PAGES) this.release(slab);
  }

  holds(slab: number): boolean {
    return this.states[slab] !== ABSENT;
  }

  retire(slab: number): void {
    this.states[slab] = RETIRED;
    this.pagesFree -= PAGES_PER_SLAB - this.taken[slab];
    if (this.taken[slab] === 0) this.release(slab);
  }

  /** Those that were retired and are not empty hand out pages again. */
  keepRetired(): void {
    for (let slab = 0; slab < this.states.length; slab++) {
      if (this.states[slab] !== RETIRED) continue;
      this.states[slab] = PRESENT;
      this.pagesFree += PAGES_PER_SLAB - this.taken[slab];
      if (slab < this.firstSlab) this.firstSlab = slab;
    }
  }

  /**
   * The arena is thrown away, though what is in it may still be read and freed. From now on its
   * slabs are the reclaimer's, whether they run empty or not.
   */
  abandon(): void {
    this.isAbandoned = true;
    for (const { buffer, length } of this.bytes) {
      if (length > 0) this.reclaimer.addLeftover(buffer);
    }
  }

  private slabWithPage(): number {
    for (let slab = this.firstSlab; slab < this.states.length; slab++) {
      if (this.states[slab] === PRESENT && this.taken[slab] < PAGES_PER_SLAB) return slab;
    }
    return this.addSlab();
  }

  private addSlab(): number {
    const absent = this.states.indexOf(ABSENT);
    const slab = absent === -1 ? this.states.length : absent;
    assert(slab < MAX_SLABS, "the arena spans at most 64 GiB");
    const buffer = this.reclaimer.takeSlab() ?? new ArrayBuffer(SLAB_BYTES);
    this.bytes[slab] = new Uint8Array(buffer);
    this.words[slab] = new Int32Array(buffer);
    this.doubles[slab] = new Float64Array(buffer);
    this.slabs++;
    this.states[slab] = PRESENT;
    this.taken[slab] = 0;
    this.touched[slab] = 0;
    this.heads[slab] = NO_PAGE;
    this.pagesFree += PAGES_PER_SLAB;
    const pages = this.states.length * PAGES_PER_SLAB;
    if (pages > this.next.length) {
      const grown = new Int32Array(Math.max(pages, this.next.length * 2));
      grown.set(this.next);
      this.next = grown;
    }
    return slab;
  }

  private release(slab: number): void {
    if (this.isAbandoned) return;
    if (this.states[slab] === PRESENT) this.pagesFree -= PAGES_PER_SLAB;
    this.pagesTouched -= this.touched[slab];
    this.reclaimer.addSlab(this.bytes[slab].buffer);
    this.slabs--;
    this.states[slab] = ABSENT;
    this.bytes[slab] = NO_BYTES;
    this.words[slab] = NO_WORDS;
    this.doubles[slab] = NO_DOUBLES;
  }
}
