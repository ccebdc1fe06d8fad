/** Random members of a set. */
import {
  command,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_RO,
  KEY_RW,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import { NOTIFY_GENERIC, NOTIFY_SET } from "../../engine/key-events.ts";
import { readSet, removeEmptied, writeSet } from "../../engine/typed-values.ts";
import { drawDistinct } from "../../engine/random-draw.ts";
import { NOT_POSITIVE, rangeProblem } from "../../protocol/errors.ts";
import { ByteCopy } from "../../base/bytes.ts";
import type { SetValue } from "../../values/set.ts";

export const spop = command({
  name: "spop",
  group: "set",
  since: "1.0.0",
  summary: "Removes and returns random members of a set.",
  complexity: "O(N) where N is the number of members returned",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["set"],
  tips: ["nondeterministic_output"],
  history: [["3.2.0", "Added the `count` argument."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", since: "3.2.0", optional: true },
  ],
  run: popMembers,
});

export const srandmember = command({
  name: "srandmember",
  group: "set",
  since: "1.0.0",
  summary: "Returns random members of a set.",
  complexity: "O(N) where N is the number of members returned",
  arity: -2,
  flags: READONLY,
  categories: ["set"],
  tips: ["nondeterministic_output"],
  history: [["2.6.0", "Added the optional `count` argument."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", since: "2.6.0", optional: true },
  ],
  run: randomMembers,
});

const MAX_COUNT = 2n ** 63n - 1n;
/** Members in one SREM of what a pop propagates. */
const EFFECT_MEMBERS = 1024;
/** Where fewer than one in so many members are wanted, picking beats walking. */
const PICKED_PART = 3;

const popped = new ByteCopy();

function popMembers(call: Call): void {
  if (call.count > 3) {
    call.syntaxError();
    return;
  }
  if (call.count === 3) {
    popSeveral(call);
    return;
  }
  const set = writeSet(call, 1);
  if (set === null) return;
  if (!set.home.exists) {
    call.reply.nil();
    return;
  }
  popOne(call, set);
  call.reply.bulk(popped.bytes, 0, popped.length);
  call.changed(NOTIFY_SET, "spop", 1);
  removeEmptied(call, set, 1);
  const effects = call.instead();
  beginRemoval(call, effects, 1);
  effects.range(popped.bytes, 0, popped.length);
}

/** Removes a random member; it is in `popped`. */
function popOne(call: Call, set: SetValue): void {
  set.pick(call.engine.context.randomWord);
  const { member } = set;
  popped.set(member.bytes, member.start, member.length);
  set.remove(popped.bytes, 0, popped.length);
}

function beginRemoval(call: Call, effects: Effects, members: number): void {
  effects.begin(call.database.index, 2 + members);
  effects.word("SREM");
  effects.argument(call.args, 1);
}

function popSeveral(call: Call): void {
  const { reply } = call;
  const wanted = call.int64(2, NOT_POSITIVE);
  if (wanted < 0) call.refuse(NOT_POSITIVE);
  if (call.refused()) return;
  const set = writeSet(call, 1);
  if (set === null) return;
  if (!set.home.exists || wanted === 0) {
    reply.set(0);
    return;
  }
  const count = Math.min(Number(wanted), set.size);
  reply.set(count);
  if (count === set.size) popAll(call, set);
  else popSome(call, set, count);
}

function popAll(call: Call, set: SetValue): void {
  const { member, size } = set;
  set.rewind();
  while (set.next()) call.reply.bulk(member.bytes, member.start, member.length);
  set.home.remove();
  call.changed(NOTIFY_SET, "spop", 1);
  call.changedMany(size - 1);
  call.alsoHappened(NOTIFY_GENERIC, "del", 1);
  const effects = call.instead();
  effects.begin(call.database.index, 2);
  effects.word("DEL");
  effects.argument(call.args, 1);
}

function popSome(call: Call, set: SetValue, count: number): void {
  const effects = call.instead();
  for (let i = 0; i < count; i++) {
    if (i % EFFECT_MEMBERS === 0) beginRemoval(call, effects, Math.min(EFFECT_MEMBERS, count - i));
    popOne(call, set);
    call.reply.bulk(popped.bytes, 0, popped.length);
    effects.range(popped.bytes, 0, popped.length);
  }
  call.changed(NOTIFY_SET, "spop", 1);
  call.changedMany(count - 1);
}

function randomMembers(call: Call): void {
  const { reply } = call;
  if (call.count > 3) {
    call.syntaxError();
    return;
  }
  if (call.count === 2) {
    const set = readSet(call, 1);
    if (set === null) return;
    if (set.home.exists) {
      set.pick(call.engine.context.randomWord);
      reply.bulk(set.member.bytes, set.member.start, set.member.length);
    } else {
      reply.nil();
    }
    return;
  }
  const wanted = call.int64(2);
  if (wanted < -MAX_COUNT) call.refuse(rangeProblem(-MAX_COUNT, MAX_COUNT));
  if (call.refused()) return;
  const set = readSet(call, 1);
  if (set === null) return;
  const count = Number(wanted);
  if (set.size === 0 || count === 0) reply.array(0);
  else if (count < 0) replyRepeated(call, set, -count);
  else replyDistinct(call, set, count);
}

/** Members may come several times. */
function replyRepeated(call: Call, set: SetValue, count: number): void {
  const { reply } = call;
  const { member } = set;
  reply.array(count);
  for (let i = 0; i < count && !reply.hasOverflowed; i++) {
    set.pick(call.engine.context.randomWord);
    reply.bulk(member.bytes, member.start, member.length);
  }
}

function replyDistinct(call: Call, set: SetValue, count: number): void {
  const { reply } = call;
  const { member, size } = set;
  const sent = Math.min(count, size);
  reply.array(sent);
  if (set.isPacked || sent * PICKED_PART > size) {
    const chosen = drawDistinct(size, sent, call.engine.random);
    set.rewind();
    for (let index = 0; set.next(); index++) {
      if (chosen.has(index)) reply.bulk(member.bytes, member.start, member.length);
    }
    return;
  }
  const picked = new Set<number>();
  while (picked.size < sent) {
    const identity = set.pick(call.engine.context.randomWord);
    if (picked.has(identity)) continue;
    picked.add(identity);
    reply.bulk(member.bytes, member.start, member.length);
  }
}
