/** GEORADIUS and its kin, which GEOSEARCH has replaced. */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc, KeySpec } from "../../engine/command.ts";
import {
  COUNT_ARGUMENT,
  ORDER_ARGUMENT,
  POSITION_ARGUMENTS,
  UNIT_ARGUMENT,
  WITH_ARGUMENTS,
} from "./_arguments.ts";
import type { SearchForm } from "./_query.ts";
import { search } from "./_search.ts";

const KEY_ARGUMENT: ArgumentDoc = { name: "key", type: "key", keySpec: 0 };
const CIRCLE_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "radius", type: "double" },
  UNIT_ARGUMENT,
  ...WITH_ARGUMENTS,
];
/** Where COMMAND DOCS tells that ANY came later than the command. */
const LATER_COUNT_ARGUMENT: ArgumentDoc = {
  ...COUNT_ARGUMENT,
  parts: (COUNT_ARGUMENT.parts ?? []).map((part) =>
    part.name === "any" ? { ...part, since: "6.2.0" } : part,
  ),
};
const STORE_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "key", type: "key", keySpec: 1, token: "STORE", optional: true },
  { name: "key", type: "key", keySpec: 2, token: "STOREDIST", optional: true },
];

const COMPLEXITY =
  "O(N+log(M)) where N is the number of members in the square around the circle and M is the " +
  "size of the sorted set";
const ANY_OPTION = ["6.2.0", "Option `ANY` for `COUNT`."] as const;
const UPPER_CASE_UNITS = ["7.0.0", "Units in upper case."] as const;

const FROM_POSITION: SearchForm = {
  source: 1,
  destination: 0,
  centre: "position",
  mayStore: true,
};
const FROM_POSITION_READONLY: SearchForm = { ...FROM_POSITION, mayStore: false };
const FROM_MEMBER: SearchForm = { ...FROM_POSITION, centre: "member" };
const FROM_MEMBER_READONLY: SearchForm = { ...FROM_MEMBER, mayStore: false };

/** The key that is read, and those that STORE and STOREDIST name among the options. */
function storingKeys(firstOption: number): readonly KeySpec[] {
  const stored = (keyword: string): KeySpec => ({
    flags: KEY_OW | KEY_UPDATE,
    begin: { keyword, startFrom: firstOption },
    find: { lastKey: 0, step: 1, limit: 0 },
  });
  return [keysAt(KEY_RO | KEY_ACCESS, 1), stored("STORE"), stored("STOREDIST")];
}

export const georadius = command({
  name: "georadius",
  group: "geo",
  since: "3.2.0",
  summary: "Returns or stores the members within a circle around a position.",
  complexity: COMPLEXITY,
  arity: -6,
  flags: WRITE | DENYOOM,
  categories: ["geo"],
  keys: storingKeys(6),
  deprecated: {
    since: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
  },
  history: [ANY_OPTION, UPPER_CASE_UNITS],
  args: [
    KEY_ARGUMENT,
    ...POSITION_ARGUMENTS,
    ...CIRCLE_ARGUMENTS,
    LATER_COUNT_ARGUMENT,
    ORDER_ARGUMENT,
    ...STORE_ARGUMENTS,
  ],
  run: (call) => search(call, FROM_POSITION),
});

export const georadiusReadonly = command({
  name: "georadius_ro",
  group: "geo",
  since: "3.2.10",
  summary: "Returns the members within a circle around a position.",
  complexity: COMPLEXITY,
  arity: -6,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  deprecated: { since: "6.2.0", replacedBy: "`GEOSEARCH` with the `BYRADIUS` argument" },
  history: [ANY_OPTION],
  args: [
    KEY_ARGUMENT,
    ...POSITION_ARGUMENTS,
    ...CIRCLE_ARGUMENTS,
    LATER_COUNT_ARGUMENT,
    ORDER_ARGUMENT,
  ],
  run: (call) => search(call, FROM_POSITION_READONLY),
});

export const georadiusbymember = command({
  name: "georadiusbymember",
  group: "geo",
  since: "3.2.0",
  summary: "Returns or stores the members within a circle around one of them.",
  complexity: COMPLEXITY,
  arity: -5,
  flags: WRITE | DENYOOM,
  categories: ["geo"],
  keys: storingKeys(5),
  deprecated: {
    since: "6.2.0",
    replacedBy: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
  },
  history: [UPPER_CASE_UNITS],
  args: [
    KEY_ARGUMENT,
    { name: "member", type: "string" },
    ...CIRCLE_ARGUMENTS,
    COUNT_ARGUMENT,
    ORDER_ARGUMENT,
    ...STORE_ARGUMENTS,
  ],
  run: (call) => search(call, FROM_MEMBER),
});

export const georadiusbymemberReadonly = command({
  name: "georadiusbymember_ro",
  group: "geo",
  since: "3.2.10",
  summary: "Returns the members within a circle around one of them.",
  complexity: COMPLEXITY,
  arity: -5,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  deprecated: {
    since: "6.2.0",
    replacedBy: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
  },
  args: [
    KEY_ARGUMENT,
    { name: "member", type: "string" },
    ...CIRCLE_ARGUMENTS,
    COUNT_ARGUMENT,
    ORDER_ARGUMENT,
  ],
  run: (call) => search(call, FROM_MEMBER_READONLY),
});
