/** XCLAIM and XAUTOCLAIM: pending entries become those of another consumer. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  FAST,
  KEY_DELETE,
  KEY_RW,
  KEY_UPDATE,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import { readStreamToEdit, streamOf } from "../../engine/typed-values.ts";
import {
  badClaimOption,
  CLAIM_COUNT_NOT_POSITIVE,
  noKeyOrGroup,
  SYNTAX,
  unknownClaimOption,
} from "../../protocol/errors.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import { oneMore } from "../../values/stream.ts";
import type { Counter, Stream, StreamValue } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { parseStreamId, SEQUENCE_FIRST, StreamId } from "../../values/stream-id.ts";
import { replyEntry } from "./_entries.ts";
import {
  addConsumer,
  findConsumer,
  findGroup,
  IdList,
  propagateConsumer,
  propagatePending,
  propagateProgress,
} from "./_groups.ts";
import { readId, readRangeStart, replyId } from "./_ids.ts";

export const xclaim = command({
  name: "xclaim",
  group: "stream",
  since: "5.0.0",
  summary: "Makes pending entries those of another consumer.",
  complexity: "O(N) where N is the number of IDs",
  arity: -6,
  flags: WRITE | FAST,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
    { name: "consumer", type: "string" },
    { name: "min-idle-time", type: "string" },
    { name: "id", type: "string", multiple: true },
    { name: "ms", type: "integer", token: "IDLE", optional: true },
    { name: "unix-time-milliseconds", type: "unix-time", token: "TIME", optional: true },
    { name: "count", type: "integer", token: "RETRYCOUNT", optional: true },
    { name: "force", type: "pure-token", token: "FORCE", optional: true },
    { name: "justid", type: "pure-token", token: "JUSTID", optional: true },
    { name: "lastid", type: "string", token: "LASTID", optional: true },
  ],
  run: claim,
});

export const xautoclaim = command({
  name: "xautoclaim",
  group: "stream",
  since: "6.2.0",
  summary: "Makes entries that have been pending for long those of another consumer.",
  complexity: "O(1) with a small COUNT",
  arity: -6,
  flags: WRITE | FAST,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [
    [
      "7.0.0",
      "Added an element to the reply array, containing deleted entries the command cleared " +
        "from the PEL",
    ],
  ],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
    { name: "consumer", type: "string" },
    { name: "min-idle-time", type: "string" },
    { name: "start", type: "string" },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "justid", type: "pure-token", token: "JUSTID", optional: true },
  ],
  run: claimIdle,
});

const NOT_GIVEN = -1;
const DEFAULT_COUNT = 100;
/** LONG_MAX / 16, as Redis bounds it. */
const MAX_COUNT = 2 ** 59;
/** Entries that XAUTOCLAIM looks at for each that it may return. */
const ATTEMPTS_PER_ENTRY = 10;

const AT = { key: 1, group: 2, consumer: 3 };
const ids = new IdList();
const lastId = new StreamId();
const cursor = new StreamCursor();

/** What one request asks for; read anew for each. */
const options = {
  minIdleMs: 0,
  deliveredMs: NOT_GIVEN,
  deliveries: NOT_GIVEN as Counter,
  isForced: false,
  repliesIds: false,
  count: DEFAULT_COUNT,
};

function claim(call: Call): void {
  const value = readStreamToEdit(call, 1);
  if (value === null) return;
  const group = value.exists ? findGroup(call, value.stream, 2) : null;
  if (group === null) {
    call.fail(noKeyOrGroup(call.text(1), call.text(2)));
    return;
  }
  readClaim(call);
  if (call.refused()) return;
  call.instead();
  const { stream } = value;
  let hasProgress = lastId.compare(group.lastId) > 0;
  if (hasProgress) group.lastId.copy(lastId);
  const known = findConsumer(call, group, AT.consumer);
  const consumer = known ?? addConsumer(call, value, group, AT);
  consumer.seenMs = call.nowMs;
  const mark = call.reply.beginDeferred();
  let claimed = 0;
  let changes = 0;
  for (let i = 0; i < ids.count; i++) {
    const id = ids.at(i);
    const isPending = group.find(id);
    if (!hasEntry(stream, id)) {
      if (!isPending) continue;
      propagatePending(call, group, AT);
      group.remove();
    } else {
      if (!isPending && !options.isForced) continue;
      if (isPending && isTooYoung(call, group)) continue;
      if (!isPending) group.deliver(id, consumer, options.deliveredMs);
      take(group, id, consumer);
      consumer.activeMs = call.nowMs;
      propagatePending(call, group, AT);
      replyClaimed(call);
      claimed++;
    }
    changes++;
    hasProgress = false;
  }
  call.reply.endDeferred(mark, claimed);
  if (known === null && claimed === 0) propagateConsumer(call, AT);
  if (hasProgress) {
    propagateProgress(call, group, AT);
    changes++;
  }
  report(call, value, changes);
}

