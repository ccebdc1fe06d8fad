/** List commands that wait for an element; propagated is what they did. */
import {
  command,
  BLOCKING,
  DENYOOM,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RW,
  NOSCRIPT,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { writeList } from "../../engine/typed-values.ts";
import { TYPE_LIST } from "../../memory/entry.ts";
import { readEnd, readPopOptions } from "./_arguments.ts";
import { tryMove } from "./_moving.ts";
import { popElement, popWithKey } from "./_popping.ts";

export const blpop = command({
  name: "blpop",
  group: "list",
  since: "2.0.0",
  summary: "Removes and returns the first element of one of several lists; waits for one.",
  complexity: "O(N) where N is the number of keys",
  arity: -3,
  flags: WRITE | NOSCRIPT | BLOCKING,
  categories: ["list"],
  history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, -2)],
  args: [
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "timeout", type: "double" },
  ],
  run: (call) => popBlocking(call, true),
});

export const brpop = command({
  name: "brpop",
  group: "list",
  since: "2.0.0",
  summary: "Removes and returns the last element of one of several lists; waits for one.",
  complexity: "O(N) where N is the number of keys",
  arity: -3,
  flags: WRITE | NOSCRIPT | BLOCKING,
  categories: ["list"],
  history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, -2)],
  args: [
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "timeout", type: "double" },
  ],
  run: (call) => popBlocking(call, false),
});

export const blmove = command({
  name: "blmove",
  group: "list",
  since: "6.2.0",
  summary: "Moves an element from an end of one list to an end of another; waits for one.",
  complexity: "O(1)",
  arity: 6,
  flags: WRITE | DENYOOM | NOSCRIPT | BLOCKING,
  categories: ["list"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "source", type: "key", keySpec: 0 },
    { name: "destination", type: "key", keySpec: 1 },
    {
      name: "wherefrom",
      type: "oneof",
      parts: [
        { name: "left", type: "pure-token", token: "LEFT" },
        { name: "right", type: "pure-token", token: "RIGHT" },
      ],
    },
    {
      name: "whereto",
      type: "oneof",
      parts: [
        { name: "left", type: "pure-token", token: "LEFT" },
        { name: "right", type: "pure-token", token: "RIGHT" },
      ],
    },
    { name: "timeout", type: "double" },
  ],
  run: moveBlocking,
});

export const brpoplpush = command({
  name: "brpoplpush",
  group: "list",
  since: "2.2.0",
  summary: "Moves the last element of a list to the front of another; waits for one.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM | NOSCRIPT | BLOCKING,
  categories: ["list"],
  history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  deprecated: { since: "6.2.0", replacedBy: "`BLMOVE` with the `RIGHT` and `LEFT` arguments" },
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "source", type: "key", keySpec: 0 },
    { name: "destination", type: "key", keySpec: 1 },
    { name: "timeout", type: "double" },
  ],
  run: rotateBlocking,
});

export const blmpop = command({
  name: "blmpop",
  group: "list",
  since: "7.0.0",
  summary: "Removes and returns elements from one of several lists; waits for one.",
  complexity: "O(N+M) where N is the number of keys and M the number of elements returned",
  arity: -5,
  flags: WRITE | BLOCKING,
  categories: ["list"],
  keys: [countedKeys(KEY_RW | KEY_ACCESS | KEY_DELETE, 2)],
  args: [
    { name: "timeout", type: "double" },
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    {
      name: "where",
      type: "oneof",
      parts: [
        { name: "left", type: "pure-token", token: "LEFT" },
        { name: "right", type: "pure-token", token: "RIGHT" },
      ],
    },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: popFromFirstBlocking,
});

function popBlocking(call: Call, atHead: boolean): void {
  const { args, reply } = call;
  const last = call.count - 2;
  const timeoutMs = call.timeoutMs(call.count - 1);
  if (call.refused()) return;
  for (let index = 1; index <= last; index++) {
    const list = writeList(call, index);
    if (list === null) return;
    if (!list.home.exists) continue;
    reply.array(2);
    reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
    popElement(call, list, index, atHead);
    const effects = call.instead();
    effects.begin(call.database.index, 2);
    effects.word(atHead ? "LPOP" : "RPOP");
    effects.argument(args, index);
    return;
  }
  call.block({ firstKey: 1, lastKey: last, type: TYPE_LIST, timeoutMs });
}

function moveBlocking(call: Call): void {
  const fromHead = readEnd(call, 3);
  const toHead = readEnd(call, 4);
  const timeoutMs = call.hasProblem ? 0 : call.timeoutMs(5);
  if (call.refused()) return;
  moveOrBlock(call, fromHead, toHead, timeoutMs, "LMOVE");
}

function rotateBlocking(call: Call): void {
  const timeoutMs = call.timeoutMs(3);
  if (!call.refused()) moveOrBlock(call, false, true, timeoutMs, "RPOPLPUSH");
}

function moveOrBlock(
  call: Call,
  fromHead: boolean,
  toHead: boolean,
  timeoutMs: number,
  effect: "LMOVE" | "RPOPLPUSH",
): void {
  const { args } = call;
  const before = call.changes;
  if (!tryMove(call, fromHead, toHead)) {
    call.block({ firstKey: 1, lastKey: 1, type: TYPE_LIST, timeoutMs, repliesNil: true });
    return;
  }
  if (call.changes === before) return;
  const effects = call.instead();
  effects.begin(call.database.index, effect === "LMOVE" ? 5 : 3);
  effects.word(effect);
  effects.argument(args, 1);
  effects.argument(args, 2);
  if (effect === "RPOPLPUSH") return;
  effects.word(fromHead ? "LEFT" : "RIGHT");
  effects.word(toHead ? "LEFT" : "RIGHT");
}

function popFromFirstBlocking(call: Call): void {
  const timeoutMs = call.timeoutMs(1);
  if (call.refused()) return;
  const { keyCount, atHead, count } = readPopOptions(call, 2);
  if (call.refused()) return;
  const last = 2 + keyCount;
  for (let index = 3; index <= last; index++) {
    const list = writeList(call, index);
    if (list === null) return;
    if (!list.home.exists) continue;
    popWithKey(call, list, index, atHead, count);
    return;
  }
  call.block({ firstKey: 3, lastKey: last, type: TYPE_LIST, timeoutMs });
}
