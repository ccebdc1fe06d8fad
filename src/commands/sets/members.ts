/** Sets, member by member. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RO,
  KEY_RW,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_SET } from "../../engine/key-events.ts";
import { cursorAt, replyScan } from "../../engine/scan-options.ts";
import { OTHER, readSet, removeEmptied, writeSet } from "../../engine/typed-values.ts";

export const sadd = command({
  name: "sadd",
  group: "set",
  since: "1.0.0",
  summary: "Adds members to a set, making it where there is none.",
  complexity: "O(1) for each member",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["set"],
  history: [["2.4.0", "Accepts multiple `member` arguments."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", multiple: true },
  ],
  run: addMembers,
});

export const srem = command({
  name: "srem",
  group: "set",
  since: "1.0.0",
  summary: "Removes members of a set, and the set with its last member.",
  complexity: "O(N) where N is the number of members to be removed",
  arity: -3,
  flags: WRITE | FAST,
  categories: ["set"],
  history: [["2.4.0", "Accepts multiple `member` arguments."]],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", multiple: true },
  ],
  run: removeMembers,
});

export const smembers = command({
  name: "smembers",
  group: "set",
  since: "1.0.0",
  summary: "Returns all members of a set.",
  complexity: "O(N) where N is the size of the set",
  arity: 2,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replyMembers,
});

export const sismember = command({
  name: "sismember",
  group: "set",
  since: "1.0.0",
  summary: "Tells whether a set has a member.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["set"],
  keys: [keysAt(KEY_RO, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string" },
  ],
  run: replyIsMember,
});

export const smismember = command({
  name: "smismember",
  group: "set",
  since: "6.2.0",
  summary: "Tells which of several members a set has.",
  complexity: "O(N) where N is the number of members asked for",
  arity: -3,
  flags: READONLY | FAST,
  categories: ["set"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", multiple: true },
  ],
  run: replyAreMembers,
});

export const scard = command({
  name: "scard",
  group: "set",
  since: "1.0.0",
  summary: "Returns how many members a set has.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["set"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replySize,
});

export const smove = command({
  name: "smove",
  group: "set",
  since: "1.0.0",
  summary: "Moves a member from one set to another.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | FAST,
  categories: ["set"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "source", type: "key", keySpec: 0 },
    { name: "destination", type: "key", keySpec: 1 },
    { name: "member", type: "string" },
  ],
  run: moveMember,
});

export const sscan = command({
  name: "sscan",
  group: "set",
  since: "2.8.0",
  summary: "Returns some members of a set and a cursor to go on from.",
  complexity: "O(1) for every call. O(N) for a complete iteration",
  arity: -3,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: scanMembers,
});

function addMembers(call: Call): void {
  const set = writeSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  const { count } = call;
  if (count > 3) set.prepare(count - 2, bytes, starts[2], lengths[2]);
  let added = 0;
  for (let i = 2; i < count; i++) if (set.add(bytes, starts[i], lengths[i])) added++;
  if (added > 0) {
    call.changed(NOTIFY_SET, "sadd", 1);
    call.changedMany(added - 1);
  }
  call.reply.integer(added);
}

function removeMembers(call: Call): void {
  const set = writeSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  let removed = 0;
  for (let i = 2; i < call.count && set.size > 0; i++) {
    if (set.remove(bytes, starts[i], lengths[i])) removed++;
  }
  if (removed > 0) {
    call.changed(NOTIFY_SET, "srem", 1);
    call.changedMany(removed - 1);
    removeEmptied(call, set, 1);
  }
  call.reply.integer(removed);
}

function replyMembers(call: Call): void {
  const set = readSet(call, 1);
  if (set === null) return;
  const { reply } = call;
  const { member } = set;
  reply.set(set.size);
  if (set.size === 0) return;
  set.rewind();
  while (set.next()) reply.bulk(member.bytes, member.start, member.length);
}

function replyIsMember(call: Call): void {
  const set = readSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.integer(set.has(bytes, starts[2], lengths[2]) ? 1 : 0);
}

function replyAreMembers(call: Call): void {
  const set = readSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    call.reply.integer(set.has(bytes, starts[i], lengths[i]) ? 1 : 0);
  }
}

function replySize(call: Call): void {
  const set = readSet(call, 1);
  if (set !== null) call.reply.integer(set.size);
}

function moveMember(call: Call): void {
  const { args, reply } = call;
  const { bytes, starts, lengths } = args;
  const source = writeSet(call, 1);
  if (source === null) return;
  if (!source.home.exists) {
    reply.integer(0);
    return;
  }
  const isSame = args.areEqual(1, 2);
  const target = isSame ? source : writeSet(call, 2, OTHER);
  if (target === null) return;
  if (isSame) {
    reply.integer(source.has(bytes, starts[3], lengths[3]) ? 1 : 0);
    return;
  }
  if (!source.remove(bytes, starts[3], lengths[3])) {
    reply.integer(0);
    return;
  }
  call.changed(NOTIFY_SET, "srem", 1);
  removeEmptied(call, source, 1);
  if (target.add(bytes, starts[3], lengths[3])) call.changed(NOTIFY_SET, "sadd", 2);
  reply.integer(1);
}

function scanMembers(call: Call): void {
  const { reply } = call;
  const cursor = cursorAt(call, 2);
  if (call.refused()) return;
  const set = readSet(call, 1);
  if (set === null) return;
  const { member } = set;
  replyScan(call, cursor, set, member, 1, () => {
    reply.bulk(member.bytes, member.start, member.length);
  });
}
