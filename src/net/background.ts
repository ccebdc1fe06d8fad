/**
 * What the server does by itself between turns of the event loop, in slices of at most half a
 * millisecond or so: removing what has expired, evicting, freeing what was deleted, and giving
 * memory back. (Compaction, in engine/active-defrag.ts, and snapshots have a pace of their own.)
 */
import { GarbageCollector } from "../base/garbage.ts";
import type { Engine } from "../engine/engine.ts";
import { ExpiryCycle } from "../keyspace/expiry.ts";
import { FieldExpiryCycle } from "../keyspace/field-expiry.ts";
import type { Gateway } from "./gateway.ts";
import type { Turn } from "./turn.ts";

/** Elements of deleted collections freed at once: about a tenth of a millisecond. */
const FREED_PER_SLICE = 500;
/** Unused slabs go back to the system a few at a time: what it does with them stops others. */
const GIVEN_BACK_AT_ONCE = 1 << 24;
const GIVING_BACK_EVERY_MS = 20;

export class Background {
  private readonly expiry: ExpiryCycle;
  private readonly fieldExpiry: FieldExpiryCycle;
  private readonly garbage = new GarbageCollector();
  private isReclaiming = false;
  private isEvicting = false;
  private givingBack: Timer | null = null;
  /** The next slice of expiry is on its way. */
  private isExpiring = false;
  private readonly engine: Engine;
  private readonly gateway: Gateway;
  private readonly turn: Turn;

  constructor(engine: Engine, gateway: Gateway, turn: Turn) {
    this.engine = engine;
    this.gateway = gateway;
    this.turn = turn;
    this.expiry = new ExpiryCycle(engine.keyspace, engine.clock);
    this.fieldExpiry = new FieldExpiryCycle(engine.keyspace, engine.clock);
  }

  turnEnded(): void {
    this.expireQuickly();
    this.reclaim();
  }

  /** Gives expiry its time until the next cron. */
  beginExpiry(): void {
    const { hz, "active-expire-effort": effort } = this.engine.config.values;
    this.allowExpiry();
    for (const cycle of [this.expiry, this.fieldExpiry]) {
      cycle.effort = effort;
      cycle.beginSlow(hz);
    }
    if (!this.isExpiring) this.expire();
  }

  /** Called by the cron. `usedBytes` is what is in use now. */
  giveBack(nowMs: number, usedBytes: number): void {
    const { stats } = this.engine;
    this.reclaim();
    if (this.givingBack === null) this.giveSlabBack();
    const transferredBytes = stats.networkInputBytes + stats.networkOutputBytes;
    this.garbage.cron(nowMs, transferredBytes, usedBytes);
  }

  close(): void {
    if (this.givingBack !== null) clearTimeout(this.givingBack);
  }

  private readonly giveSlabBack = (): void => {
    const { reclaimer, snapshot } = this.engine.context;
    const isMore = reclaimer.letGo(GIVEN_BACK_AT_ONCE, snapshot !== null) > 0;
    this.givingBack = isMore ? setTimeout(this.giveSlabBack, GIVING_BACK_EVERY_MS) : null;
  };

  /** Between turns, while expired keys or fields abound. */
  private expireQuickly(): void {
    if (this.isExpiring) return;
    this.expiry.beginFast();
    this.fieldExpiry.beginFast();
    this.expire();
  }

  /** Spends the time that expiry has been given, slice by slice between turns. */
  private expire(): void {
    if (this.hasExpiryBegun) this.expireSome();
    this.isExpiring = this.hasExpiryBegun;
    if (this.isExpiring) setImmediate(this.expireOn);
  }

  private readonly expireOn = (): void => {
    // Nobody's reply waits for a slice.
    this.turn.finishEarly();
    this.gateway.beginCallback();
    this.expire();
  };

  private get hasExpiryBegun(): boolean {
    return this.expiry.isRunning || this.fieldExpiry.isRunning;
  }

  private allowExpiry(): void {
    this.expiry.isEnabled = this.fieldExpiry.isEnabled = this.engine.switches.activeExpiry;
  }

  private expireSome(): void {
    const { engine, expiry, fieldExpiry } = this;
    this.allowExpiry();
    const beforeUs = engine.context.expiryCycleUs;
    expiry.runSlice();
    fieldExpiry.runSlice();
    engine.latency.sample("expire-cycle", (engine.context.expiryCycleUs - beforeUs) / 1000);
    engine.effects.finishEach();
    if (engine.blocking.hasReady) engine.blocking.serve();
    this.turn.settle();
  }

  /** Goes on evicting when the event loop has turned. */
  evictSoon(): void {
    if (this.isEvicting) return;
    this.isEvicting = true;
    setImmediate(() => {
      this.isEvicting = false;
      // What is on its way to clients is no reason to evict.
      this.turn.finishEarly();
      this.gateway.beginCallback();
      this.engine.eviction.perform();
      if (this.engine.blocking.hasReady) this.engine.blocking.serve();
      this.reclaim();
      this.turn.settle();
    });
  }

  /** Frees what was deleted, in slices between turns. */
  private reclaim(): void {
    const { reclaimer } = this.engine.context;
    if (reclaimer.isEmpty || this.isReclaiming) return;
    this.isReclaiming = true;
    const slice = (): void => {
      reclaimer.run(FREED_PER_SLICE);
      if (reclaimer.isEmpty) this.isReclaiming = false;
      else setImmediate(slice);
    };
    setImmediate(slice);
  }
}