function claimIdle(call: Call): void {
  // A missing key is noted even where an argument is wrong (xautoclaimCommand, t_stream.c).
  const ref = call.readKey(1);
  readAutoClaim(call);
  if (call.refused()) return;
  const value = streamOf(call, ref, 1);
  if (value === null) return;
  if (value.exists) call.database.beforeChange(ref);
  const group = value.exists ? findGroup(call, value.stream, 2) : null;
  if (group === null) {
    call.fail(noKeyOrGroup(call.text(1), call.text(2)));
    return;
  }
  call.instead();
  const known = findConsumer(call, group, AT.consumer);
  const consumer = known ?? addConsumer(call, value, group, AT);
  consumer.seenMs = call.nowMs;
  const { reply } = call;
  reply.array(3);
  const mark = reply.beginDeferred();
  let claimed = 0;
  let left = options.count;
  let attempts = left * ATTEMPTS_PER_ENTRY;
  let isThere = group.seek(lastId);
  ids.clear();
  while (attempts-- > 0 && left > 0 && isThere) {
    const { id } = group;
    if (!hasEntry(value.stream, id)) {
      propagatePending(call, group, AT);
      ids.add().copy(id);
      isThere = group.remove();
      left--;
      continue;
    }
    if (!isTooYoung(call, group)) {
      take(group, id, consumer);
      consumer.activeMs = call.nowMs;
      propagatePending(call, group, AT);
      replyClaimed(call);
      claimed++;
      left--;
    }
    isThere = group.next();
  }
  if (known === null && claimed === 0) propagateConsumer(call, AT);
  reply.endDeferred(mark, claimed);
  const nextId = (isThere ? group.id : lastId.setFirst()).textBytes();
  reply.insertBulk(mark, nextId);
  reply.array(ids.count);
  for (let i = 0; i < ids.count; i++) replyId(reply, ids.at(i));
  report(call, value, claimed + ids.count);
}

/** Reads `min-idle-time id [id …] [options]`. */
function readClaim(call: Call): void {
  options.minIdleMs = readMs(call, 4, "min-idle-time", "XCLAIM");
  if (call.hasProblem) return;
  options.deliveredMs = NOT_GIVEN;
  options.deliveries = NOT_GIVEN;
  options.isForced = options.repliesIds = false;
  lastId.setFirst();
  let i = readIds(call);
  for (; i < call.count && !call.hasProblem; i++) {
    const hasMore = i + 1 < call.count;
    if (call.is(i, "FORCE")) options.isForced = true;
    else if (call.is(i, "JUSTID")) options.repliesIds = true;
    else if (hasMore && call.is(i, "IDLE")) {
      const idleMs = call.int64(++i, badClaimOption("IDLE option", "XCLAIM"));
      options.deliveredMs = call.nowMs - Number(idleMs);
    } else if (hasMore && call.is(i, "TIME")) {
      options.deliveredMs = Number(call.int64(++i, badClaimOption("TIME option", "XCLAIM")));
    } else if (hasMore && call.is(i, "RETRYCOUNT")) {
      options.deliveries = call.int64(++i, badClaimOption("RETRYCOUNT option", "XCLAIM"));
    } else if (hasMore && call.is(i, "LASTID")) readId(call, ++i, lastId);
    else call.refuse(unknownClaimOption(call.text(i)));
  }
  // A time that can't be is now: clients reckon from clocks of their own.
  if (options.deliveredMs < 0 || options.deliveredMs > call.nowMs) {
    options.deliveredMs = call.nowMs;
  }
}

/** Reads the IDs into `ids`; returns the argument that is none: options begin there. */
function readIds(call: Call): number {
  const { bytes, starts, lengths } = call.args;
  ids.clear();
  for (let i = 5; i < call.count; i++) {
    const isId = parseStreamId(bytes, starts[i], lengths[i], SEQUENCE_FIRST, ids.add());
    if (isId) continue;
    ids.drop();
    return i;
  }
  return call.count;
}

/** Reads `min-idle-time start [COUNT count] [JUSTID]`, the ID into `lastId`. */
function readAutoClaim(call: Call): void {
  options.minIdleMs = readMs(call, 4, "min-idle-time", "XAUTOCLAIM");
  if (!call.hasProblem) readRangeStart(call, 5, lastId);
  options.deliveredMs = call.nowMs;
  options.deliveries = NOT_GIVEN;
  options.repliesIds = false;
  options.count = DEFAULT_COUNT;
  for (let i = 6; i < call.count && !call.hasProblem; i++) {
    if (i + 1 < call.count && call.is(i, "COUNT")) {
      options.count = Number(call.int64(++i, CLAIM_COUNT_NOT_POSITIVE));
      const isInRange = options.count >= 1 && options.count < MAX_COUNT;
      if (!isInRange) call.refuse(CLAIM_COUNT_NOT_POSITIVE);
    } else if (call.is(i, "JUSTID")) options.repliesIds = true;
    else call.refuse(SYNTAX);
  }
}

function readMs(call: Call, index: number, option: string, commandName: string): number {
  return Math.max(0, Number(call.int64(index, badClaimOption(option, commandName))));
}

/** Whether the entry is there; then the cursor stands on it. */
function hasEntry(stream: Stream, id: StreamId): boolean {
  cursor.seek(stream, id, id, false);
  return cursor.next();
}

/** Whether the group's entry was delivered too recently. */
function isTooYoung(call: Call, group: ConsumerGroup): boolean {
  return options.minIdleMs > 0 && call.nowMs - group.deliveredMs < options.minIdleMs;
}

/** Gives the entry at the group's position to the consumer. */
function take(group: ConsumerGroup, id: StreamId, consumer: Consumer): void {
  let { deliveries } = group;
  if (options.deliveries >= 0) ({ deliveries } = options);
  else if (!options.repliesIds) deliveries = oneMore(deliveries);
  group.assign(id, consumer);
  group.setDelivery(options.deliveredMs, deliveries);
}

/** The entry that the cursor stands on. */
function replyClaimed({ reply }: Call): void {
  if (options.repliesIds) replyId(reply, cursor.id);
  else replyEntry(reply, cursor);
}

function report(call: Call, value: StreamValue, changes: number): void {
  if (changes === 0) return;
  value.touched();
  call.changedMany(changes);
}
