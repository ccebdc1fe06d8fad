/**
 * Random commands on streams and their groups, for servers that must answer alike: no ID and no
 * reply follows from the clock. IDs mostly grow, so that entries are added.
 */
import type { Random } from "../support/random.ts";
import { type Entry, keyOf, maybe, some, text } from "./_words.ts";

const stream = keyOf("e");
const group = (r: Random): string => `g${r.below(3)}`;
const consumer = (r: Random): string => `c${r.below(3)}`;

let newestMs = 1;

/** The ID of an entry to add. */
function newId(r: Random): string {
  newestMs += r.chance(0.3) ? 1 : 0;
  const kind = r.below(100);
  if (kind < 60) return `${newestMs}-*`;
  if (kind < 90) return `${newestMs}-${r.below(1000)}`;
  if (kind < 95) return `${++newestMs}`;
  return r.pick(["0-0", "0-1", "5", "x", "1-x", "-1", "01-1", "18446744073709551615-*"]);
}

/** The ID of an entry that may be there. */
function oldId(r: Random): string {
  if (r.chance(0.02)) return r.pick(["x", "1-", "0", "18446744073709551615"]);
  const ms = Math.max(0, newestMs - r.below(r.pick([2, 10, 100])));
  return r.chance(0.3) ? String(ms) : `${ms}-${r.below(r.pick([2, 1000]))}`;
}

const ids = (r: Random, most: number): string[] =>
  Array.from({ length: r.between(1, most) }, () => oldId(r));
const start = (r: Random): string => (r.chance(0.4) ? "-" : (r.chance(0.2) ? "(" : "") + oldId(r));
const end = (r: Random): string => (r.chance(0.4) ? "+" : (r.chance(0.2) ? "(" : "") + oldId(r));
const count = (r: Random): string[] => maybe(r, "COUNT", String(r.between(-1, 12)));

function trimming(r: Random): string[] {
  const strategy = r.pick(["MAXLEN", "MINID"]);
  const threshold = strategy === "MAXLEN" ? String(r.below(150)) : oldId(r);
  const how = r.pick([[], ["="], ["~"], ["~"]]);
  const limit = r.chance(0.2) ? ["LIMIT", String(r.between(-1, 300))] : [];
  return [strategy, ...how, threshold, ...limit];
}

const fields = (r: Random): string[] => {
  const names = r.chance(0.7) ? ["a", "b"] : some(r, 4);
  return names.flatMap((name) => [name, text(r)]);
};

export const STREAMS: Entry[] = [
  [
    12,
    (r) => [
      "XADD",
      stream(r),
      ...(r.chance(0.1) ? ["NOMKSTREAM"] : []),
      ...(r.chance(0.25) ? trimming(r) : []),
      newId(r),
      ...fields(r),
    ],
  ],
  [0.3, (r) => ["XADD", stream(r), newId(r), ...some(r, 3)]],
  [1, (r) => ["XLEN", stream(r)]],
  [2, (r) => ["XRANGE", stream(r), start(r), end(r), ...count(r)]],
  [2, (r) => ["XREVRANGE", stream(r), end(r), start(r), ...count(r)]],
  [4, (r) => ["XDEL", stream(r), ...ids(r, 6)]],
  [2, (r) => ["XTRIM", stream(r), ...trimming(r)]],
  [0.3, (r) => ["XSETID", stream(r), oldId(r)]],
  [2, (r) => ["XREAD", ...count(r), "STREAMS", stream(r), stream(r), oldId(r), oldId(r)]],
  [0.5, (r) => ["XREAD", "BLOCK", "1", "STREAMS", stream(r), "$"]],
  [2, (r) => ["XGROUP", "CREATE", stream(r), group(r), r.pick(["$", "0", oldId(r)]), "MKSTREAM"]],
  [0.5, (r) => ["XGROUP", "SETID", stream(r), group(r), r.pick(["$", "0", oldId(r)])]],
  [0.3, (r) => ["XGROUP", "DESTROY", stream(r), group(r)]],
  [1, (r) => ["XGROUP", "CREATECONSUMER", stream(r), group(r), consumer(r)], "anything"],
  [0.5, (r) => ["XGROUP", "DELCONSUMER", stream(r), group(r), consumer(r)]],
  [
    8,
    (r) => [
      "XREADGROUP",
      "GROUP",
      group(r),
      consumer(r),
      ...count(r),
      ...(r.chance(0.1) ? ["NOACK"] : []),
      "STREAMS",
      stream(r),
      r.chance(0.8) ? ">" : oldId(r),
    ],
  ],
  [4, (r) => ["XACK", stream(r), group(r), ...ids(r, 8)]],
  [2, (r) => ["XPENDING", stream(r), group(r)]],
  [
    1,
    (r) => ["XPENDING", stream(r), group(r), start(r), end(r), r.below(20), ...maybe(r, "c1")],
    "pending",
  ],
  [
    3,
    (r) => [
      "XCLAIM",
      stream(r),
      group(r),
      consumer(r),
      "0",
      ...ids(r, 5),
      ...maybe(r, r.pick(["FORCE", "JUSTID"])),
      ...(r.chance(0.2) ? ["RETRYCOUNT", String(r.below(9))] : []),
      ...(r.chance(0.1) ? ["LASTID", oldId(r)] : []),
    ],
  ],
  [
    2,
    (r) => [
      "XAUTOCLAIM",
      stream(r),
      group(r),
      consumer(r),
      "0",
      r.pick(["-", oldId(r)]),
      ...count(r),
      ...(r.chance(0.2) ? ["JUSTID"] : []),
    ],
  ],
  [1, (r) => ["XINFO", "GROUPS", stream(r)], "groups"],
  [0.5, (r) => ["XINFO", "STREAM", stream(r)]],
];
