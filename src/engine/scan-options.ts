/** What SCAN and its kin for collections share: cursor, options and the kin's whole reply. */
import { matchGlob } from "../base/glob.ts";
import { INVALID_CURSOR, SYNTAX } from "../protocol/errors.ts";
import type { Call } from "./call.ts";

const DEFAULT_COUNT = 10;
const MAX_CURSOR = 2n ** 64n - 1n;
const ASTERISK = 42;
/** Cursors are positions in the space of 32-bit hashes. */
export const LAST_HASH = 0xffffffffn;
/** Home slots visited for each item that is asked for, at most. */
const HOMES_PER_ITEM = 10;

/** A range of bytes: a key or a member. */
export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

export class ScanOptions {
  count = DEFAULT_COUNT;
  /** SCAN's TYPE, in lower case. */
  type: string | null = null;
  matches: (name: ByteRange) => boolean = () => true;
}

/** The options from argument `first` on; a problem is noted on the call. */
export function readScanOptions(call: Call, first: number, knowsType: boolean): ScanOptions {
  const options = new ScanOptions();
  for (let i = first; i < call.count; i += 2) {
    if (i + 1 === call.count) call.refuse(SYNTAX);
    else if (call.is(i, "COUNT")) {
      options.count = Number(call.int64(i + 1));
      if (options.count < 1) call.refuse(SYNTAX);
    } else if (call.is(i, "MATCH")) options.matches = matcher(call, i + 1);
    else if (knowsType && call.is(i, "TYPE")) options.type = call.text(i + 1).toLowerCase();
    else call.refuse(SYNTAX);
    if (call.hasProblem) break;
  }
  return options;
}

/** Whether a name matches the pattern in argument `index`; a lone asterisk matches all. */
export function matcher(call: Call, index: number): (name: ByteRange) => boolean {
  const { bytes, starts, lengths } = call.args;
  const start = starts[index];
  const length = lengths[index];
  if (length === 1 && bytes[start] === ASTERISK) return () => true;
  return (name) => matchGlob(bytes, start, length, name.bytes, name.start, name.length, false);
}

/** A cursor as strtoul(3) reads it: digits with an optional sign, up to 64 bits, up to a NUL. */
export function cursorAt(call: Call, index: number): bigint {
  const [text] = call.text(index).split("\0", 1);
  if (text === "") return 0n;
  if (!/^[+-]?\d+$/.test(text)) {
    call.refuse(INVALID_CURSOR);
    return 0n;
  }
  const value = BigInt(text.replace(/^[+-]/, ""));
  if (value > MAX_CURSOR) call.refuse(INVALID_CURSOR);
  return text.startsWith("-") ? BigInt.asUintN(64, -value) : value;
}

/**
 * Scans from the cursor until `wanted` items were found, a limit of work was reached or all is
 * done. `step` scans some home slots and returns the next cursor; `found` counts the items.
 */
export function scanSteps(
  cursor: bigint,
  wanted: number,
  found: () => number,
  step: (cursor: number, homes: number) => number,
): number {
  if (cursor > LAST_HASH) return 0;
  let next = Number(cursor);
  let homesLeft = wanted * HOMES_PER_ITEM;
  do {
    const homes = Math.min(wanted - found(), homesLeft);
    next = step(next, homes);
    homesLeft -= homes;
  } while (next !== 0 && found() < wanted && homesLeft > 0);
  return next;
}

/** A collection that HSCAN, SSCAN or ZSCAN walks. */
interface Scannable {
  readonly size: number;
  /** A packed one is sent whole, whatever the cursor. */
  readonly isPacked: boolean;
  scan(cursor: number, homes: number, visit: () => void): number;
}

/**
 * Replies to HSCAN, SSCAN or ZSCAN, whose options begin at argument 3. `name` is the view that
 * `scan` points at each item and MATCH is held against; `send` replies with the item, as
 * `itemReplies` replies. Options are not looked at where there is nothing to scan, as in Redis.
 */
export function replyScan(
  call: Call,
  cursor: bigint,
  collection: Scannable,
  name: ByteRange,
  itemReplies: number,
  send: () => void,
): void {
  const { reply } = call;
  if (collection.size === 0) {
    reply.array(2);
    reply.bulkInteger(0);
    reply.array(0);
    return;
  }
  const { count, matches } = readScanOptions(call, 3, false);
  if (call.refused()) return;
  reply.array(2);
  const mark = reply.beginDeferred();
  let found = 0;
  let sent = 0;
  const visit = (): void => {
    found++;
    if (!matches(name)) return;
    send();
    sent++;
  };
  const next = scanSteps(
    collection.isPacked ? 0n : cursor,
    count,
    () => found,
    (from, homes) => collection.scan(from, homes, visit),
  );
  reply.endDeferred(mark, sent * itemReplies);
  reply.insertBulkInteger(mark, next);
}
