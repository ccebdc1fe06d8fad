/**
 * Options that the engine keeps in its own fields, where hot code reads them: set once at the
 * start and again whenever CONFIG SET changes one.
 */
import { LOG_DEBUG, LOG_NOTHING, LOG_NOTICE, LOG_VERBOSE, LOG_WARNING } from "../base/log.ts";
import type { Engine } from "./engine.ts";
import { largestReplyBytes } from "./output-limits.ts";
import { ENCODING_DIRECTIVES } from "./typed-values.ts";

/** Below this, the slow log wants durations that only exact timing gives. */
const PRECISE_BELOW_US = 1000;

const LOG_LEVELS = {
  debug: LOG_DEBUG,
  verbose: LOG_VERBOSE,
  notice: LOG_NOTICE,
  warning: LOG_WARNING,
  nothing: LOG_NOTHING,
} as const;

export function applySettings(engine: Engine): void {
  const refresh = (): null => {
    readSettings(engine);
    return null;
  };
  refresh();
  engine.config.onApply("maxmemory", () => {
    engine.eviction.warnOfLimit();
    return null;
  });
  engine.config.onApply("tracking-table-max-keys", () => {
    engine.tracking.checkLimit();
    return null;
  });
  engine.config.onApplyAny(
    [
      "slowlog-log-slower-than",
      "slowlog-max-len",
      "latency-monitor-threshold",
      "latency-tracking",
      "client-output-buffer-limit",
      "maxmemory",
      "maxmemory-clients",
      "maxmemory-eviction-tenacity",
      "maxmemory-policy",
      "maxmemory-samples",
      "replica-ignore-maxmemory",
      "lfu-log-factor",
      "lfu-decay-time",
      "loglevel",
      ...ENCODING_DIRECTIVES,
    ],
    refresh,
  );
}

function readSettings(engine: Engine): void {
  const values = engine.config.values;
  const { slowLog, latency, timing, context, log, clients } = engine;
  slowLog.thresholdUs = values["slowlog-log-slower-than"];
  slowLog.maxLength = values["slowlog-max-len"];
  slowLog.trim();
  latency.thresholdMs = values["latency-monitor-threshold"];
  timing.tracksLatency = values["latency-tracking"];
  timing.isPrecise =
    (slowLog.thresholdUs >= 0 && slowLog.thresholdUs < PRECISE_BELOW_US) || latency.thresholdMs > 0;
  context.access.usesLfu = values["maxmemory-policy"].endsWith("-lfu");
  context.access.lfuLogFactor = values["lfu-log-factor"];
  context.access.lfuDecayMinutes = values["lfu-decay-time"];
  clients.memory.configure(values["maxmemory-clients"], values.maxmemory);
  engine.eviction.configure();
  engine.reply.largestBytes = largestReplyBytes(engine);
  engine.values.configure(engine.config);
  log.level = LOG_LEVELS[values.loglevel];
}
