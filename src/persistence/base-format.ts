/** The form of the base of an AOF: an RDB, or commands with `aof-use-rdb-preamble no`. */
import type { Engine } from "../engine/engine.ts";
import type { SnapshotEncoder } from "../keyspace/snapshot.ts";
import { CommandEncoder } from "./command-encoder.ts";
import { rdbEncoder } from "./rdb-form.ts";
import type { SnapshotWrite } from "./snapshot-run.ts";

export interface BaseFormat {
  /** How the file's name ends. */
  readonly suffix: "rdb" | "aof";
  readonly makeEncoder: (write: SnapshotWrite) => SnapshotEncoder;
}

/** What the configuration asks for now. */
export function baseFormat(engine: Engine): BaseFormat {
  const { values } = engine.config;
  // There are no commands that make function libraries again.
  if (values["aof-use-rdb-preamble"] || engine.context.functionLibraries.length > 0) {
    return { suffix: "rdb", makeEncoder: (write) => rdbEncoder(engine, write, true) };
  }
  const seconds = Math.floor(engine.clock.nowMs / 1000);
  const notedSeconds = values["aof-timestamp-enabled"] ? seconds : null;
  return {
    suffix: "aof",
    makeEncoder: (write) => new CommandEncoder(engine.context, write, notedSeconds),
  };
}
