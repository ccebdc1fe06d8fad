/**
 * Which arguments of a request are keys, from the command's key specifications
 * (getKeysUsingKeySpecs, db.c), for COMMAND GETKEYS and whoever guards keys.
 */
import { parseSafeInteger } from "../base/numbers.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { FIXED_WORDS, KEY_INCOMPLETE, KEY_NOT_KEY } from "./command.ts";
import type { Command, KeySpec } from "./command.ts";

export interface FoundKey {
  readonly index: number;
  /** KEY_ flags. */
  readonly flags: number;
}

/** The first, last and step that COMMAND shows, and whether they tell only part of the truth. */
export interface LegacyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly isPartial: boolean;
}

/** Keys that were found, one behind the other; made once and used for request after request. */
export class KeyPlaces {
  count = 0;
  /** Of each key, its argument. */
  indices = new Int32Array(16);
  /** Of each key, its KEY_ flags. */
  flags = new Int32Array(16);

  add(index: number, flags: number): void {
    if (this.count === this.indices.length) {
      this.indices = enlarged(this.indices);
      this.flags = enlarged(this.flags);
    }
    this.indices[this.count] = index;
    this.flags[this.count++] = flags;
  }
}

function enlarged(old: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(old.length * 2);
  larger.set(old);
  return larger;
}

/** The keys among `args`, which begin at `offset`; null where they can't be told. */
export function findKeys(command: Command, args: Arguments, offset: number): FoundKey[] | null {
  const places = new KeyPlaces();
  if (!locateKeys(command, args, offset, places)) return null;
  return Array.from({ length: places.count }, (_, i) => ({
    index: places.indices[i],
    flags: places.flags[i],
  }));
}

/** As `findKeys`, without allocating; where the keys can't be told it finds none: false. */
export function locateKeys(
  command: Command,
  args: Arguments,
  offset: number,
  found: KeyPlaces,
): boolean {
  found.count = 0;
  const { declaration, fixedKeys } = command;
  let isKnown = true;
  if (fixedKeys !== null) isKnown = locateFixed(fixedKeys, args.count, offset, found);
  else if (declaration.findKeys !== undefined) isKnown = declaration.findKeys(args, offset, found);
  else {
    for (const spec of declaration.keys ?? []) {
      if ((spec.flags & KEY_NOT_KEY) !== 0) continue;
      isKnown &&= applySpec(spec, args, offset, found);
    }
  }
  if (!isKnown) found.count = 0;
  return isKnown;
}

function locateFixed(
  fixed: Int32Array,
  argumentCount: number,
  offset: number,
  found: KeyPlaces,
): boolean {
  for (let i = 0; i < fixed.length; i += FIXED_WORDS) {
    const first = fixed[i] + offset;
    const lastKey = fixed[i + 1];
    const last = lastKey >= 0 ? first + lastKey : argumentCount + lastKey;
    if (last >= argumentCount || last < first) return false;
    const step = fixed[i + 2];
    for (let at = first; at <= last; at += step) found.add(at, fixed[i + 3]);
  }
  return true;
}

function applySpec(spec: KeySpec, args: Arguments, offset: number, found: KeyPlaces): boolean {
  const begin = beginOf(spec, args, offset);
  if (begin === null) return true;
  const { find } = spec;
  if (find === "unknown" || (spec.flags & KEY_INCOMPLETE) !== 0) return false;
  let first = begin;
  let last = begin;
  if ("lastKey" in find) {
    if (find.lastKey >= 0) last = begin + find.lastKey;
    else if (find.limit === 0) last = args.count + find.lastKey;
    else last = begin + Math.floor((args.count - begin) / find.limit + find.lastKey);
  } else {
    const at = begin + find.keyNumIndex;
    if (at >= args.count) return false;
    const count = parseSafeInteger(args.bytes, args.starts[at], args.lengths[at]);
    if (!(count > 0)) return false;
    first = begin + find.firstKey;
    last = first + (count - 1) * find.step;
  }
  if (last >= args.count || last < first) return false;
  for (let i = first; i <= last; i += find.step) found.add(i, spec.flags);
  return true;
}

/** Where the specification's keys begin; null where its keyword does not occur. */
function beginOf(spec: KeySpec, args: Arguments, offset: number): number | null {
  const { begin } = spec;
  if (begin === "unknown") return null;
  if ("index" in begin) return begin.index + offset;
  const isForward = begin.startFrom > 0;
  const start = isForward ? begin.startFrom + offset : args.count + begin.startFrom;
  const step = isForward ? 1 : -1;
  for (let i = start; i > offset && i < args.count; i += step) {
    if (args.is(i, begin.keyword)) return i + 1;
  }
  return null;
}

/** populateCommandLegacyRangeSpec, server.c. */
export function legacyRange(specs: readonly KeySpec[]): LegacyRange {
  let first = Infinity;
  let last = 0;
  let previous = 0;
  let isPartial = false;
  for (const { begin, find, flags } of specs) {
    const isRange = begin !== "unknown" && "index" in begin && find !== "unknown" && "step" in find;
    if (!isRange || !("lastKey" in find)) {
      isPartial = true;
      continue;
    }
    if ((flags & KEY_INCOMPLETE) !== 0) isPartial = true;
    const end = find.lastKey >= 0 ? find.lastKey + begin.index : find.lastKey;
    if (specs.length === 1) return { first: begin.index, last: end, step: find.step, isPartial };
    if (find.step !== 1 || (previous !== 0 && previous !== begin.index - 1)) {
      isPartial = true;
      continue;
    }
    first = Math.min(first, begin.index);
    previous = end;
    last = last < 0 || end < 0 ? Math.min(last, end) : Math.max(last, end);
  }
  if (first === Infinity) return { first: 0, last: 0, step: 0, isPartial };
  return { first, last, step: 1, isPartial };
}
