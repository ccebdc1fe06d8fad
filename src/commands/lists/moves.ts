/** Elements from one list to another, and from the first of several lists. */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RW,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { writeList } from "../../engine/typed-values.ts";
import { popWithKey } from "./_popping.ts";
import { readEnd, readPopOptions } from "./_arguments.ts";
import { moveBetween } from "./_moving.ts";

export const lmove = command({
  name: "lmove",
  group: "list",
  since: "6.2.0",
  summary: "Moves an element from an end of one list to an end of another.",
  complexity: "O(1)",
  arity: 5,
  flags: WRITE | DENYOOM,
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
  ],
  run: moveElement,
});

export const rpoplpush = command({
  name: "rpoplpush",
  group: "list",
  since: "1.2.0",
  summary: "Moves the last element of a list to the front of another.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | DENYOOM,
  categories: ["list"],
  deprecated: { since: "6.2.0", replacedBy: "`LMOVE` with the `RIGHT` and `LEFT` arguments" },
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "source", type: "key", keySpec: 0 },
    { name: "destination", type: "key", keySpec: 1 },
  ],
  run: rotate,
});

export const lmpop = command({
  name: "lmpop",
  group: "list",
  since: "7.0.0",
  summary: "Removes and returns elements from the first of several lists that is not empty.",
  complexity: "O(N+M) where N is the number of keys and M the number of elements returned",
  arity: -4,
  flags: WRITE,
  categories: ["list"],
  keys: [countedKeys(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
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
  run: popFromFirst,
});

function moveElement(call: Call): void {
  const fromHead = readEnd(call, 3);
  const toHead = readEnd(call, 4);
  if (call.refused()) return;
  moveBetween(call, fromHead, toHead);
}

function rotate(call: Call): void {
  moveBetween(call, false, true);
}

function popFromFirst(call: Call): void {
  const options = readPopOptions(call, 1);
  if (call.refused()) return;
  for (let i = 0; i < options.keyCount; i++) {
    const index = 2 + i;
    const list = writeList(call, index);
    if (list === null) return;
    if (!list.home.exists) continue;
    popWithKey(call, list, index, options.atHead, options.count);
    return;
  }
  call.reply.nullArray();
}
