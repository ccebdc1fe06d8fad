/** XCLAIM and XAUTOCLAIM: pending entries go from one consumer to another. */
import {
  command,
  FAST,
  KEY_DELETE,
  KEY_RW,
  KEY_UPDATE,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import { readStream, streamOf } from "../../engine/typed-values.ts";
import {
  badClaimOption,
  badIdleTime,
  COUNT_NOT_POSITIVE,
  noGroup,
  SYNTAX,
} from "../../protocol/errors.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import type { StreamValue } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { parseStreamId, SEQUENCE_FIRST, StreamId } from "../../values/stream-id.ts";
import { replyEntry } from "./_entries.ts";
import {
  groupAt,
  propagateClaim,
  propagateConsumer,
  propagateGroupId,
  seenConsumer,
} from "./_groups.ts";
import { insertId, readId, readRangeStart, replyId } from "./_ids.ts";

export const xclaim = command({
  name: "xclaim",
  group: "stream",
  since: "5.0.0",
  summary: "Takes over pending entries that it names.",
  complexity: "O(log N) with N being the number of messages in the PEL of the consumer group.",
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
    { name: "id", type: "string", token: "LASTID", optional: true },
  ],
  run: claim,
});

export const xautoclaim = command({
  name: "xautoclaim",
  group: "stream",
  since: "6.2.0",
  summary: "Takes over entries that have been pending for long.",
  complexity: "O(1) if COUNT is small.",
  arity: -6,
  flags: WRITE | FAST,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [
    [
      "7.0.0",
      "Added an element to the reply array, containing deleted entries the command cleared from the PEL",
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
  run: claimByItself,
});

const DEFAULT_COUNT = 100;
/** XAUTOCLAIM looks at so many entries for each that it may claim. */
const ATTEMPTS_PER_ENTRY = 10;
/** The most that XAUTOCLAIM's COUNT may be: 2^63 - 1 bytes of IDs. */
const MAX_COUNT = (2n ** 63n - 1n) / 16n;
const NOT_GIVEN = -1;

const cursor = new StreamCursor();
const id = new StreamId();
const lastId = new StreamId();
const startId = new StreamId();

/** What the options of XCLAIM and XAUTOCLAIM say of an entry that is claimed. */
let minIdleMs = 0;
let deliveredMs = 0;
let retryCount = NOT_GIVEN;
let isForced = false;
let repliesIds = false;

function claim(call: Call): void {
  const value = readStream(call, 1);
  if (value === null) return;
  const group = value.exists ? groupAt(call, value.stream, 2) : null;
  if (group === null) {
    call.fail(noGroup(call.text(1), call.text(2)));
    return;
  }
  minIdleMs = Math.max(0, Number(call.int64(4, badIdleTime("XCLAIM"))));
  if (call.refused()) return;
  const idsEnd = countIds(call);
  readClaimOptions(call, idsEnd);
  if (call.refused()) return;
  const claiming = new Claiming(call, value, group);
  if (lastId.compare(group.lastId) > 0) {
    group.lastId.copy(lastId);
    claiming.hasMoved = true;
  }
  const mark = call.reply.beginDeferred();
  let claimed = 0;
  for (let i = 5; i < idsEnd; i++) {
    readId(call, i, id);
    if (!value.stream.has(id)) {
      if (group.pending.find(id)) claiming.forget(id);
      continue;
    }
    const isPending = group.pending.find(id);
    if (!isPending && !isForced) continue;
    if (isPending && !claiming.isIdleEnough()) continue;
    claiming.take(id, isPending);
    claimed++;
  }
  claiming.end();
  call.reply.endDeferred(mark, claimed);
}

/** The index behind the last ID: what can't be read as one should be an option. */
function countIds(call: Call): number {
  const { bytes, starts, lengths } = call.args;
  let index = 5;
  while (
    index < call.count &&
    parseStreamId(bytes, starts[index], lengths[index], SEQUENCE_FIRST, id)
  ) {
    index++;
  }
  return index;
}

function readClaimOptions(call: Call, from: number): void {
  const { nowMs } = call;
  let givenMs = NOT_GIVEN;
  retryCount = NOT_GIVEN;
  isForced = repliesIds = false;
  lastId.setFirst();
  for (let i = from; i < call.count && !call.hasProblem; i++) {
    const hasMore = i + 1 < call.count;
    if (call.is(i, "FORCE")) isForced = true;
    else if (call.is(i, "JUSTID")) repliesIds = true;
    else if (hasMore && call.is(i, "IDLE")) {
      givenMs = nowMs - Number(call.int64(++i, badClaimOption("IDLE")));
    } else if (hasMore && call.is(i, "TIME")) {
      givenMs = Number(call.int64(++i, badClaimOption("TIME")));
    } else if (hasMore && call.is(i, "RETRYCOUNT")) {
      retryCount = Number(call.int64(++i, badClaimOption("RETRYCOUNT")));
    } else if (hasMore && call.is(i, "LASTID")) readId(call, ++i, lastId);
    else call.refuse(`ERR Unrecognized XCLAIM option '${call.text(i)}'`);
  }
  // Clients compute times with their own clocks: what can't be is taken for now.
  deliveredMs = givenMs < 0 || givenMs > nowMs ? nowMs : givenMs;
}

function claimByItself(call: Call): void {
  const ref = call.readKey(1);
  minIdleMs = Math.max(0, Number(call.int64(4, badIdleTime("XAUTOCLAIM"))));
  if (call.refused()) return;
  readRangeStart(call, 5, startId);
  let count = readAutoClaimOptions(call);
  if (call.refused()) return;
  const value = streamOf(call, ref, 1);
  if (value === null) return;
  const group = value.exists ? groupAt(call, value.stream, 2) : null;
  if (group === null) {
    call.fail(noGroup(call.text(1), call.text(2)));
    return;
  }
  const { reply } = call;
  const { pending } = group;
  const claiming = new Claiming(call, value, group);
  const deleted: Uint8Array[] = [];
  let attempts = count * ATTEMPTS_PER_ENTRY;
  let claimed = 0;
  reply.array(3);
  const cursorMark = reply.beginDeferred();
  pending.seek(startId);
  while (attempts-- > 0 && count > 0 && !pending.isAtEnd) {
    pending.readId(id);
    if (!value.stream.has(id)) {
      claiming.forget(id);
      deleted.push(id.textBytes());
      count--;
    } else if (claiming.isIdleEnough()) {
      claiming.take(id, true);
      claimed++;
      count--;
      pending.next();
    } else {
      pending.next();
    }
  }
  claiming.end();
  reply.endDeferred(cursorMark, claimed);
  if (pending.isAtEnd) id.setFirst();
  else pending.readId(id);
  insertId(reply, cursorMark, id);
  reply.array(deleted.length);
  for (const text of deleted) reply.bulk(text, 0, text.length);
}

/** Returns COUNT. */
function readAutoClaimOptions(call: Call): number {
  let count = DEFAULT_COUNT;
  repliesIds = false;
  isForced = false;
  retryCount = NOT_GIVEN;
  deliveredMs = call.nowMs;
  for (let i = 6; i < call.count && !call.hasProblem; i++) {
    if (i + 1 < call.count && call.is(i, "COUNT")) {
      const given = call.int64(++i);
      if (!call.hasProblem && (given < 1 || given > MAX_COUNT)) call.refuse(COUNT_NOT_POSITIVE);
      count = Number(given);
    } else if (call.is(i, "JUSTID")) repliesIds = true;
    else call.refuse(SYNTAX);
  }
  return count;
}

/** One command's claiming: entries change hands, which is replied and propagated one by one. */
class Claiming {
  /** The group's last ID went up, and no XCLAIM that was propagated says so yet. */
  hasMoved = false;
  private readonly call: Call;
  private readonly value: StreamValue;
  private readonly group: ConsumerGroup;
  private readonly effects: Effects;
  private readonly consumer: Consumer;
  /** The consumer was made, and no XCLAIM that was propagated names it yet. */
  private isUntold: boolean;

  constructor(call: Call, value: StreamValue, group: ConsumerGroup) {
    this.call = call;
    this.value = value;
    this.group = group;
    this.effects = call.instead();
    const { consumer, isNew } = seenConsumer(call, group, 1, 3);
    this.consumer = consumer;
    this.isUntold = isNew;
    if (isNew) value.touched();
  }

  /** Whether the pending entry that the group's list stands on may be claimed by now. */
  isIdleEnough(): boolean {
    if (minIdleMs === 0) return true;
    return this.call.nowMs - this.group.pending.deliveredMs >= minIdleMs;
  }

  /** Gives an entry to the consumer; the group's list stands on it then. */
  take(entryId: StreamId, isPending: boolean): void {
    const { call, group, consumer } = this;
    const before = isPending ? group.pending.deliveries : 1;
    let deliveries = before;
    if (retryCount >= 0) deliveries = retryCount;
    else if (!repliesIds) deliveries = before + 1;
    group.assign(entryId, consumer, deliveredMs, deliveries);
    consumer.activeMs = call.nowMs;
    this.isUntold = false;
    this.changed(entryId);
    if (repliesIds) {
      replyId(call.reply, entryId);
      return;
    }
    cursor.seek(this.value.stream, entryId, entryId, false);
    if (cursor.next()) replyEntry(call.reply, cursor);
  }

  /** Ends the being pending of an entry that was deleted; the list stands on it. */
  forget(entryId: StreamId): void {
    this.changed(entryId);
    this.group.acknowledge(entryId);
  }

  end(): void {
    const { call, effects, group } = this;
    if (this.isUntold) propagateConsumer(call, effects, 1, 2, this.consumer);
    if (!this.hasMoved) return;
    propagateGroupId(call, effects, 1, 2, group);
    this.count();
  }

  private changed(entryId: StreamId): void {
    const { call, effects, group } = this;
    propagateClaim(call, effects, 1, 2, group, entryId);
    this.hasMoved = false;
    this.count();
  }

  private count(): void {
    this.value.touched();
    this.call.changedMany(1);
  }
}
