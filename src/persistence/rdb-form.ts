/** How this server writes and reads its RDB files: what the configuration says of that. */
import { REDIS_VERSION } from "../base/version.ts";
import type { Log } from "../base/log.ts";
import type { Engine } from "../engine/engine.ts";
import { errorCode } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { SnapshotContent } from "../engine/persistence.ts";
import type { StreamPosition } from "../engine/replication.ts";
import { parsePosition } from "./stream-note.ts";
import { RdbEncoder, type RdbOptions } from "../rdb/rdb-encoder.ts";
import { RdbError } from "../rdb/rdb-error.ts";
import { configuredVersion, fileVersion } from "../rdb/rdb-version.ts";
import type { SnapshotWrite } from "./snapshot-run.ts";

const MEBIBYTE = 1024 * 1024;

/** For nobody but servers like this one. */
export const WHOLE: SnapshotContent = { hasKeys: true, hasLibraries: true, isForAll: false };
/** The version that every Redis 7 reads. */
const VERSION_FOR_ALL = 10;

/** An encoder for all databases as they are now. */
export function rdbEncoder(
  engine: Engine,
  write: SnapshotWrite,
  isAofBase: boolean,
  content = WHOLE,
): RdbEncoder {
  const { config, context, keyspace } = engine;
  const { values } = config;
  const wanted = content.isForAll ? VERSION_FOR_ALL : configuredVersion(values["rdb-version"]);
  const sizes = keyspace.databases.map(({ size, expiring }) => [size, expiring] as const);
  return new RdbEncoder(context, write, {
    version: fileVersion(keyspace, wanted),
    compresses: values.rdbcompression,
    checksums: values.rdbchecksum,
    aux: aboutFile(engine, isAofBase),
    writesIdle: idleForm(values["maxmemory-policy"]),
    libraries: content.hasLibraries ? context.functionLibraries : [],
    sizes: (database) => sizes[database],
  });
}

/** The fields that stand in front of all keys (rdbSaveInfoAuxFields, rdb.c). */
function aboutFile(engine: Engine, isAofBase: boolean): [string, string][] {
  const { clock, memory } = engine;
  // The changes that follow the base of an AOF move the place in the stream.
  const position = isAofBase ? null : engine.replication.position;
  return [
    ["redis-ver", REDIS_VERSION],
    ["redis-bits", "64"],
    ["ctime", String(Math.floor(clock.nowMs / 1000))],
    ["used-mem", String(memory.measure())],
    ...(position === null ? [] : aboutStream(position)),
    ["aof-base", isAofBase ? "1" : "0"],
  ];
}

function aboutStream({ id, offset, database }: StreamPosition): [string, string][] {
  return [
    // Where none is selected, the stream goes on by selecting one.
    ["repl-stream-db", String(Math.max(0, database))],
    ["repl-id", id],
    ["repl-offset", String(offset)],
  ];
}

/** Where the stream was when the file was written, from its fields; null where they don't say. */
export function streamPositionOf(aux: ReadonlyMap<string, string>): StreamPosition | null {
  const words = ["repl-id", "repl-offset", "repl-stream-db"].map((name) => aux.get(name) ?? "");
  return parsePosition(words);
}

function idleForm(policy: string): RdbOptions["writesIdle"] {
  if (policy.endsWith("-lru")) return "lru";
  return policy.endsWith("-lfu") ? "lfu" : "none";
}

/** Tells the operator what a file that is being loaded says about itself. */
export function logAboutFile(log: Log, name: string, value: string, nowMs: number): void {
  switch (name) {
    case "redis-ver":
      log.notice(`Loading RDB produced by version ${value}`);
      return;
    case "ctime":
      log.notice(`RDB age ${Math.max(0, Math.floor(nowMs / 1000) - Number(value))} seconds`);
      return;
    case "used-mem":
      log.notice(`RDB memory usage when created ${(Number(value) / MEBIBYTE).toFixed(2)} Mb`);
      return;
    case "aof-base":
      if (value === "1") log.notice("RDB is base AOF");
  }
}

/** Why what a primary has sent can't be loaded, in a few words. */
export function reasonUnreadable(error: unknown): string {
  return errorCode(error) === "" ? "it is damaged" : systemErrorText(error);
}

/** Says why a file can't be read, and where; what is a bug is thrown on. */
export function reportUnreadable(log: Log, error: unknown): void {
  if (error instanceof RdbError) {
    const what = error.message.startsWith("Wrong RDB checksum") ? "RDB CRC error" : "Bad RDB file";
    log.warning(`${what} reading offset ${error.offset}: ${error.message}`);
  } else if (errorCode(error) !== "") {
    log.warning(`Error reading the RDB file: ${systemErrorText(error)}`);
  } else {
    throw error;
  }
}
