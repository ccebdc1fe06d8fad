/** The arguments of REPLICAOF and SLAVEOF, as COMMAND DOCS shows them. */
import type { ArgumentDoc } from "../../engine/command.ts";

export const PRIMARY_ARGUMENTS: readonly ArgumentDoc[] = [
  {
    name: "args",
    type: "oneof",
    parts: [
      {
        name: "host-port",
        type: "block",
        parts: [
          { name: "host", type: "string" },
          { name: "port", type: "integer" },
        ],
      },
      {
        name: "no-one",
        type: "block",
        parts: [
          { name: "no", type: "pure-token", token: "NO" },
          { name: "one", type: "pure-token", token: "ONE" },
        ],
      },
    ],
  },
];
