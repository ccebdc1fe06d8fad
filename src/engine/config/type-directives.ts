/** Up to where a collection keeps its compact encoding. */
import { INT_MAX, INT_MIN, integer, LONG_MAX, unsigned, unsignedMemory } from "./number-options.ts";

export const typeDirectives = {
  "hash-max-listpack-entries": unsigned(512, { aliases: ["hash-max-ziplist-entries"] }),
  "hash-max-listpack-value": unsignedMemory(64, { aliases: ["hash-max-ziplist-value"] }),
  /** Negative: -1 to -5 stand for 4, 8, 16, 32, 64 KiB per node. */
  "list-max-listpack-size": integer(-2, {
    min: INT_MIN,
    max: INT_MAX,
    aliases: ["list-max-ziplist-size"],
  }),
  "list-compress-depth": integer(0, { withoutEffect: "lists are kept uncompressed" }),
  "set-max-intset-entries": unsigned(512),
  "set-max-listpack-entries": unsigned(128),
  "set-max-listpack-value": unsigned(64),
  "zset-max-listpack-entries": unsigned(128, { aliases: ["zset-max-ziplist-entries"] }),
  "zset-max-listpack-value": unsignedMemory(64, { aliases: ["zset-max-ziplist-value"] }),
  "hll-sparse-max-bytes": unsignedMemory(3000),
  "stream-node-max-bytes": unsignedMemory(4096),
  "stream-node-max-entries": integer(100, { max: LONG_MAX }),
};
