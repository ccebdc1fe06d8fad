/**
 * Keys of a replica that its own clients gave an expiry to (`replica-read-only no`): the primary
 * does not know of them, so they are deleted here when their time has come, while all others wait
 * for the primary's word. Source: expireSlaveKeys, expire.c, Redis 7.
 */
import { bytesOf, textOf } from "../base/bytes.ts";
import type { Engine } from "../engine/engine.ts";
import type { KeyWatcher } from "../engine/key-events.ts";
import type { Database } from "../keyspace/database.ts";
import { NULL_REF } from "../memory/arena.ts";

/** What happens to a key that has been given an expiry. */
const EVENTS: ReadonlySet<string> = new Set([
  "expire",
  "restore",
  "copy_to",
  "rename_to",
  "move_to",
]);
const MAX_CYCLE_US = 1000;

export class OwnExpiries implements KeyWatcher {
  /** By database, in the order in which they are looked at. */
  private readonly keys = new Map<Database, Set<string>>();
  private isWatching = false;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get count(): number {
    let count = 0;
    for (const keys of this.keys.values()) count += keys.size;
    return count;
  }

  /** Whether clients may write. What they wrote before still goes. */
  set isEnabled(isEnabled: boolean) {
    if (isEnabled === this.isWatching) return;
    this.isWatching = isEnabled;
    if (isEnabled) this.engine.watchKeys(this);
    else this.engine.unwatchKeys(this);
  }

  keyChanged(
    database: Database,
    _kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { running } = this.engine;
    if (running === null || running.isPrimary || !EVENTS.has(event)) return;
    const ref = database.peekAny(bytes, start, length);
    if (ref === NULL_REF || !database.hasExpiry(ref)) return;
    let keys = this.keys.get(database);
    if (keys === undefined) this.keys.set(database, (keys = new Set()));
    keys.add(textOf(bytes, start, length));
  }

  contentReplaced(database: Database, replacement: Database | null): void {
    // Emptied, or a primary's snapshot takes its place; SWAPDB changes nothing here, as in Redis.
    if (replacement === null || replacement.index === database.index) this.keys.delete(database);
  }

  /** Called by the cron of a replica: deletes those whose time has come. */
  expire(): void {
    if (this.keys.size === 0) return;
    const { clock, effects } = this.engine;
    const endUs = clock.monotonicUs() + MAX_CYCLE_US;
    for (const [database, keys] of this.keys) {
      let left = keys.size;
      for (const key of keys) {
        if (left-- === 0 || clock.monotonicUs() > endUs) break;
        keys.delete(key);
        // Behind the others, which have not been looked at.
        if (this.staysAfterLook(database, key)) keys.add(key);
      }
      if (keys.size === 0) this.keys.delete(database);
    }
    effects.finishEach();
  }

  private staysAfterLook(database: Database, key: string): boolean {
    const { engine } = this;
    const bytes = bytesOf(key);
    const ref = database.peekAny(bytes, 0, bytes.length);
    if (ref === NULL_REF || !database.hasExpiry(ref)) return false;
    if (!database.isExpired(ref)) return true;
    engine.removingExpired(() => database.expire(ref));
    return false;
  }
}
