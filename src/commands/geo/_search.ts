/**
 * Searches for what lies in a circle or a box, for all commands that do. Points are found range by
 * range (values/geo-search.ts), then ordered where that is asked for, then sent or stored.
 */
import type { Call } from "../../engine/call.ts";
import { NOTIFY_ZSET } from "../../engine/key-events.ts";
import { readSortedSet, storeBuilt, temporarySortedSet } from "../../engine/typed-values.ts";
import { TYPE_ZSET } from "../../memory/entry.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { GeoRanges } from "../../values/geo-search.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";
import { replyDistance, replyPosition } from "./_arguments.ts";
import { FoundPoints } from "./_found-points.ts";
import { GeoQuery, readQuery } from "./_query.ts";
import type { SearchForm } from "./_query.ts";

const query = new GeoQuery();
const ranges = new GeoRanges();
const found = new FoundPoints();

export function search(call: Call, form: SearchForm): void {
  const set = readSortedSet(call, form.source);
  if (set === null) return;
  readQuery(call, form, set, query);
  if (call.refused()) return;
  found.clear();
  if (set.size > 0) collect(set);
  const { count, order } = query;
  const wanted = count === 0 ? found.count : Math.min(count, found.count);
  // The nearest are wanted, unless any will do.
  const isOrdered = order !== "none" || (count > 0 && !query.takesAny);
  if (isOrdered && wanted > 0) found.sort(wanted, order === "descending");
  if (query.destination === 0) replyFound(call.reply, wanted);
  else storeFound(call, wanted, form);
}

function collect(set: SortedSetValue): void {
  const { shape } = query;
  const limit = query.takesAny ? query.count : Infinity;
  ranges.cover(shape);
  for (let i = 0; i < ranges.count && found.count < limit; i++) {
    const high = ranges.highs[i];
    const rank = set.countBelow(ranges.lows[i], false);
    if (rank === set.size) continue;
    set.seek(rank);
    do {
      set.read();
      const { member, score } = set;
      if (score >= high) break;
      const distance = shape.distanceWithin(score);
      if (distance === -1) continue;
      found.add(member.bytes, member.start, member.length, score, distance);
    } while (found.count < limit && set.move(false));
  }
}

function replyFound(reply: ReplyWriter, wanted: number): void {
  const { withDistance, withHash, withPosition, shape } = query;
  const parts = 1 + Number(withDistance) + Number(withHash) + Number(withPosition);
  reply.array(wanted);
  for (let i = 0; i < wanted; i++) {
    const point = found.order[i];
    const score = found.scores[point];
    if (parts > 1) reply.array(parts);
    reply.bulk(found.bytes, found.startOf(point), found.lengthOf(point));
    if (withDistance) replyDistance(reply, found.distances[point] / shape.unitM);
    if (withHash) reply.int64(asInt64(score));
    if (withPosition) replyPosition(reply, score);
  }
}

/** As the processor converts a double: what does not fit becomes the least int64. */
function asInt64(score: number): number | bigint {
  const whole = Math.trunc(score);
  if (Number.isSafeInteger(whole)) return whole;
  return Math.abs(whole) < 2 ** 63 ? BigInt(whole) : -(2n ** 63n);
}

function storeFound(call: Call, wanted: number, form: SearchForm): void {
  const { home, value } = temporarySortedSet(call);
  value.prepare(wanted);
  for (let i = 0; i < wanted; i++) {
    const point = found.order[i];
    const score = query.storesDistance
      ? found.distances[point] / query.shape.unitM
      : found.scores[point];
    value.add(found.bytes, found.startOf(point), found.lengthOf(point), score);
  }
  const event = form.centre === "options" ? "geosearchstore" : "georadiusstore";
  storeBuilt(call, query.destination, { home, size: wanted }, TYPE_ZSET, NOTIFY_ZSET, event);
  if (wanted > 0) call.changedMany(wanted - 1);
  call.reply.integer(wanted);
}
