/** GEOSEARCH and GEOSEARCHSTORE. */
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
import type { ArgumentDoc } from "../../engine/command.ts";
import {
  COUNT_ARGUMENT,
  ORDER_ARGUMENT,
  POSITION_ARGUMENTS,
  UNIT_ARGUMENT,
  WITH_ARGUMENTS,
} from "./_arguments.ts";
import type { SearchForm } from "./_query.ts";
import { search } from "./_search.ts";

const WHERE_ARGUMENTS: readonly ArgumentDoc[] = [
  {
    name: "from",
    type: "oneof",
    parts: [
      { name: "member", type: "string", token: "FROMMEMBER" },
      {
        name: "longitude_latitude",
        type: "block",
        token: "FROMLONLAT",
        parts: POSITION_ARGUMENTS,
      },
    ],
  },
  {
    name: "by",
    type: "oneof",
    parts: [
      {
        name: "circle",
        type: "block",
        parts: [{ name: "radius", type: "double", token: "BYRADIUS" }, UNIT_ARGUMENT],
      },
      {
        name: "box",
        type: "block",
        parts: [
          { name: "width", type: "double", token: "BYBOX" },
          { name: "height", type: "double" },
          UNIT_ARGUMENT,
        ],
      },
    ],
  },
  ORDER_ARGUMENT,
  COUNT_ARGUMENT,
];
const COMPLEXITY =
  "O(N+log(M)) where N is the number of members in the squares of the grid that cover the shape " +
  "and M is the size of the sorted set";
const HISTORY = [["7.0.0", "Units in upper case."]] as const;

const SEARCH: SearchForm = { source: 1, destination: 0, centre: "options", mayStore: false };
const SEARCH_STORE: SearchForm = { source: 2, destination: 1, centre: "options", mayStore: false };

export const geosearch = command({
  name: "geosearch",
  group: "geo",
  since: "6.2.0",
  summary: "Returns the members within a circle or a box.",
  complexity: COMPLEXITY,
  arity: -7,
  flags: READONLY,
  categories: ["geo"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  history: HISTORY,
  args: [{ name: "key", type: "key", keySpec: 0 }, ...WHERE_ARGUMENTS, ...WITH_ARGUMENTS],
  run: (call) => search(call, SEARCH),
});

export const geosearchstore = command({
  name: "geosearchstore",
  group: "geo",
  since: "6.2.0",
  summary: "Stores the members within a circle or a box, with their positions or distances.",
  complexity: COMPLEXITY,
  arity: -8,
  flags: WRITE | DENYOOM,
  categories: ["geo"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), keysAt(KEY_RO | KEY_ACCESS, 2)],
  history: HISTORY,
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "source", type: "key", keySpec: 1 },
    ...WHERE_ARGUMENTS,
    { name: "storedist", type: "pure-token", token: "STOREDIST", optional: true },
  ],
  run: (call) => search(call, SEARCH_STORE),
});
