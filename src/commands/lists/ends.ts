/** Lists from their ends. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RW,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_LIST } from "../../engine/key-events.ts";
import { writeList } from "../../engine/typed-values.ts";
import type { ListValue } from "../../values/list.ts";
import { NOT_POSITIVE } from "../../protocol/errors.ts";
import { popElement, popElements } from "./_popping.ts";

export const lpush = command({
  name: "lpush",
  group: "list",
  since: "1.0.0",
  summary: "Puts elements in front of a list, making it where there is none.",
  complexity: "O(1) for each element",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["list"],
  history: [["2.4.0", "Accepts multiple `element` arguments."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string", multiple: true },
  ],
  run: (call) => push(call, true),
});

export const rpush = command({
  name: "rpush",
  group: "list",
  since: "1.0.0",
  summary: "Puts elements behind a list, making it where there is none.",
  complexity: "O(1) for each element",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["list"],
  history: [["2.4.0", "Accepts multiple `element` arguments."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string", multiple: true },
  ],
  run: (call) => push(call, false),
});

export const lpushx = command({
  name: "lpushx",
  group: "list",
  since: "2.2.0",
  summary: "Puts elements in front of a list that exists.",
  complexity: "O(1) for each element",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["list"],
  history: [["4.0.0", "Accepts multiple `element` arguments."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string", multiple: true },
  ],
  run: (call) => pushExisting(call, true),
});

export const rpushx = command({
  name: "rpushx",
  group: "list",
  since: "2.2.0",
  summary: "Puts elements behind a list that exists.",
  complexity: "O(1) for each element",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["list"],
  history: [["4.0.0", "Accepts multiple `element` arguments."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string", multiple: true },
  ],
  run: (call) => pushExisting(call, false),
});

export const lpop = command({
  name: "lpop",
  group: "list",
  since: "1.0.0",
  summary: "Removes and returns the first elements of a list.",
  complexity: "O(N) where N is the number of elements returned",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["list"],
  history: [["6.2.0", "Added the `count` argument."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", since: "6.2.0", optional: true },
  ],
  run: (call) => pop(call, true),
});

export const rpop = command({
  name: "rpop",
  group: "list",
  since: "1.0.0",
  summary: "Removes and returns the last elements of a list.",
  complexity: "O(N) where N is the number of elements returned",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["list"],
  history: [["6.2.0", "Added the `count` argument."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", since: "6.2.0", optional: true },
  ],
  run: (call) => pop(call, false),
});

function push(call: Call, atHead: boolean): void {
  const list = writeList(call, 1);
  if (list !== null) pushAll(call, list, atHead);
}

function pushExisting(call: Call, atHead: boolean): void {
  const list = writeList(call, 1);
  if (list === null) return;
  if (list.home.exists) pushAll(call, list, atHead);
  else call.reply.integer(0);
}

function pushAll(call: Call, list: ListValue, atHead: boolean): void {
  const { bytes, starts, lengths } = call.args;
  const { count } = call;
  let addedBytes = 0;
  for (let i = 2; i < count; i++) addedBytes += lengths[i];
  list.prepare(count - 2, addedBytes);
  for (let i = 2; i < count; i++) list.push(atHead, bytes, starts[i], lengths[i]);
  call.changed(NOTIFY_LIST, atHead ? "lpush" : "rpush", 1);
  if (count > 3) call.changedMany(count - 3);
  call.reply.integer(list.size);
}

function pop(call: Call, atHead: boolean): void {
  if (call.count > 3) {
    call.wrongArity();
    return;
  }
  if (call.count === 2) {
    popOne(call, atHead);
    return;
  }
  const wanted = Number(call.int64(2, NOT_POSITIVE));
  if (wanted < 0) call.refuse(NOT_POSITIVE);
  if (call.refused()) return;
  const list = writeList(call, 1);
  if (list === null) return;
  const { reply } = call;
  if (!list.home.exists) reply.nullArray();
  else if (wanted === 0) reply.array(0);
  else popElements(call, list, 1, atHead, wanted);
}

function popOne(call: Call, atHead: boolean): void {
  const list = writeList(call, 1);
  if (list === null) return;
  if (!list.home.exists) {
    call.reply.nil();
    return;
  }
  popElement(call, list, 1, atHead);
}
