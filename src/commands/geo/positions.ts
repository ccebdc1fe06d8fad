/** Positions in sorted sets (values/geohash.ts): added, read, and measured one against another. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import { NOTIFY_ZSET } from "../../engine/key-events.ts";
import { readSortedSet, writeSortedSet } from "../../engine/typed-values.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { distanceM } from "../../values/geo-distance.ts";
import {
  GEOHASH_LENGTH,
  latitudeOfScore,
  longitudeOfScore,
  scoreOfPosition,
  writeGeohash,
} from "../../values/geohash.ts";
import {
  position,
  POSITION_ARGUMENTS,
  readPosition,
  readUnit,
  replyDistance,
  replyPosition,
  UNIT_ARGUMENT,
} from "./_arguments.ts";

export const geoadd = command({
  name: "geoadd",
  group: "geo",
  since: "3.2.0",
  summary: "Adds members with their positions, or moves them.",
  complexity: "O(log(N)) for each position, where N is the size of the sorted set",
  arity: -5,
  flags: WRITE | DENYOOM,
  categories: ["geo"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  history: [["6.2.0", "Options `NX`, `XX` and `CH`."]],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "condition",
      type: "oneof",
      since: "6.2.0",
      optional: true,
      parts: [
        { name: "nx", type: "pure-token", token: "NX" },
        { name: "xx", type: "pure-token", token: "XX" },
      ],
    },
    { name: "change", type: "pure-token", token: "CH", since: "6.2.0", optional: true },
    {
      name: "longitude_latitude_member",
      type: "block",
      multiple: true,
      parts: [...POSITION_ARGUMENTS, { name: "member", type: "string" }],
    },
  ],
  run: addPositions,
});

export const geopos = command({
  name: "geopos",
  group: "geo",
  since: "3.2.0",
  summary: "Returns the positions of members.",
  complexity: "O(N) where N is the number of members asked for",
  arity: -2,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", optional: true, multiple: true },
  ],
  run: replyPositions,
});

export const geohash = command({
  name: "geohash",
  group: "geo",
  since: "3.2.0",
  summary: "Returns the positions of members as standard geohashes.",
  complexity: "O(log(N)) for each member, where N is the size of the sorted set",
  arity: -2,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", optional: true, multiple: true },
  ],
  run: replyGeohashes,
});

export const geodist = command({
  name: "geodist",
  group: "geo",
  since: "3.2.0",
  summary: "Returns the distance between two members.",
  complexity: "O(log(N))",
  arity: -4,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member1", type: "string" },
    { name: "member2", type: "string" },
    { ...UNIT_ARGUMENT, optional: true },
  ],
  run: replyDistanceBetween,
});

/** Of the positions of one GEOADD; grows with the longest. */
let scores = new Float64Array(64);

function addPositions(call: Call): void {
  let first = 2;
  let onlyNew = false;
  let onlyExisting = false;
  let countsUpdates = false;
  for (; first < call.count; first++) {
    if (call.is(first, "NX")) onlyNew = true;
    else if (call.is(first, "XX")) onlyExisting = true;
    else if (call.is(first, "CH")) countsUpdates = true;
    else break;
  }
  const { count } = call;
  if (first === count || (count - first) % 3 !== 0 || (onlyNew && onlyExisting)) {
    call.syntaxError();
    return;
  }
  const positions = (count - first) / 3;
  if (positions > scores.length) scores = new Float64Array(positions);
  for (let i = 0; i < positions && !call.hasProblem; i++) {
    readPosition(call, first + i * 3);
    scores[i] = scoreOfPosition(position.longitude, position.latitude);
  }
  if (call.refused()) return;
  const set = writeSortedSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  if (!onlyExisting && set.size === 0) set.prepare(positions);
  let added = 0;
  let updated = 0;
  for (let i = 0; i < positions; i++) {
    const member = first + i * 3 + 2;
    const known = set.scoreOf(bytes, starts[member], lengths[member]);
    if (known !== known) {
      if (onlyExisting) continue;
      set.add(bytes, starts[member], lengths[member], scores[i]);
      added++;
    } else if (known !== scores[i] && !onlyNew) {
      set.rescore(bytes, starts[member], lengths[member], scores[i]);
      updated++;
    }
  }
  if (added + updated > 0) {
    call.changed(NOTIFY_ZSET, "zadd", 1);
    call.changedMany(added + updated - 1);
  }
  call.reply.integer(countsUpdates ? added + updated : added);
}

function replyPositions(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    const score = set.scoreOf(bytes, starts[i], lengths[i]);
    if (score === score) replyPosition(call.reply, score);
    else call.reply.nullArray();
  }
}

const scratch = new Uint8Array(GEOHASH_LENGTH);

function replyGeohashes(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    const score = set.scoreOf(bytes, starts[i], lengths[i]);
    if (score === score) call.reply.bulk(scratch, 0, writeGeohash(scratch, 0, score));
    else call.reply.nil();
  }
}

function replyDistanceBetween(call: Call): void {
  const metresPerUnit = call.count === 5 ? readUnit(call, 4) : 1;
  if (call.count > 5) call.refuse(SYNTAX);
  if (call.refused()) return;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  const from = set.scoreOf(bytes, starts[2], lengths[2]);
  const to = set.scoreOf(bytes, starts[3], lengths[3]);
  if (from !== from || to !== to) {
    call.reply.nil();
    return;
  }
  const distance = distanceM(
    longitudeOfScore(from),
    latitudeOfScore(from),
    longitudeOfScore(to),
    latitudeOfScore(to),
  );
  replyDistance(call.reply, distance / metresPerUnit);
}
