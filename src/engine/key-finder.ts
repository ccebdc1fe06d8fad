/**
 * Which arguments of a request are keys, from the command's key specifications
 * (getKeysUsingKeySpecs, db.c), for COMMAND GETKEYS and whoever guards keys.
 */
import { parseSafeInteger } from "../base/numbers.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { KEY_INCOMPLETE, KEY_NOT_KEY } from "./command.ts";
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

/** The keys among `args`, which begin at `offset`; null where they can't be told. */
export function findKeys(command: Command, args: Arguments, offset: number): FoundKey[] | null {
  const { declaration } = command;
  if (declaration.findKeys !== undefined) return declaration.findKeys(args, offset);
  const found: FoundKey[] = [];
  for (const spec of declaration.keys ?? []) {
    if ((spec.flags & KEY_NOT_KEY) !== 0) continue;
    if (!applySpec(spec, args, offset, found)) return null;
  }
  return found;
}

function applySpec(spec: KeySpec, args: Arguments, offset: number, found: FoundKey[]): boolean {
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
  for (let i = first; i <= last; i += find.step) found.push({ index: i, flags: spec.flags });
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
