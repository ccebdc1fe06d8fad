/** RDB and AOF files. */
import { directory, savePoints } from "./list-options.ts";
import { INT_MAX, integer, memory } from "./number-options.ts";
import { choice, flag, path } from "./word-options.ts";

const MEBIBYTE = 1024 * 1024;

export const persistenceDirectives = {
  dir: directory({ protected: true, notWhileLoading: true }),
  dbfilename: path("dump.rdb", {
    protected: true,
    check: (name) => (isBaseName(name) ? null : "dbfilename can't be a path, just a filename"),
  }),
  save: savePoints("3600 1 300 100 60 10000"),
  rdbcompression: flag(true),
  rdbchecksum: flag(true, { immutable: true }),
  /** Of what is written: Redis 7.0 reads 10, 7.2 reads 11, 7.4 reads 12. */
  "rdb-version": choice(["10", "11", "12"], "11"),
  "rdb-del-sync-files": flag(false),
  "rdb-save-incremental-fsync": flag(true),
  "stop-writes-on-bgsave-error": flag(true),
  "sanitize-dump-payload": choice(["no", "yes", "clients"], "no"),
  appendonly: flag(false, { notWhileLoading: true }),
  appendfilename: path("appendonly.aof", {
    immutable: true,
    check: (name) => checkFileName("appendfilename", name, "filename"),
  }),
  appenddirname: path("appendonlydir", {
    immutable: true,
    check: (name) => checkFileName("appenddirname", name, "dirname"),
  }),
  appendfsync: choice(["everysec", "always", "no"], "everysec"),
  "no-appendfsync-on-rewrite": flag(false),
  "auto-aof-rewrite-percentage": integer(100),
  "auto-aof-rewrite-min-size": memory(64 * MEBIBYTE),
  "aof-load-truncated": flag(true),
  "aof-use-rdb-preamble": flag(true),
  "aof-timestamp-enabled": flag(false),
  "aof-rewrite-incremental-fsync": flag(true),
  "aof-disable-auto-gc": flag(false),
  /** How many bytes of a file are loaded between two looks at the network. */
  "loading-process-events-interval-bytes": integer(2 * MEBIBYTE, {
    min: 1024,
    max: INT_MAX,
    hidden: true,
  }),
};

function checkFileName(directive: string, name: string, kind: string): string | null {
  if (name === "") return `${directive} can't be empty`;
  return isBaseName(name) ? null : `${directive} can't be a path, just a ${kind}`;
}

function isBaseName(name: string): boolean {
  return !/[/\\]/.test(name);
}
