/** Estimating how many different elements were added, in 12 KiB at the most. */
import {
  ADMIN,
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_INSERT,
  KEY_RO,
  KEY_RW,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_NONE, NOTIFY_STRING } from "../../engine/key-events.ts";
import { editHyperLogLog, readHyperLogLog } from "../../engine/typed-values.ts";
import { TemporaryHome } from "../../keyspace/temporary-home.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { CORRUPT_HYPERLOGLOG, unknownHyperLogLogDebug } from "../../protocol/errors.ts";
import { CORRUPT, HyperLogLogUnion, REGISTERS } from "../../values/hyperloglog.ts";
import type { HyperLogLog } from "../../values/hyperloglog.ts";
import { selfTestHyperLogLog } from "../../values/hyperloglog-self-test.ts";

export const pfadd = command({
  name: "pfadd",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Adds elements to a HyperLogLog, making it where there is none.",
  complexity: "O(1) for each element",
  arity: -2,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hyperloglog"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string", optional: true, multiple: true },
  ],
  run: addElements,
});

export const pfcount = command({
  name: "pfcount",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Estimates how many different elements HyperLogLogs were given together.",
  complexity:
    "O(1) for one key, where the last estimate is mostly still good; O(N) for N keys, each of " +
    "which is read whole",
  arity: -2,
  flags: READONLY,
  categories: ["hyperloglog"],
  keys: [
    {
      ...keysAt(KEY_RW | KEY_ACCESS, 1, -1),
      notes:
        "RW because it may change the internal representation of the key, and propagate to " +
        "replicas",
    },
  ],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run: countElements,
});

export const pfmerge = command({
  name: "pfmerge",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Adds what HyperLogLogs were given to another, making it where there is none.",
  complexity: "O(N) for N keys, each of which is read whole",
  arity: -2,
  flags: WRITE | DENYOOM,
  categories: ["hyperloglog"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_INSERT, 1), keysAt(KEY_RO | KEY_ACCESS, 2, -1)],
  args: [
    { name: "destkey", type: "key", keySpec: 0 },
    { name: "sourcekey", type: "key", keySpec: 1, optional: true, multiple: true },
  ],
  run: mergeKeys,
});

export const pfdebug = command({
  name: "pfdebug",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Shows or changes how a HyperLogLog is kept; for developers.",
  complexity: "O(N) where N is the number of registers, 16384",
  arity: 3,
  flags: WRITE | DENYOOM | ADMIN,
  categories: ["hyperloglog"],
  isSystem: true,
  keys: [keysAt(KEY_RW | KEY_ACCESS, 2)],
  args: [
    { name: "subcommand", type: "string" },
    { name: "key", type: "key", keySpec: 0 },
  ],
  run: debug,
});

export const pfselftest = command({
  name: "pfselftest",
  group: "hyperloglog",
  since: "2.8.9",
  summary: "Tries HyperLogLogs with millions of random elements; for developers.",
  complexity: "O(1), about a second in which nothing else is done",
  arity: 1,
  flags: ADMIN,
  categories: ["hyperloglog"],
  isSystem: true,
  run: selfTest,
});

const union = new HyperLogLogUnion();

function addElements(call: Call): void {
  const { bytes, starts, lengths, count } = call.args;
  const value = editHyperLogLog(call, call.writeKey(1), 1);
  if (value === null) return;
  let changes = 0;
  if (!value.home.exists) {
    value.create();
    changes = 1;
  }
  for (let i = 2; i < count; i++) {
    const outcome = value.add(bytes, starts[i], lengths[i]);
    if (outcome === CORRUPT) {
      // What was added before stays. Redis propagates nothing then; the same request does the
      // same to a copy, which would differ from now on without it.
      call.changedMany(changes);
      call.fail(CORRUPT_HYPERLOGLOG);
      return;
    }
    changes += outcome;
  }
  if (changes > 0) {
    value.outdate();
    call.changed(NOTIFY_STRING, "pfadd", 1);
    call.changedMany(changes - 1);
  }
  call.reply.integer(changes > 0 ? 1 : 0);
}

function countElements(call: Call): void {
  if (call.count > 2) {
    if (uniteKeys(call)) call.reply.int64(union.estimate);
    return;
  }
  const value = editHyperLogLog(call, call.readKey(1), 1);
  if (value === null) return;
  if (!value.home.exists) {
    call.reply.integer(0);
    return;
  }
  if (!value.hasEstimate) {
    if (!value.refreshEstimate()) {
      call.fail(CORRUPT_HYPERLOGLOG);
      return;
    }
    // The string is another one now, which its copies have to follow, but there is no event.
    call.changed(NOTIFY_NONE, "", 1);
  }
  call.reply.int64(value.storedEstimate);
}

function mergeKeys(call: Call): void {
  if (!uniteKeys(call)) return;
  const target = editHyperLogLog(call, call.writeKey(1), 1);
  if (target === null) return;
  if (!target.home.exists) target.create();
  union.storeIn(target);
  call.changed(NOTIFY_STRING, "pfadd", 1);
  call.reply.ok();
}

/** Makes `union` that of all keys. False: one is no HyperLogLog; the error has been replied. */
function uniteKeys(call: Call): boolean {
  union.clear();
  for (let index = 1; index < call.count; index++) {
    const value = readHyperLogLog(call, index);
    if (value === null) return false;
    if (!value.home.exists) continue;
    if (!union.add(value)) {
      call.fail(CORRUPT_HYPERLOGLOG);
      return false;
    }
  }
  return true;
}

function debug(call: Call): void {
  const ref = call.writeKey(2);
  if (ref === NULL_REF) {
    call.fail("ERR The specified key does not exist");
    return;
  }
  const value = editHyperLogLog(call, ref, 2);
  if (value === null) return;
  if (call.is(1, "GETREG")) {
    if (makeDense(call, value)) replyRegisters(call, value);
  } else if (call.is(1, "DECODE")) {
    if (value.isSparse) call.reply.bulkText(value.describe());
    else call.fail("ERR HLL encoding is not sparse");
  } else if (call.is(1, "ENCODING")) {
    call.reply.simple(value.isSparse ? "sparse" : "dense");
  } else if (call.is(1, "TODENSE")) {
    const wasSparse = value.isSparse;
    if (makeDense(call, value)) call.reply.integer(wasSparse ? 1 : 0);
  } else {
    call.fail(unknownHyperLogLogDebug(call.text(1)));
  }
}

/** False: it is corrupt; the error has been replied. */
function makeDense(call: Call, value: HyperLogLog): boolean {
  if (!value.isSparse) return true;
  if (!value.toDense()) {
    call.fail(CORRUPT_HYPERLOGLOG);
    return false;
  }
  // Propagated, but no key counts as changed: it stands for the same elements (hyperloglog.c).
  call.changedMany(1);
  return true;
}

function replyRegisters(call: Call, value: HyperLogLog): void {
  call.reply.array(REGISTERS);
  for (let index = 0; index < REGISTERS; index++) call.reply.integer(value.register(index));
}

function selfTest(call: Call): void {
  const { random, values } = call.engine;
  const problem = selfTestHyperLogLog(
    () => new TemporaryHome(call.database.arena),
    values.hyperLogLogLimits,
    () => random.word(),
  );
  if (problem === "") call.reply.ok();
  else call.fail(`ERR ${problem}`);
}
