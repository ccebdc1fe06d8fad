/** Hashes, field by field. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_HASH } from "../../engine/key-events.ts";
import { readHash, removeEmptied, writeHash } from "../../engine/typed-values.ts";

export const hset = command({
  name: "hset",
  group: "hash",
  since: "2.0.0",
  summary: "Sets fields of a hash and returns how many were new.",
  complexity: "O(1) for each field/value pair",
  arity: -4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  history: [["4.0.0", "Accepts multiple `field` and `value` arguments."]],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "field_value",
      type: "block",
      multiple: true,
      parts: [
        { name: "field", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  run: setFields,
});

export const hmset = command({
  name: "hmset",
  group: "hash",
  since: "2.0.0",
  summary: "Sets fields of a hash.",
  complexity: "O(N) where N is the number of fields",
  arity: -4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  deprecated: { since: "4.0.0", replacedBy: "`HSET` with multiple field-value pairs" },
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "field_value",
      type: "block",
      multiple: true,
      parts: [
        { name: "field", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  run: setFieldsAnsweringOk,
});

export const hsetnx = command({
  name: "hsetnx",
  group: "hash",
  since: "2.0.0",
  summary: "Sets a field of a hash unless it exists.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
    { name: "value", type: "string" },
  ],
  run: setNewField,
});

export const hget = command({
  name: "hget",
  group: "hash",
  since: "2.0.0",
  summary: "Returns the value of a field of a hash.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
  ],
  run: getField,
});

export const hmget = command({
  name: "hmget",
  group: "hash",
  since: "2.0.0",
  summary: "Returns the values of several fields of a hash.",
  complexity: "O(N) where N is the number of fields",
  arity: -3,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string", multiple: true },
  ],
  run: getFields,
});

export const hlen = command({
  name: "hlen",
  group: "hash",
  since: "2.0.0",
  summary: "Returns how many fields a hash has.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replyLength,
});

export const hstrlen = command({
  name: "hstrlen",
  group: "hash",
  since: "3.2.0",
  summary: "Returns the length of a field's value.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
  ],
  run: replyValueLength,
});

export const hexists = command({
  name: "hexists",
  group: "hash",
  since: "2.0.0",
  summary: "Tells whether a hash has a field.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
  ],
  run: replyExists,
});

export const hdel = command({
  name: "hdel",
  group: "hash",
  since: "2.0.0",
  summary: "Removes fields of a hash, and the hash with its last field.",
  complexity: "O(N) where N is the number of fields to be removed",
  arity: -3,
  flags: WRITE | FAST,
  categories: ["hash"],
  history: [["2.4.0", "Accepts multiple `field` arguments."]],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string", multiple: true },
  ],
  run: deleteFields,
});

function setFields(call: Call): void {
  const added = setAll(call);
  if (added >= 0) call.reply.integer(added);
}

function setFieldsAnsweringOk(call: Call): void {
  if (setAll(call) >= 0) call.reply.ok();
}

/** Returns how many fields are new, or -1 where nothing was set and the error has been replied. */
function setAll(call: Call): number {
  if (call.count % 2 === 1) {
    call.wrongArity();
    return -1;
  }
  const hash = writeHash(call, 1);
  if (hash === null) return -1;
  const { bytes, starts, lengths } = call.args;
  let added = 0;
  for (let i = 2; i < call.count; i += 2) {
    const value = i + 1;
    if (hash.set(bytes, starts[i], lengths[i], bytes, starts[value], lengths[value])) added++;
  }
  call.changed(NOTIFY_HASH, "hset", 1);
  const more = (call.count - 2) / 2 - 1;
  if (more > 0) call.changedMany(more);
  return added;
}

function setNewField(call: Call): void {
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  if (hash.find(bytes, starts[2], lengths[2])) {
    call.reply.integer(0);
    return;
  }
  hash.set(bytes, starts[2], lengths[2], bytes, starts[3], lengths[3]);
  call.changed(NOTIFY_HASH, "hset", 1);
  call.reply.integer(1);
}

function getField(call: Call): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  if (hash.find(bytes, starts[2], lengths[2])) {
    call.reply.bulk(hash.value.bytes, hash.value.start, hash.value.length);
  } else {
    call.reply.nil();
  }
}

function getFields(call: Call): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  const { reply } = call;
  reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    if (hash.find(bytes, starts[i], lengths[i])) {
      reply.bulk(hash.value.bytes, hash.value.start, hash.value.length);
    } else {
      reply.nil();
    }
  }
}

function replyLength(call: Call): void {
  const hash = readHash(call, 1);
  if (hash !== null) call.reply.integer(hash.size);
}

function replyValueLength(call: Call): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.integer(hash.find(bytes, starts[2], lengths[2]) ? hash.value.length : 0);
}

function replyExists(call: Call): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  call.reply.integer(hash.find(bytes, starts[2], lengths[2]) ? 1 : 0);
}

function deleteFields(call: Call): void {
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  let removed = 0;
  for (let i = 2; i < call.count && hash.size > 0; i++) {
    if (hash.remove(bytes, starts[i], lengths[i])) removed++;
  }
  if (removed > 0) {
    call.changed(NOTIFY_HASH, "hdel", 1);
    call.changedMany(removed - 1);
    removeEmptied(call, hash, 1);
  }
  call.reply.integer(removed);
}
