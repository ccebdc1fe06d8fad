/**
 * The active expiry of fields: removes fields of hashes whose time has come and that nobody asks
 * for. Each database knows which hash has the field that is due first (expiring-hashes.ts), so
 * nothing is searched; a hash with many such fields loses some at a time, and what does not fit
 * the time of a cycle waits for the next, which goes on with what was due first.
 */
import type { Clock } from "../base/clock.ts";
import { ByteView } from "../memory/element.ts";
import { NULL_REF } from "../memory/arena.ts";
import { TYPE_HASH } from "../memory/entry.ts";
import { HashValue } from "../values/hash.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";
import { OpenValue } from "./open-value.ts";

/** Fields removed from a hash at once, which one HDEL propagates. */
const FIELDS_PER_STEP = 64;
/** What the cron's cycle may take of its interval, and how long and how often a fast one runs. */
const SLOW_CYCLE_PERCENT = 25;
const FAST_CYCLE_US = 1000;
const FAST_INTERVAL_US = 2000;

export class FieldExpiryCycle {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isEnabled = true;
  private readonly keyspace: Keyspace;
  private readonly clock: Clock;
  private readonly home: OpenValue;
  private readonly hash: HashValue;
  private readonly key = new ByteView();
  private nextDatabase = 0;
  private wasCutShort = false;
  private lastFastUs = 0;

  constructor(keyspace: Keyspace, clock: Clock) {
    this.keyspace = keyspace;
    this.clock = clock;
    this.home = new OpenValue(TYPE_HASH, keyspace.context);
    // Nothing is added to a hash here.
    this.hash = new HashValue(this.home, { maxEntries: 0, maxValueBytes: 0 });
  }

  /** Called by the cron, `hz` times a second. */
  slowCycle(hz: number): void {
    this.run((SLOW_CYCLE_PERCENT * 1e6) / hz / 100);
  }

  /** Called between turns: only where the last cycle could not finish, and not too often. */
  fastCycle(): void {
    if (!this.wasCutShort) return;
    const nowUs = this.clock.monotonicUs();
    if (nowUs < this.lastFastUs + FAST_INTERVAL_US) return;
    this.lastFastUs = nowUs;
    this.run(FAST_CYCLE_US);
  }

  private run(limitUs: number): void {
    const { context, databases } = this.keyspace;
    if (!this.isEnabled || context.keepsExpired) return;
    const startUs = this.clock.monotonicUs();
    this.wasCutShort = false;
    for (let i = 0; i < databases.length && !this.wasCutShort; i++) {
      const database = databases[this.nextDatabase % databases.length];
      this.nextDatabase++;
      this.sweep(database, startUs + limitUs);
    }
    context.expiryCycleUs += this.clock.monotonicUs() - startUs;
  }

  private sweep(database: Database, endUs: number): void {
    while (isDue(database, this.clock.nowMs)) {
      this.expireFirst(database);
      if (this.clock.monotonicUs() < endUs) continue;
      this.wasCutShort = isDue(database, this.clock.nowMs);
      return;
    }
  }

  private expireFirst(database: Database): void {
    const { home, hash, key } = this;
    database.expiringHashes?.readFirst(key);
    // The key goes from there with its last such field, and must still be propagated.
    const bytes = key.bytes.slice(key.start, key.start + key.length);
    const ref = database.peek(bytes, 0, bytes.length);
    if (ref === NULL_REF) return;
    home.open(database, ref, bytes, 0, bytes.length);
    hash.opened(this.clock.nowMs).removeExpired(FIELDS_PER_STEP);
  }
}

function isDue({ expiringHashes }: Database, nowMs: number): boolean {
  return expiringHashes !== null && expiringHashes.firstMs < nowMs;
}
