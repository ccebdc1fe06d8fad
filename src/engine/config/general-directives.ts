/** The process: start, stop, log, cron. */
import { INT_MAX, INT_MIN, integer } from "./number-options.ts";
import { expandTitle } from "./title-template.ts";
import {
  choice,
  choices,
  flag,
  optionalPath,
  optionalText,
  path,
  plainText,
} from "./word-options.ts";

const PLACED_BY_SYSTEM = "the runtime's threads run where the operating system puts them";

export const generalDirectives = {
  daemonize: flag(false, { immutable: true }),
  supervised: choice(["upstart", "systemd", "auto", "no"], "no", {
    immutable: true,
    withoutEffect: "the runtime has no datagram socket to notify a supervisor",
  }),
  pidfile: optionalPath({ immutable: true }),
  loglevel: choice(["debug", "verbose", "notice", "warning", "nothing"], "notice"),
  logfile: path("", { immutable: true }),
  "syslog-enabled": flag(false, {
    immutable: true,
    withoutEffect: "the runtime has no access to syslog",
  }),
  "syslog-ident": plainText("redis", {
    immutable: true,
    withoutEffect: "the runtime has no access to syslog",
  }),
  "syslog-facility": choice(
    ["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
    "local0",
    { immutable: true, withoutEffect: "the runtime has no access to syslog" },
  ),
  "crash-log-enabled": flag(true, { withoutEffect: "a crash is reported by the runtime" }),
  "crash-memcheck-enabled": flag(true, { withoutEffect: "a crash is reported by the runtime" }),
  "use-exit-on-panic": flag(false, {
    hidden: true,
    withoutEffect: "a failed assertion always exits",
  }),
  databases: integer(16, { min: 1, immutable: true }),
  "always-show-logo": flag(false, { immutable: true }),
  "set-proc-title": flag(true, { immutable: true }),
  "proc-title-template": plainText("{title} {listen-addr} {server-mode}", {
    check(template, { textOf }) {
      const expanded = expandTitle(template, { textOf, title: "", configFile: "" });
      return expanded ? null : "template format is invalid or contains unknown variables";
    },
  }),
  "locale-collate": plainText(""),
  hz: integer(10, { clamp: [1, 500] }),
  "dynamic-hz": flag(true),
  "ignore-warnings": plainText(""),
  "shutdown-timeout": integer(10),
  "shutdown-on-sigint": shutdownOptions(),
  "shutdown-on-sigterm": shutdownOptions(),
  "watchdog-period": integer(0, {
    hidden: true,
    withoutEffect: "the runtime offers no interrupting timer",
  }),
  "io-threads": integer(1, {
    min: 1,
    max: 128,
    immutable: true,
    withoutEffect: "commands and sockets share one thread",
  }),
  "io-threads-do-reads": flag(false, {
    immutable: true,
    withoutEffect: "commands and sockets share one thread",
  }),
  server_cpulist: optionalText({ immutable: true, withoutEffect: PLACED_BY_SYSTEM }),
  bio_cpulist: optionalText({ immutable: true, withoutEffect: PLACED_BY_SYSTEM }),
  aof_rewrite_cpulist: optionalText({ immutable: true, withoutEffect: PLACED_BY_SYSTEM }),
  bgsave_cpulist: optionalText({ immutable: true, withoutEffect: PLACED_BY_SYSTEM }),
  /** Test aids: a pause in microseconds (negative: for as many keys) while loading or saving. */
  "key-load-delay": integer(0, { min: INT_MIN, max: INT_MAX, hidden: true }),
  "rdb-key-save-delay": integer(0, { min: INT_MIN, max: INT_MAX, hidden: true }),
};

function shutdownOptions(): ReturnType<typeof choices<"save" | "nosave" | "now" | "force">> {
  return choices("default", ["save", "nosave", "now", "force"], (chosen) =>
    chosen.has("save") && chosen.has("nosave")
      ? "shutdown options SAVE and NOSAVE can't be used simultaneously"
      : null,
  );
}
