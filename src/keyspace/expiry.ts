/**
 * The active expiry cycle: removes expired keys that nobody asks for, with Redis's effort model
 * (expire.c). A database is sampled in groups; while more than a tenth (less with more effort)
 * of a group was expired it goes on, until the cycle's time is over (_sliced-cycle.ts).
 */
import type { Ref } from "../memory/arena.ts";
import { expiryOf } from "../memory/entry.ts";
import { SlicedCycle } from "./_sliced-cycle.ts";
import type { Database } from "./database.ts";

const KEYS_PER_GROUP = 20;
const ACCEPTABLE_STALE_PERCENT = 10;
/** Slots looked at for one group of keys, in tables where few keys have an expiry. */
const SLOTS_PER_GROUP = 262144;
const SLOTS_PER_STEP = 64;

export class ExpiryCycle extends SlicedCycle {
  /** Keys of the running cycle. */
  private sampled = 0;
  private stale = 0;
  /** Of the group: the keys that stay, and their time left. */
  private alive = 0;
  private ttlSumMs = 0;
  private database: Database | null = null;
  private readonly found: Ref[] = [];
  private readonly visit = (ref: Ref): void => this.look(ref);

  protected override sweep(database: Database, endUs: number): boolean {
    const perGroup = KEYS_PER_GROUP + (KEYS_PER_GROUP / 4) * (this.effort - 1);
    while (database.expiring > 0) {
      const stale = this.sampleGroup(database, Math.min(perGroup, database.expiring));
      this.noteTtl(database);
      if (stale * 100 <= (stale + this.alive) * this.acceptable) return true;
      if (this.clock.monotonicUs() > endUs) return database.expiring === 0;
    }
    database.averageTtlMs = 0;
    return true;
  }

  protected override seemsStale(): boolean {
    return this.keyspace.context.expiredStalePercent >= this.acceptable;
  }

  protected override ended(): void {
    const { context } = this.keyspace;
    const percent = this.sampled === 0 ? 0 : (this.stale * 100) / this.sampled;
    context.expiredStalePercent = percent * 0.05 + context.expiredStalePercent * 0.95;
    this.sampled = 0;
    this.stale = 0;
  }

  private get acceptable(): number {
    return ACCEPTABLE_STALE_PERCENT - (this.effort - 1);
  }

  /** Looks at the next keys that have an expiry and removes the expired ones; how many. */
  private sampleGroup(database: Database, wanted: number): number {
    const { found } = this;
    const { table } = database;
    found.length = 0;
    this.alive = 0;
    this.ttlSumMs = 0;
    this.database = database;
    let slots = 0;
    while (found.length + this.alive < wanted && slots < SLOTS_PER_GROUP) {
      slots += SLOTS_PER_STEP;
      const cursor = table.scanExpiring(database.expiryCursor, SLOTS_PER_STEP, this.visit);
      database.expiryCursor = cursor;
      // Round once: what came before was seen a moment ago.
      if (cursor === 0) break;
    }
    this.database = null;
    const stale = found.length;
    for (let i = 0; i < stale; i++) database.expire(found[i]);
    this.stale += stale;
    this.sampled += stale + this.alive;
    return stale;
  }

  private look(ref: Ref): void {
    if (this.database === null) return;
    const leftMs = expiryOf(this.database.arena, ref) - this.clock.nowMs;
    if (leftMs < 0) {
      this.found.push(ref);
    } else {
      this.alive++;
      this.ttlSumMs += leftMs;
    }
  }

  private noteTtl(database: Database): void {
    if (this.alive === 0) return;
    const meanMs = this.ttlSumMs / this.alive;
    const before = database.averageTtlMs;
    database.averageTtlMs = before === 0 ? meanMs : before * 0.98 + meanMs * 0.02;
  }
}
