/** maxmemory, eviction, expiry, and the handing back of memory. */
import { scores } from "./list-options.ts";
import { integer, LONG_MAX, memoryOrPercent, ULONG_MAX, unsignedMemory } from "./number-options.ts";
import { choice, flag } from "./word-options.ts";

export const LAZY = "memory is always given back in small steps or by the runtime's collector";

export const memoryDirectives = {
  maxmemory: unsignedMemory(0, { max: ULONG_MAX }),
  "maxmemory-policy": choice(
    [
      "volatile-lru",
      "volatile-lfu",
      "volatile-random",
      "volatile-ttl",
      "allkeys-lru",
      "allkeys-lfu",
      "allkeys-random",
      "noeviction",
    ],
    "noeviction",
  ),
  "maxmemory-samples": integer(5, { min: 1 }),
  "maxmemory-eviction-tenacity": integer(10, { max: 100 }),
  /** Bytes, or minus the percentage of maxmemory. */
  "maxmemory-clients": memoryOrPercent(100),
  "lfu-log-factor": integer(10),
  "lfu-decay-time": integer(1),
  "active-expire-effort": integer(1, { min: 1, max: 10 }),
  activerehashing: flag(true),
  /** How values go is always the same; these say whether removals are passed on as UNLINK. */
  "lazyfree-lazy-eviction": flag(false),
  "lazyfree-lazy-expire": flag(false),
  "lazyfree-lazy-user-del": flag(false),
  "lazyfree-lazy-server-del": flag(false, { withoutEffect: LAZY }),
  "lazyfree-lazy-user-flush": flag(false, { withoutEffect: LAZY }),
  /** Redis's default is no: it asks another allocator's leave to move things. */
  activedefrag: flag(true),
  "active-defrag-cycle-min": integer(1, { min: 1, max: 99 }),
  "active-defrag-cycle-max": integer(25, { min: 1, max: 99 }),
  "active-defrag-threshold-lower": integer(10, { max: 1000 }),
  "active-defrag-threshold-upper": integer(100, { max: 1000 }),
  /** Redis: 100 MB. */
  "active-defrag-ignore-bytes": unsignedMemory(4194304, { min: 1 }),
  "active-defrag-max-scan-fields": integer(1000, {
    min: 1,
    max: LONG_MAX,
    withoutEffect: "collections are looked through in slices of their own",
  }),
  "jemalloc-bg-thread": flag(true, { withoutEffect: "jemalloc is not used" }),
  "disable-thp": flag(true, {
    immutable: true,
    withoutEffect: "huge pages are the runtime's own decision",
  }),
  "oom-score-adj": choice(["no", "yes", "relative", "absolute"], "no", {
    synonym: ["relative", "yes"],
  }),
  "oom-score-adj-values": scores([0, 200, 800]),
};
