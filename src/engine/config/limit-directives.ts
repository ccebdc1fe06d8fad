/** What one client or request may use, and what is recorded about those that use much. */
import { outputLimits, percentiles } from "./list-options.ts";
import { integer, LONG_MAX, memory, unsigned, unsignedMemory } from "./number-options.ts";
import { flag } from "./word-options.ts";

const MEBIBYTE = 1024 * 1024;

export const limitDirectives = {
  "proto-max-bulk-len": memory(512 * MEBIBYTE, { min: MEBIBYTE }),
  "client-query-buffer-limit": unsignedMemory(1024 * MEBIBYTE, { min: MEBIBYTE }),
  "client-output-buffer-limit": outputLimits(
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
  ),
  "tracking-table-max-keys": unsigned(1000000),
  /** Milliseconds after which a script or function counts as busy. */
  "busy-reply-threshold": integer(5000, { max: LONG_MAX, aliases: ["lua-time-limit"] }),
  /** Microseconds; -1 turns the slow log off. */
  "slowlog-log-slower-than": integer(10000, { min: -1, max: LONG_MAX }),
  "slowlog-max-len": integer(128, { max: LONG_MAX }),
  /** Milliseconds; 0 turns the monitor off. */
  "latency-monitor-threshold": integer(0, { max: LONG_MAX }),
  "latency-tracking": flag(true),
  "latency-tracking-info-percentiles": percentiles([50, 99, 99.9]),
};
