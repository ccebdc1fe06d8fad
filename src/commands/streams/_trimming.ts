/** MAXLEN, MINID and LIMIT: how XADD and XTRIM shorten a stream. */
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import {
  SYNTAX,
  TRIM_LENGTH_NEGATIVE,
  TRIM_LIMIT_ALONE,
  TRIM_LIMIT_EXACT,
  TRIM_LIMIT_NEGATIVE,
  TRIM_MISSING,
  TRIM_TWICE,
} from "../../protocol/errors.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { propagateId, readId, readNewId } from "./_ids.ts";

export const NO_TRIM = 0;
const TO_LENGTH = 1;
const TO_ID = 2;

/** What names the new entry's ID. */
export const AUTO_ID = 0;
export const AUTO_SEQUENCE = 1;
export const GIVEN_ID = 2;

const NO_LIMIT = -1;
const NODES_AT_ONCE = 100;
const MAX_DEFAULT_LIMIT = 1000000;
const DEFAULT_LIMIT_WITHOUT_NODES = 10000;
const STAR = 42;
const TILDE = 126;
const EQUALS = 61;

const edge = new StreamId();

/** The options of one XADD or XTRIM; read anew for each. */
export class TrimOptions {
  strategy = NO_TRIM;
  isApproximate = false;
  /** Entries that may be removed, 0: any number. */
  limit = 0;
  private thresholdIndex = 0;
  private maxLength = 0;
  private readonly minId = new StreamId();
  makesStream = true;
  idKind = AUTO_ID;
  readonly id = new StreamId();
  /** The argument that is the new entry's ID. */
  idIndex = 0;

  /** Reads all up to the new entry's ID (XADD), or all (XTRIM); what is wrong is refused. */
  read(call: Call, hasEntry: boolean): void {
    this.strategy = NO_TRIM;
    this.isApproximate = false;
    this.limit = NO_LIMIT;
    this.makesStream = true;
    this.idKind = AUTO_ID;
    let i = 2;
    for (; i < call.count; i++) {
      if (hasEntry && isByte(call, i, STAR)) break;
      const hasMore = i + 1 < call.count;
      if (hasMore && call.is(i, "MAXLEN")) i = this.readThreshold(call, i + 1, TO_LENGTH);
      else if (hasMore && call.is(i, "MINID")) i = this.readThreshold(call, i + 1, TO_ID);
      else if (hasMore && call.is(i, "LIMIT")) this.readLimit(call, ++i);
      else if (hasEntry && call.is(i, "NOMKSTREAM")) this.makesStream = false;
      else if (hasEntry) {
        this.idKind = readNewId(call, i, this.id) ? AUTO_SEQUENCE : GIVEN_ID;
        break;
      } else call.refuse(SYNTAX);
      if (call.hasProblem) return;
    }
    this.idIndex = i;
    if (!call.hasProblem) this.check(call, hasEntry);
  }

  /** Shortens the stream; returns how many entries went. */
  apply(stream: Stream): number {
    const { isApproximate, limit } = this;
    if (this.strategy === TO_LENGTH) {
      return stream.trimToLength(this.maxLength, isApproximate, limit);
    }
    return stream.trimToId(this.minId, isApproximate, limit);
  }

  /**
   * Writes argument `index`; of an approximate trim the two that make it an exact one to what the
   * stream is now, since where nodes are cut is not to matter to who repeats it. LIMIT stays,
   * as in Redis: for who repeats it, it says nothing.
   */
  propagate(call: Call, effects: Effects, stream: Stream, index: number): void {
    if (!this.isApproximate || index < this.thresholdIndex - 1 || index > this.thresholdIndex) {
      effects.argument(call.args, index);
    } else if (index < this.thresholdIndex) effects.word("=");
    else if (this.strategy === TO_LENGTH) effects.integer(stream.length);
    else {
      stream.readEdgeId(edge);
      propagateId(effects, edge);
    }
  }

  /** Reads `[~|=] threshold` from argument `index` on; returns where it ends. */
  private readThreshold(call: Call, index: number, strategy: number): number {
    if (this.strategy !== NO_TRIM) {
      call.refuse(TRIM_TWICE);
      return index;
    }
    const hasMore = index + 1 < call.count;
    this.isApproximate = hasMore && isByte(call, index, TILDE);
    const at = this.isApproximate || (hasMore && isByte(call, index, EQUALS)) ? index + 1 : index;
    if (strategy === TO_LENGTH) {
      this.maxLength = Number(call.int64(at));
      if (this.maxLength < 0) call.refuse(TRIM_LENGTH_NEGATIVE);
    } else {
      readId(call, at, this.minId);
    }
    this.strategy = strategy;
    this.thresholdIndex = at;
    return at;
  }

  private readLimit(call: Call, index: number): void {
    this.limit = Number(call.int64(index));
    if (this.limit < 0) call.refuse(TRIM_LIMIT_NEGATIVE);
  }

  private check(call: Call, hasEntry: boolean): void {
    const hasLimit = this.limit !== NO_LIMIT;
    if (this.limit > 0 && this.strategy === NO_TRIM) call.refuse(TRIM_LIMIT_ALONE);
    else if (!hasEntry && this.strategy === NO_TRIM) call.refuse(TRIM_MISSING);
    else if (call.isRepeated) this.limit = 0;
    else if (hasLimit && !this.isApproximate) call.refuse(TRIM_LIMIT_EXACT);
    else if (!hasLimit) this.limit = this.isApproximate ? defaultLimit(call) : 0;
  }
}

/** A hundred nodes, so that no request takes long. */
function defaultLimit(call: Call): number {
  const limit = NODES_AT_ONCE * call.engine.values.streamLimits.maxNodeEntries;
  return limit <= 0 ? DEFAULT_LIMIT_WITHOUT_NODES : Math.min(limit, MAX_DEFAULT_LIMIT);
}

function isByte(call: Call, index: number, byte: number): boolean {
  const { bytes, starts, lengths } = call.args;
  return lengths[index] === 1 && bytes[starts[index]] === byte;
}
