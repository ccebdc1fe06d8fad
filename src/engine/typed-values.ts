/**
 * Opens the keys among a command's arguments as values of a type. A missing key opens as an empty
 * value, which the first addition makes; null means that the key holds another type and the
 * error has been replied. Each type has one object that serves all commands; a command that works
 * on several keys of a type opens the others with `another`.
 */
import type { Database } from "../keyspace/database.ts";
import { OpenValue } from "../keyspace/open-value.ts";
import type { Ref } from "../memory/arena.ts";
import { TYPE_HASH } from "../memory/entry.ts";
import { HashValue } from "../values/hash.ts";
import type { HashLimits } from "../values/hash.ts";
import type { Home } from "../values/home.ts";
import type { Call } from "./call.ts";
import type { Config } from "./config/config.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import { NOTIFY_GENERIC } from "./key-events.ts";

export class TypedValues {
  readonly hash: HashValue;
  private readonly hashHome: OpenValue;
  private readonly hashLimits: HashLimits = { maxEntries: 0, maxValueBytes: 0 };

  constructor(context: KeyspaceContext) {
    this.hashHome = new OpenValue(TYPE_HASH, context);
    this.hash = new HashValue(this.hashHome, this.hashLimits);
  }

  /** Reads the thresholds between encodings; called again when one is set. */
  configure(config: Config): void {
    const { values } = config;
    this.hashLimits.maxEntries = values["hash-max-listpack-entries"];
    this.hashLimits.maxValueBytes = values["hash-max-listpack-value"];
  }

  openHash(
    database: Database,
    ref: Ref,
    bytes: Uint8Array,
    start: number,
    length: number,
    nowMs: number,
  ): HashValue {
    this.hashHome.open(database, ref, bytes, start, length);
    return this.hash.opened(nowMs);
  }
}

/** Directives that `configure` reads. */
export const ENCODING_DIRECTIVES = [
  "hash-max-listpack-entries",
  "hash-max-listpack-value",
] as const;

export function readHash(call: Call, index: number): HashValue | null {
  return openHash(call, call.readKey(index), index);
}

export function writeHash(call: Call, index: number): HashValue | null {
  return openHash(call, call.writeKey(index), index);
}

function openHash(call: Call, ref: Ref, index: number): HashValue | null {
  if (call.isWrongType(ref, TYPE_HASH)) return null;
  const { bytes, starts, lengths } = call.args;
  const { values } = call.engine;
  return values.openHash(
    call.database,
    ref,
    bytes,
    starts[index],
    lengths[index],
    call.visibleFromMs,
  );
}

/** Removes the key in argument `index` where its value has become empty, and reports that. */
export function removeEmptied(
  call: Call,
  value: { size: number; home: Home },
  index: number,
): void {
  if (value.size > 0 || !value.home.exists) return;
  value.home.remove();
  call.alsoHappened(NOTIFY_GENERIC, "del", index);
}
