/**
 * Which pages of an arena to empty, so that the fewest blocks are moved and the most slabs become
 * free. The fullest slabs stay, as many as all blocks need when they are packed tightly. In those,
 * a size that has more pages than it needs gives up its sparsest, for sizes that have too few.
 */
import { PAGES_PER_SLAB } from "./_page-pool.ts";

/** Beyond what is needed, for what clients add meanwhile: one page of so many. */
const SPARE_SHARE = 64;

/** The most blocks that a page holds. */
const MAX_LIVE = 4096;

export interface ArenaPages {
  readonly pageCount: number;
  /** Of a page that is in no use it is beyond `classUnits`. */
  readonly pageClass: Uint8Array;
  readonly pageLive: Uint16Array;
  readonly classUnits: Uint16Array;
  readonly pageUnits: number;
  readonly holdsSlab: (slab: number) => boolean;
}

export interface EvacuationPlan {
  readonly slabs: readonly number[];
  /** The pages in use of these slabs, and some of others. */
  readonly pages: readonly number[];
}

/** Null where no slab would become free. */
export function planEvacuation(arena: ArenaPages): EvacuationPlan | null {
  const { pageClass, pageLive, classUnits } = arena;
  const liveOf = new Float64Array(classUnits.length);
  const slabs = slabsOf(arena);
  for (const { first } of slabs) {
    for (let page = first; page < first + PAGES_PER_SLAB; page++) {
      if (pageClass[page] < classUnits.length) liveOf[pageClass[page]] += pageLive[page];
    }
  }
  const needed = liveOf.map((live, sizeClass) => Math.ceil(live / blocksPerPage(arena, sizeClass)));
  let pages = 0;
  let classes = 0;
  for (const count of needed) {
    pages += count;
    if (count > 0) classes++;
  }
  const wanted = pages + Math.ceil(pages / SPARE_SHARE) + classes;
  const kept = Math.max(1, Math.ceil(wanted / PAGES_PER_SLAB));
  if (kept >= slabs.length) return null;
  slabs.sort((a, b) => b.liveUnits - a.liveUnits);
  const leaving: number[] = [];
  for (const { first } of slabs.slice(kept)) {
    for (let page = first; page < first + PAGES_PER_SLAB; page++) {
      if (pageClass[page] < classUnits.length) leaving.push(page);
    }
  }
  addSurplus(arena, slabs.slice(0, kept), needed, leaving);
  return { slabs: slabs.slice(kept).map(({ first }) => first / PAGES_PER_SLAB), pages: leaving };
}

interface Slab {
  /** Its first page. */
  readonly first: number;
  readonly liveUnits: number;
}

function slabsOf({ pageCount, pageClass, pageLive, classUnits, holdsSlab }: ArenaPages): Slab[] {
  const slabs: Slab[] = [];
  for (let first = 0; first < pageCount; first += PAGES_PER_SLAB) {
    if (!holdsSlab(first / PAGES_PER_SLAB)) continue;
    let liveUnits = 0;
    for (let page = first; page < first + PAGES_PER_SLAB; page++) {
      const sizeClass = pageClass[page];
      if (sizeClass < classUnits.length) liveUnits += pageLive[page] * classUnits[sizeClass];
    }
    slabs.push({ first, liveUnits });
  }
  return slabs;
}

/** In the slabs that stay: what a size has more of than it needs, and one page for new blocks. */
function addSurplus(
  { pageClass, pageLive, classUnits }: ArenaPages,
  slabs: readonly Slab[],
  needed: Float64Array,
  leaving: number[],
): void {
  const pagesOf: number[][] = Array.from(classUnits, () => []);
  for (const { first } of slabs) {
    for (let page = first; page < first + PAGES_PER_SLAB; page++) {
      if (pageClass[page] < classUnits.length) pagesOf[pageClass[page]].push(page);
    }
  }
  for (const [sizeClass, pages] of pagesOf.entries()) {
    const surplus = pages.length - needed[sizeClass] - 1;
    if (surplus > 0) addSparsest(pages, surplus, pageLive, leaving);
  }
}

/** By counting: there may be a hundred thousand pages, and clients wait. */
function addSparsest(
  pages: readonly number[],
  count: number,
  pageLive: Uint16Array,
  into: number[],
): void {
  const pagesWith = new Uint32Array(MAX_LIVE + 1);
  for (const page of pages) pagesWith[pageLive[page]]++;
  let limit = 0;
  let below = 0;
  while (below + pagesWith[limit] < count) below += pagesWith[limit++];
  let atLimit = count - below;
  for (const page of pages) {
    const live = pageLive[page];
    if (live < limit || (live === limit && atLimit-- > 0)) into.push(page);
  }
}

function blocksPerPage({ classUnits, pageUnits }: ArenaPages, sizeClass: number): number {
  return Math.floor(pageUnits / classUnits[sizeClass]);
}
