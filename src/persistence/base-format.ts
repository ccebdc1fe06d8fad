/** The form of the base of an AOF: an RDB, or commands with `aof-use-rdb-preamble no`. */
import type { Engine } from "../engine/engine.ts";
import type { SnapshotEncoder } from "../keyspace/snapshot.ts";
import { CommandEncoder, type WriteBytes } from "./command-encoder.ts";

export interface BaseFormat {
  /** How the file's name ends. */
  readonly suffix: "rdb" | "aof";
  readonly makeEncoder: (write: WriteBytes) => SnapshotEncoder;
}

/** What the configuration asks for now. */
export function baseFormat(engine: Engine): BaseFormat {
  const { values } = engine.config;
  const seconds = Math.floor(engine.clock.nowMs / 1000);
  const notedSeconds = values["aof-timestamp-enabled"] ? seconds : null;
  return {
    suffix: "aof",
    makeEncoder: (write) => new CommandEncoder(engine.context, write, notedSeconds),
  };
}
