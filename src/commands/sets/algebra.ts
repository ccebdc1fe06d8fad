/** Intersections, unions and differences of sets. */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_SET } from "../../engine/key-events.ts";
import { readSets, storeBuilt, temporarySet } from "../../engine/typed-values.ts";
import { TYPE_SET } from "../../memory/entry.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { MAX_AHEAD } from "../../values/set.ts";
import type { SetValue } from "../../values/set.ts";

export const sinter = command({
  name: "sinter",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members that are in all of several sets.",
  complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
  arity: -2,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1, -1)],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run: (call) => intersect(call, false),
});

export const sintercard = command({
  name: "sintercard",
  group: "set",
  since: "7.0.0",
  summary: "Counts the members that are in all of several sets.",
  complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
  arity: -3,
  flags: READONLY,
  categories: ["set"],
  keys: [countedKeys(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "limit", type: "integer", token: "LIMIT", optional: true },
  ],
  run: countIntersection,
});

export const sinterstore = command({
  name: "sinterstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members that are in all of several sets.",
  complexity: "O(N*M) where N is the size of the smallest set and M the number of sets",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["set"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1), keysAt(KEY_RO | KEY_ACCESS, 2, -1)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "key", type: "key", keySpec: 1, multiple: true },
  ],
  run: (call) => intersect(call, true),
});

export const sunion = command({
  name: "sunion",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members that are in any of several sets.",
  complexity: "O(N) where N is the number of members of all sets",
  arity: -2,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1, -1)],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run: (call) => unite(call, false),
});

export const sunionstore = command({
  name: "sunionstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members that are in any of several sets.",
  complexity: "O(N) where N is the number of members of all sets",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["set"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), keysAt(KEY_RO | KEY_ACCESS, 2, -1)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "key", type: "key", keySpec: 1, multiple: true },
  ],
  run: (call) => unite(call, true),
});

export const sdiff = command({
  name: "sdiff",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members of a set that are in none of several others.",
  complexity: "O(N) where N is the number of members of all sets",
  arity: -2,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1, -1)],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run: (call) => subtract(call, false),
});

export const sdiffstore = command({
  name: "sdiffstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members of a set that are in none of several others.",
  complexity: "O(N) where N is the number of members of all sets",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["set"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), keysAt(KEY_RO | KEY_ACCESS, 2, -1)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "key", type: "key", keySpec: 1, multiple: true },
  ],
  run: (call) => subtract(call, true),
});

function intersect(call: Call, stores: boolean): void {
  const first = stores ? 2 : 1;
  const sets = readSets(call, first, call.count - first);
  if (sets === null) return;
  if (stores) {
    const built = temporarySet(call);
    visitIntersection(sets, Infinity, ({ bytes, start, length }) => {
      built.value.add(bytes, start, length);
    });
    store(call, built, "sinterstore");
    return;
  }
  const { reply } = call;
  const mark = reply.beginDeferred();
  const found = visitIntersection(sets, Infinity, ({ bytes, start, length }) => {
    reply.bulk(bytes, start, length);
  });
  reply.endDeferredSet(mark, found);
}

function countIntersection(call: Call): void {
  const keys = Number(call.int64(1, "ERR numkeys should be greater than 0"));
  if (keys < 1) call.refuse("ERR numkeys should be greater than 0");
  if (keys > call.count - 2) {
    call.refuse("ERR Number of keys can't be greater than number of args");
  }
  if (call.refused()) return;
  let limit = 0;
  for (let i = 2 + keys; i < call.count && !call.hasProblem; i += 2) {
    if (!call.is(i, "LIMIT") || i + 1 === call.count) call.refuse(SYNTAX);
    else {
      limit = Number(call.int64(i + 1, "ERR LIMIT can't be negative"));
      if (limit < 0) call.refuse("ERR LIMIT can't be negative");
    }
  }
  if (call.refused()) return;
  const sets = readSets(call, 2, keys);
  if (sets === null) return;
  call.reply.integer(visitIntersection(sets, limit === 0 ? Infinity : limit, () => {}));
}

/** Visits up to `limit` members that all sets have; returns how many. */
function visitIntersection(
  sets: readonly SetValue[],
  limit: number,
  visit: (member: SetValue["member"]) => void,
): number {
  const [smallest, ...others] = sets.toSorted((a, b) => a.size - b.size);
  if (smallest === undefined || smallest.size === 0) return 0;
  const { member } = smallest;
  let found = 0;
  smallest.rewind();
  for (let i = 0; found < limit; i++) {
    if (i % MAX_AHEAD === 0) smallest.fetchNext(others);
    if (!smallest.next()) break;
    if (!isInAll(smallest, others)) continue;
    visit(member);
    found++;
  }
  return found;
}

function isInAll(walked: SetValue, others: readonly SetValue[]): boolean {
  const { member } = walked;
  const hash = walked.memberHash;
  for (const other of others) {
    if (!other.hasHashed(member.bytes, member.start, member.length, hash)) return false;
  }
  return true;
}

function isInAny(walked: SetValue, others: readonly SetValue[]): boolean {
  const { member } = walked;
  const hash = walked.memberHash;
  for (const other of others) {
    if (other.hasHashed(member.bytes, member.start, member.length, hash)) return true;
  }
  return false;
}

function unite(call: Call, stores: boolean): void {
  const first = stores ? 2 : 1;
  const sets = readSets(call, first, call.count - first);
  if (sets === null) return;
  const built = temporarySet(call);
  for (const set of sets) {
    if (set.size === 0) continue;
    const { member } = set;
    set.rewind();
    while (set.next()) built.value.add(member.bytes, member.start, member.length);
  }
  if (stores) store(call, built, "sunionstore");
  else replyBuilt(call, built);
}

function subtract(call: Call, stores: boolean): void {
  const first = stores ? 2 : 1;
  const sets = readSets(call, first, call.count - first);
  if (sets === null) return;
  const [from, ...others] = sets;
  const { member } = from;
  if (stores) {
    const built = temporarySet(call);
    if (from.size > 0) {
      from.rewind();
      while (from.next()) {
        if (!isInAny(from, others)) built.value.add(member.bytes, member.start, member.length);
      }
    }
    store(call, built, "sdiffstore");
    return;
  }
  const { reply } = call;
  const mark = reply.beginDeferred();
  let found = 0;
  if (from.size > 0) {
    from.rewind();
    while (from.next()) {
      if (isInAny(from, others)) continue;
      reply.bulk(member.bytes, member.start, member.length);
      found++;
    }
  }
  reply.endDeferredSet(mark, found);
}

type Built = ReturnType<typeof temporarySet>;

function replyBuilt(call: Call, { home, value }: Built): void {
  const { reply } = call;
  const { member } = value;
  reply.set(value.size);
  if (value.size > 0) {
    value.rewind();
    while (value.next()) reply.bulk(member.bytes, member.start, member.length);
  }
  home.discard();
}

function store(call: Call, { home, value }: Built, event: string): void {
  const { size } = value;
  storeBuilt(call, 1, { home, size }, TYPE_SET, NOTIFY_SET, event);
  call.reply.integer(size);
}
