/**
 * WATCH: the keys that sessions watch, so that EXEC runs only where none of them has changed
 * since. It listens to the reports of changed keys while anybody watches; the first change of
 * one of a session's keys decides, and the session's keys are forgotten.
 *
 * A key that had expired already when it was watched, but was still there, may go without a
 * change (redis/src/multi.c).
 */
import type { Database } from "../keyspace/database.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Engine } from "./engine.ts";
import { leavesContent } from "./key-events.ts";
import type { KeyWatcher } from "./key-events.ts";
import { IndexedKey, KeyIndex } from "./_key-index.ts";
import type { Session } from "./session.ts";

/** A key that one session watches: its places in two sets. The key itself is in the index. */
const BYTES_PER_KEY = 224;

/** What a session watches. */
export class Watch {
  /** A watched key changed: EXEC must not run. */
  isBroken = false;
  /** Each with whether it had expired when it was watched. */
  readonly keys = new Map<WatchedKey, boolean>();

  get sizeBytes(): number {
    return BYTES_PER_KEY * this.keys.size;
  }
}

class WatchedKey extends IndexedKey {
  readonly watches = new Set<Watch>();
}

export class WatchedKeys implements KeyWatcher {
  /** Sessions that watch at least one key. */
  sessionCount = 0;
  private readonly keys = new KeyIndex<WatchedKey>(
    (database, bytes, hash) => new WatchedKey(database, bytes, hash),
  );
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** What the keys take beside that which their watchers count. */
  get sizeBytes(): number {
    return this.keys.sizeBytes;
  }

  /** Keys that somebody watches. */
  get keyCount(): number {
    return this.keys.count;
  }

  add(session: Session, bytes: Uint8Array, start: number, length: number): void {
    session.watch ??= new Watch();
    const { watch } = session;
    if (watch.isBroken) return;
    if (this.keys.count === 0) this.engine.watchKeys(this);
    const key = this.keys.obtain(session.database, bytes, start, length);
    if (watch.keys.has(key)) return;
    if (watch.keys.size === 0) this.sessionCount++;
    watch.keys.set(key, hasExpired(key.database, key));
    key.watches.add(watch);
  }

  /** UNWATCH, and the end of each transaction. */
  forget(session: Session): void {
    const { watch } = session;
    if (watch === null) return;
    this.release(watch);
    session.watch = null;
  }

  /** Whether EXEC may run: nothing that the session watches has changed or expired. */
  isIntact({ watch }: Session): boolean {
    if (watch === null) return true;
    if (watch.isBroken) return false;
    for (const [key, hadExpired] of watch.keys) {
      if (!hadExpired && hasExpired(key.database, key)) return false;
    }
    return true;
  }

  keyChanged(
    database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (leavesContent(kind, event)) return;
    const key = this.keys.find(database, bytes, start, length);
    if (key === null) return;
    for (const watch of key.watches) {
      if (watch.keys.get(key) === false) this.break(watch);
      else if (!exists(database, key)) watch.keys.set(key, false);
    }
  }

  contentReplaced(database: Database, replacement: Database | null): void {
    for (const key of this.keys.all()) {
      if (key.database !== database) continue;
      const isThere = exists(database, key);
      const willBe = replacement !== null && exists(replacement, key);
      if (!isThere && !willBe) continue;
      const willBeExpired = replacement !== null && hasExpired(replacement, key);
      for (const watch of key.watches) {
        const hadExpired = watch.keys.get(key) === true;
        if (hadExpired && !willBe) watch.keys.set(key, false);
        else if (!hadExpired && !isThere && willBeExpired) watch.keys.set(key, true);
        else if (!hadExpired || !willBeExpired) this.break(watch);
      }
    }
  }

  private break(watch: Watch): void {
    watch.isBroken = true;
    this.release(watch);
  }

  private release(watch: Watch): void {
    if (watch.keys.size === 0) return;
    for (const key of watch.keys.keys()) {
      key.watches.delete(watch);
      if (key.watches.size === 0) this.keys.remove(key);
    }
    watch.keys.clear();
    this.sessionCount--;
    if (this.keys.count === 0) this.engine.unwatchKeys(this);
  }
}

function exists(database: Database, { bytes }: IndexedKey): boolean {
  return database.peekAny(bytes, 0, bytes.length) !== NULL_REF;
}

/** Whether it is there still although its time has passed. */
function hasExpired(database: Database, { bytes }: IndexedKey): boolean {
  const ref = database.peekAny(bytes, 0, bytes.length);
  return ref !== NULL_REF && database.isExpired(ref);
}
