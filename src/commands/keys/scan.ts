/** Walking the keys of a database: KEYS at once, SCAN in steps. */
import { matchGlob } from "../../base/glob.ts";
import type { Call } from "../../engine/call.ts";
import { command, READONLY, TOUCHES_ARBITRARY_KEYS } from "../../engine/command.ts";
import { KeyView } from "../../keyspace/entries.ts";
import type { Ref } from "../../memory/arena.ts";
import { typeName, typeOf } from "../../memory/entry.ts";
import { INVALID_CURSOR, SYNTAX } from "../../protocol/errors.ts";

const DEFAULT_COUNT = 10;
/** Home slots visited for each key that is asked for, at most. */
const HOMES_PER_KEY = 10;
/** Cursors are positions in the space of 32-bit hashes. */
const LAST_HASH = 0xffffffffn;
const MAX_CURSOR = 2n ** 64n - 1n;
const ASTERISK = 42;
/** Home slots of the table that KEYS visits at once. */
const KEYS_STEP = 65536;

export const keys = command({
  name: "keys",
  group: "generic",
  since: "1.0.0",
  summary: "Returns all keys whose names match a glob-style pattern.",
  complexity: "O(N) with N being the number of keys in the database",
  arity: 2,
  flags: READONLY,
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  args: [{ name: "pattern", type: "pattern" }],
  run: listKeys,
});

export const scan = command({
  name: "scan",
  group: "generic",
  since: "2.8.0",
  summary: "Returns some keys of the database and a cursor to go on from.",
  complexity: "O(1) for every call. O(N) for a complete iteration",
  arity: -2,
  flags: READONLY | TOUCHES_ARBITRARY_KEYS,
  categories: ["keyspace"],
  history: [["6.0.0", "Added the `TYPE` subcommand."]],
  tips: ["nondeterministic_output", "request_policy:special"],
  args: [
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "type", type: "string", token: "TYPE", optional: true, since: "6.0.0" },
  ],
  run: scanKeys,
});

const view = new KeyView();

function listKeys(call: Call): void {
  const { database, reply } = call;
  const matches = matcher(call, 1);
  const mark = reply.beginDeferred();
  let count = 0;
  let cursor = 0;
  do {
    cursor = database.table.scan(cursor, KEYS_STEP, (ref) => {
      if (database.isExpired(ref)) return;
      const key = database.keyOf(ref, view);
      if (!matches(key)) return;
      reply.bulk(key.bytes, key.start, key.length);
      count++;
    });
  } while (cursor !== 0);
  reply.endDeferred(mark, count);
}

/** Whether a key matches the pattern in argument `index`; a lone asterisk matches all. */
function matcher(call: Call, index: number): (key: KeyView) => boolean {
  const { bytes, starts, lengths } = call.args;
  const start = starts[index];
  const length = lengths[index];
  if (length === 1 && bytes[start] === ASTERISK) return () => true;
  return (key) => matchGlob(bytes, start, length, key.bytes, key.start, key.length, false);
}

function scanKeys(call: Call): void {
  const { database, reply } = call;
  const cursor = cursorAt(call, 1);
  if (call.refused()) return;
  let count = DEFAULT_COUNT;
  let matches: (key: KeyView) => boolean = () => true;
  let wantedType: string | null = null;
  for (let i = 2; i < call.count; i += 2) {
    if (i + 1 === call.count) call.refuse(SYNTAX);
    else if (call.is(i, "COUNT")) {
      count = Number(call.int64(i + 1));
      if (count < 1) call.refuse(SYNTAX);
    } else if (call.is(i, "MATCH")) matches = matcher(call, i + 1);
    else if (call.is(i, "TYPE")) wantedType = call.text(i + 1).toLowerCase();
    else call.refuse(SYNTAX);
    if (call.refused()) return;
  }
  const found: Ref[] = [];
  const visit = (ref: Ref): unknown => found.push(ref);
  let next = 0;
  if (cursor <= LAST_HASH) {
    next = Number(cursor);
    let homesLeft = count * HOMES_PER_KEY;
    do {
      const homes = Math.min(count - found.length, homesLeft);
      next = database.table.scan(next, homes, visit);
      homesLeft -= homes;
    } while (next !== 0 && found.length < count && homesLeft > 0);
  }
  reply.array(2);
  reply.bulkInteger(next);
  const mark = reply.beginDeferred();
  let sent = 0;
  for (const ref of found) {
    const key = database.keyOf(ref, view);
    if (!matches(key)) continue;
    if (database.isExpired(ref)) {
      database.expire(ref);
      continue;
    }
    if (wantedType !== null && typeName(typeOf(database.arena, ref)) !== wantedType) continue;
    reply.bulk(key.bytes, key.start, key.length);
    sent++;
  }
  reply.endDeferred(mark, sent);
}

/** A cursor as strtoul(3) reads it: digits with an optional sign, up to 64 bits, up to a NUL. */
function cursorAt(call: Call, index: number): bigint {
  const [text] = call.text(index).split("\0", 1);
  if (text === "") return 0n;
  if (!/^[+-]?\d+$/.test(text)) {
    call.refuse(INVALID_CURSOR);
    return 0n;
  }
  const value = BigInt(text.replace(/^[+-]/, ""));
  if (value > MAX_CURSOR) call.refuse(INVALID_CURSOR);
  return text.startsWith("-") ? BigInt.asUintN(64, -value) : value;
}
