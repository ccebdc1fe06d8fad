/**
 * Blocking commands over strings, as small as they can be, for tests of blocking itself:
 *
 *     TAKE key [key …] timeout         the first string that there is, removed, with its key
 *     CARRY source target timeout      moves a string from one key to another
 *     FOLLOW key last timeout          the string once it is another than `last`; `$` stands for
 *                                      what it is now; an error once the key is gone
 */
import { textOf } from "../../src/base/bytes.ts";
import type { Call } from "../../src/engine/call.ts";
import { BLOCKING, type Command, command, DENYOOM, WRITE } from "../../src/engine/command.ts";
import { NOTIFY_GENERIC, NOTIFY_STRING } from "../../src/engine/key-events.ts";
import { NO_EXPIRY } from "../../src/keyspace/entry-store.ts";
import { NULL_REF, type Ref } from "../../src/memory/arena.ts";
import { TYPE_STRING } from "../../src/memory/entry.ts";

const SHARED = {
  group: "string",
  since: "7.2.0",
  summary: "",
  complexity: "O(1)",
  flags: WRITE | BLOCKING | DENYOOM,
} as const;

/** New commands with counts of their own. */
export function blockingCommands(): Command[] {
  return [
    command({ ...SHARED, name: "take", arity: -3, run: take }),
    command({ ...SHARED, name: "carry", arity: 4, run: carry }),
    command({ ...SHARED, name: "follow", arity: 4, flags: BLOCKING, run: follow }),
  ];
}

function take(call: Call): void {
  const lastKey = call.count - 2;
  const timeoutMs = call.timeoutMs(call.count - 1);
  if (call.refused()) return;
  for (let i = 1; i <= lastKey; i++) {
    const ref = call.writeKey(i);
    if (ref === NULL_REF) continue;
    if (call.isWrongType(ref, TYPE_STRING)) return;
    call.reply.array(2);
    call.reply.bulkText(call.text(i));
    replyString(call, ref);
    removeKey(call, ref, i);
    return;
  }
  call.block({ firstKey: 1, lastKey, type: TYPE_STRING, timeoutMs });
}

function carry(call: Call): void {
  const timeoutMs = call.timeoutMs(3);
  if (call.refused()) return;
  const source = call.writeKey(1);
  if (source === NULL_REF) {
    call.block({ firstKey: 1, lastKey: 1, type: TYPE_STRING, timeoutMs, repliesNil: true });
    return;
  }
  const { bytes, start, length } = call.database.stringOf(source);
  const value = bytes.slice(start, start + length);
  const target = call.writeKey(2);
  if (call.isWrongType(target, TYPE_STRING)) return;
  call.reply.bulk(value, 0, value.length);
  removeKey(call, call.writeKey(1), 1);
  const { args, database } = call;
  const existing = call.writeKey(2);
  const [at, keyLength] = [args.starts[2], args.lengths[2]];
  database.storeString(existing, args.bytes, at, keyLength, value, 0, length, NO_EXPIRY);
  call.changed(NOTIFY_STRING, "set", 2);
  const effects = call.engine.effects;
  if (!effects.isActive) return;
  effects.begin(database.index, 3);
  effects.word("SET");
  effects.argument(args, 2);
  effects.range(value, 0, length);
}

function follow(call: Call): void {
  const timeoutMs = call.timeoutMs(3, "milliseconds");
  if (call.refused()) return;
  const ref = call.readKey(1);
  if (ref === NULL_REF && call.isRetry) {
    call.fail("UNBLOCKED the key no longer exists");
    return;
  }
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const now = ref === NULL_REF ? "" : stringAt(call, ref);
  const last = call.text(2) === "$" ? now : call.text(2);
  if (now !== last) {
    replyString(call, ref);
    return;
  }
  call
    .block({ firstKey: 1, lastKey: 1, type: TYPE_STRING, timeoutMs, wakesWithoutKey: true })
    ?.replaceArgument(2, Buffer.from(last, "latin1"));
}

function stringAt(call: Call, ref: Ref): string {
  const { bytes, start, length } = call.database.stringOf(ref);
  return textOf(bytes, start, length);
}

function replyString(call: Call, ref: Ref): void {
  const { bytes, start, length } = call.database.stringOf(ref);
  call.reply.bulk(bytes, start, length);
}

function removeKey(call: Call, ref: Ref, index: number): void {
  call.database.remove(ref);
  call.changed(NOTIFY_GENERIC, "del", index);
  const effects = call.instead();
  if (!effects.isActive) return;
  effects.begin(call.database.index, 2);
  effects.word("DEL");
  effects.argument(call.args, index);
}
