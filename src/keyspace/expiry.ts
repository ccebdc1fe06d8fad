/**
 * The active expiry cycle: removes expired keys that nobody asks for, with Redis's effort model
 * (expire.c). A database is sampled in groups; while more than a tenth (less with more effort)
 * of a group was expired it goes on, until its time is over. What is left waits for the next
 * cycle, which goes on where this one stopped.
 */
import type { Clock } from "../base/clock.ts";
import type { Ref } from "../memory/arena.ts";
import { expiryOf } from "../memory/entry.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const KEYS_PER_GROUP = 20;
const FAST_CYCLE_US = 1000;
const SLOW_CYCLE_PERCENT = 25;
const ACCEPTABLE_STALE_PERCENT = 10;
/** Slots looked at for one group of keys, in tables where few keys have an expiry. */
const SLOTS_PER_GROUP = 262144;
const SLOTS_PER_STEP = 64;

export class ExpiryCycle {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isEnabled = true;
  /** `active-expire-effort`, 1 to 10. */
  effort = 1;
  private readonly keyspace: Keyspace;
  private readonly clock: Clock;
  private nextDatabase = 0;
  private wasCutShort = false;
  private lastFastUs = 0;
  private sampled = 0;
  private stale = 0;
  private ttlSumMs = 0;
  private readonly found: Ref[] = [];

  constructor(keyspace: Keyspace, clock: Clock) {
    this.keyspace = keyspace;
    this.clock = clock;
  }

  /** Called by the cron, `hz` times a second. */
  slowCycle(hz: number): void {
    const percent = SLOW_CYCLE_PERCENT + 2 * (this.effort - 1);
    this.run(Math.max(1, (percent * 1e6) / hz / 100));
  }

  /** Called between turns: only where the last cycle could not finish, and not too often. */
  fastCycle(): void {
    const limitUs = FAST_CYCLE_US + (FAST_CYCLE_US / 4) * (this.effort - 1);
    const { context } = this.keyspace;
    if (!this.wasCutShort && context.expiredStalePercent < this.acceptable) return;
    const nowUs = this.clock.monotonicUs();
    if (nowUs < this.lastFastUs + 2 * limitUs) return;
    this.lastFastUs = nowUs;
    this.run(limitUs);
  }

  private get acceptable(): number {
    return ACCEPTABLE_STALE_PERCENT - (this.effort - 1);
  }

  private run(limitUs: number): void {
    const { context, databases } = this.keyspace;
    if (!this.isEnabled || context.keepsExpired) return;
    const startUs = this.clock.monotonicUs();
    const endUs = startUs + limitUs;
    this.wasCutShort = false;
    this.sampled = 0;
    this.stale = 0;
    for (let i = 0; i < databases.length && !this.wasCutShort; i++) {
      const database = databases[this.nextDatabase % databases.length];
      this.nextDatabase++;
      if (database.expiring > 0) this.sweep(database, endUs);
    }
    if (this.wasCutShort) context.expiryCyclesCutShort++;
    context.expiryCycleUs += this.clock.monotonicUs() - startUs;
    const percent = this.sampled === 0 ? 0 : (this.stale * 100) / this.sampled;
    context.expiredStalePercent = percent * 0.05 + context.expiredStalePercent * 0.95;
  }

  private sweep(database: Database, endUs: number): void {
    const perGroup = KEYS_PER_GROUP + (KEYS_PER_GROUP / 4) * (this.effort - 1);
    const wanted = Math.min(perGroup, database.expiring);
    for (;;) {
      const sampled = this.sampled;
      const stale = this.stale;
      this.ttlSumMs = 0;
      this.sample(database, wanted);
      const sampledNow = this.sampled - sampled;
      const staleNow = this.stale - stale;
      this.noteTtl(database, sampledNow - staleNow);
      if (database.expiring === 0) database.averageTtlMs = 0;
      if (database.expiring === 0 || staleNow * 100 <= sampledNow * this.acceptable) return;
      if (this.clock.monotonicUs() > endUs) {
        this.wasCutShort = true;
        return;
      }
    }
  }

  /** Looks at the next keys that have an expiry, and removes the expired ones. */
  private sample(database: Database, wanted: number): void {
    const nowMs = this.clock.nowMs;
    const { found } = this;
    let slots = 0;
    found.length = 0;
    let seen = 0;
    const visit = (ref: Ref): void => {
      seen++;
      const leftMs = expiryOf(database.arena, ref) - nowMs;
      if (leftMs < 0) found.push(ref);
      else this.ttlSumMs += leftMs;
    };
    while (seen < wanted && slots < SLOTS_PER_GROUP) {
      slots += SLOTS_PER_STEP;
      database.expiryCursor = database.table.scanExpiring(
        database.expiryCursor,
        SLOTS_PER_STEP,
        visit,
      );
      // Round once: what came before was seen a moment ago.
      if (database.expiryCursor === 0) break;
    }
    this.sampled += seen;
    this.stale += found.length;
    for (const ref of found) database.expire(ref);
  }

  private noteTtl(database: Database, alive: number): void {
    if (alive <= 0) return;
    const meanMs = this.ttlSumMs / alive;
    const before = database.averageTtlMs;
    database.averageTtlMs = before === 0 ? meanMs : before * 0.98 + meanMs * 0.02;
  }
}
