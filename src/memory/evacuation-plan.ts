/**
 * Which pages of an arena to empty, so that the fewest blocks are moved and the most slabs become
 * free. The fullest slabs stay, as many as all blocks need when they are packed tightly. In those,
 * a size that has more pages than it needs gives up its sparsest, for sizes that have too few.
 *
 * It is made a slab at a time, since there may be a hundred thousand pages: one pass counts, one
 * sorts the pages that stay by how full they are, and the last one has pages leave. What changes
 * meanwhile makes it a little less good, never wrong.
 */
import { PAGES_PER_SLAB } from "./_page-pool.ts";

/** Beyond what is needed, for what clients add meanwhile: one page of so many. */
const SPARE_SHARE = 64;
/** Degrees of fullness that pages are sorted by. */
const DEGREES = 16;

const COUNTING = 0;
const SORTING = 1;
const LEAVING = 2;
const MADE = 3;

/** What the plan sees and does of an arena. */
export interface ArenaPages {
  readonly slabCount: number;
  readonly classCount: number;
  holdsSlab(slab: number): boolean;
  /** Of a page that is in no use, `classCount` or more. */
  classOf(page: number): number;
  blocksIn(page: number): number;
  blocksPerPage(sizeClass: number): number;
  blockUnits(sizeClass: number): number;
  retire(slab: number): void;
  leave(page: number): void;
}

export class EvacuationPlan {
  /** Whether any slab will become free; once it is made. */
  freesSlabs = false;
  private phase = COUNTING;
  private slab = 0;
  private readonly slabCount: number;
  private readonly liveUnits: Float64Array;
  private readonly leaves: Uint8Array;
  /** By size: blocks of all slabs, pages that they need. */
  private readonly blocks: Float64Array;
  private readonly needed: Uint32Array;
  /** By size and degree: pages of slabs that stay, then how many of them leave. */
  private readonly pages: Uint32Array;
  private readonly arena: ArenaPages;

  constructor(arena: ArenaPages) {
    this.arena = arena;
    this.slabCount = arena.slabCount;
    this.liveUnits = new Float64Array(this.slabCount);
    this.leaves = new Uint8Array(this.slabCount);
    this.blocks = new Float64Array(arena.classCount);
    this.needed = new Uint32Array(arena.classCount);
    this.pages = new Uint32Array(arena.classCount * (DEGREES + 1));
  }

  /** Looks at one more slab. False once the plan is made, and its pages are leaving. */
  step(): boolean {
    if (this.phase === MADE) return false;
    if (this.slab < this.slabCount) {
      if (this.arena.holdsSlab(this.slab)) this.visit(this.slab);
      this.slab++;
      return true;
    }
    this.slab = 0;
    if (this.phase === COUNTING) this.chooseSlabs();
    else if (this.phase === SORTING) this.chooseDegrees();
    this.phase = this.freesSlabs ? this.phase + 1 : MADE;
    return this.phase !== MADE;
  }

  private visit(slab: number): void {
    const { arena, phase } = this;
    const isLeaving = this.leaves[slab] !== 0;
    if (phase === SORTING && isLeaving) return;
    if (phase === LEAVING && isLeaving) arena.retire(slab);
    const first = slab * PAGES_PER_SLAB;
    for (let page = first; page < first + PAGES_PER_SLAB; page++) {
      const sizeClass = arena.classOf(page);
      if (sizeClass >= arena.classCount) continue;
      if (phase === COUNTING) {
        this.blocks[sizeClass] += arena.blocksIn(page);
        this.liveUnits[slab] += arena.blocksIn(page) * arena.blockUnits(sizeClass);
      } else if (phase === SORTING) {
        this.pages[this.placeOf(page, sizeClass)]++;
      } else if (isLeaving || this.isSurplus(page, sizeClass)) {
        arena.leave(page);
      }
    }
  }

  private chooseSlabs(): void {
    const { arena, blocks, needed } = this;
    let pages = 0;
    let classes = 0;
    for (let sizeClass = 0; sizeClass < blocks.length; sizeClass++) {
      needed[sizeClass] = Math.ceil(blocks[sizeClass] / arena.blocksPerPage(sizeClass));
      pages += needed[sizeClass];
      if (needed[sizeClass] > 0) classes++;
    }
    const wanted = pages + Math.ceil(pages / SPARE_SHARE) + classes;
    const kept = Math.max(1, Math.ceil(wanted / PAGES_PER_SLAB));
    const slabs: number[] = [];
    for (let slab = 0; slab < this.slabCount; slab++) if (arena.holdsSlab(slab)) slabs.push(slab);
    slabs.sort((a, b) => this.liveUnits[b] - this.liveUnits[a]);
    for (const slab of slabs.slice(kept)) this.leaves[slab] = 1;
    this.freesSlabs = slabs.length > kept;
  }

  /** Of each size as many pages leave as it does not need, but for one for new blocks. */
  private chooseDegrees(): void {
    const { needed, pages } = this;
    for (let sizeClass = 0; sizeClass < needed.length; sizeClass++) {
      const first = sizeClass * (DEGREES + 1);
      let staying = 0;
      for (let degree = 0; degree <= DEGREES; degree++) staying += pages[first + degree];
      let surplus = Math.max(0, staying - needed[sizeClass] - 1);
      for (let degree = 0; degree <= DEGREES; degree++) {
        const leaving = Math.min(surplus, pages[first + degree]);
        pages[first + degree] = leaving;
        surplus -= leaving;
      }
    }
  }

  private isSurplus(page: number, sizeClass: number): boolean {
    const place = this.placeOf(page, sizeClass);
    if (this.pages[place] === 0) return false;
    this.pages[place]--;
    return true;
  }

  private placeOf(page: number, sizeClass: number): number {
    const { arena } = this;
    const fullness = arena.blocksIn(page) / arena.blocksPerPage(sizeClass);
    return sizeClass * (DEGREES + 1) + Math.floor(fullness * DEGREES);
  }
}
