/**
 * What the active expiry of keys and that of fields have in common: Redis's limits of effort
 * (expire.c), spent in slices so short that nobody waits for them.
 *
 * A slow cycle begins `hz` times a second and may take a quarter of that time, more with more
 * effort; where it could not finish, short fast ones follow while the server is awake. A cycle
 * looks at each database once. What is left when its time is over waits for the next, which goes
 * on with the database after.
 */
import type { Clock } from "../base/clock.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";

const SLOW_CYCLE_PERCENT = 25;
const FAST_CYCLE_US = 1000;
const SLICE_US = 500;

export abstract class SlicedCycle {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isEnabled = true;
  /** `active-expire-effort`, 1 to 10. */
  effort = 1;
  protected readonly keyspace: Keyspace;
  protected readonly clock: Clock;
  /** What the running cycle may still take. */
  private leftUs = 0;
  private databasesLeft = 0;
  private nextDatabase = 0;
  private wasCutShort = false;
  private lastFastUs = 0;

  constructor(keyspace: Keyspace, clock: Clock) {
    this.keyspace = keyspace;
    this.clock = clock;
  }

  /** A cycle has begun whose slices are not over. */
  get isRunning(): boolean {
    return this.databasesLeft > 0;
  }

  /** Called by the cron, `hz` times a second. A cycle that still runs then is over. */
  beginSlow(hz: number): void {
    if (this.isRunning) this.end(true);
    const percent = SLOW_CYCLE_PERCENT + 2 * (this.effort - 1);
    this.begin(Math.max(1, (percent * 1e6) / hz / 100));
  }

  /** Called between turns: begins one only where it is worth it, and not too often. */
  beginFast(): void {
    if (this.isRunning || (!this.wasCutShort && !this.seemsStale())) return;
    const limitUs = FAST_CYCLE_US + (FAST_CYCLE_US / 4) * (this.effort - 1);
    const nowUs = this.clock.monotonicUs();
    if (nowUs < this.lastFastUs + 2 * limitUs) return;
    this.lastFastUs = nowUs;
    this.begin(limitUs);
  }

  /** Spends a part of the running cycle's time. */
  runSlice(): void {
    const { context, databases } = this.keyspace;
    if (!this.isRunning) return;
    if (!this.mayRun) {
      this.databasesLeft = 0;
      return;
    }
    const startUs = this.clock.monotonicUs();
    const endUs = startUs + Math.min(SLICE_US, this.leftUs);
    while (this.sweep(databases[this.nextDatabase % databases.length], endUs)) {
      this.nextDatabase++;
      if (--this.databasesLeft === 0) break;
    }
    const tookUs = this.clock.monotonicUs() - startUs;
    context.expiryCycleUs += tookUs;
    this.leftUs -= tookUs;
    if (this.databasesLeft === 0) this.end(false);
    else if (this.leftUs <= 0) this.end(true);
  }

  /** Removes what has expired in a database until `endUs`; false where it was not done by then. */
  protected abstract sweep(database: Database, endUs: number): boolean;

  /** Whether much is left although the last cycle was not cut short. */
  protected seemsStale(): boolean {
    return false;
  }

  /** A cycle is over. */
  protected ended(): void {}

  private get mayRun(): boolean {
    return this.isEnabled && !this.keyspace.context.keepsExpired;
  }

  private begin(limitUs: number): void {
    if (!this.mayRun) return;
    this.leftUs = limitUs;
    this.databasesLeft = this.keyspace.databases.length;
  }

  private end(isCutShort: boolean): void {
    this.databasesLeft = 0;
    this.wasCutShort = isCutShort;
    if (isCutShort) {
      this.keyspace.context.expiryCyclesCutShort++;
      this.nextDatabase++;
    }
    this.ended();
  }
}
