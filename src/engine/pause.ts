/**
 * Times in which commands of clients wait: all of them, or those that may write. CLIENT PAUSE asks
 * for one, which has an end; and the server itself holds one while it needs its data to stand
 * still (MIGRATE). Expired keys stay meanwhile, so that nothing changes by itself either.
 */
import { assert } from "../base/assert.ts";
import { GATE_PAUSE, GATE_PAUSE_WRITE, GATE_READ_ONLY, LOADING_GATES } from "./admission.ts";
import type { Engine } from "./engine.ts";

const BOTH_GATES = GATE_PAUSE | GATE_PAUSE_WRITE;
const KEEPING_GATES = BOTH_GATES | LOADING_GATES | GATE_READ_ONLY;

export class Pause {
  /** Called when commands that waited may run. */
  onEnd: () => void = () => {};
  private readonly engine: Engine;
  private endsAtMs = 0;
  /** What CLIENT PAUSE shuts. */
  private gates = 0;
  private holdCount = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** A running pause is never shortened, nor made less strict. */
  start(stopsAll: boolean, endsAtMs: number): void {
    this.endsAtMs = this.gates === 0 ? endsAtMs : Math.max(this.endsAtMs, endsAtMs);
    this.gates |= stopsAll ? GATE_PAUSE : GATE_PAUSE_WRITE;
    this.apply();
  }

  stop(): void {
    if (this.gates === 0) return;
    this.gates = 0;
    this.apply();
  }

  /** No client's command writes until `release`, whatever CLIENT PAUSE and UNPAUSE do. */
  hold(): void {
    this.holdCount++;
    this.apply();
  }

  release(): void {
    assert(this.holdCount > 0, "a pause that ends was held");
    this.holdCount--;
    this.apply();
  }

  /** Called by the cron. */
  check(nowMs: number): void {
    if (this.gates !== 0 && nowMs >= this.endsAtMs) this.stop();
  }

  /** Whether expired keys stay: nothing goes by itself in a pause, a load, or on a replica. */
  settleExpiry(): void {
    const { context, gates } = this.engine;
    context.keepsExpired = (gates & KEEPING_GATES) !== 0;
  }

  private apply(): void {
    const { engine } = this;
    const before = engine.gates & BOTH_GATES;
    const now = this.holdCount > 0 ? this.gates | GATE_PAUSE_WRITE : this.gates;
    engine.open(BOTH_GATES);
    engine.shut(now);
    this.settleExpiry();
    if ((before & ~now) === 0) return;
    engine.blocking.resumePostponed();
    this.onEnd();
  }
}
