/**
 * CLIENT PAUSE: for some time, commands of clients wait (all of them, or those that may write).
 * Expired keys stay meanwhile, so that the data stands still for whoever asked for the pause.
 */
import { GATE_LOADING, GATE_PAUSE, GATE_PAUSE_WRITE } from "./admission.ts";
import type { Engine } from "./engine.ts";

export class Pause {
  /** Called when commands that waited may run. */
  onEnd: () => void = () => {};
  private readonly engine: Engine;
  private endsAtMs = 0;
  private gate = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** A running pause is never shortened, nor made less strict. */
  start(stopsAll: boolean, endsAtMs: number): void {
    const isRunning = this.gate !== 0;
    if (!isRunning || this.gate === GATE_PAUSE_WRITE) {
      this.gate = stopsAll ? GATE_PAUSE : GATE_PAUSE_WRITE;
    }
    this.endsAtMs = isRunning ? Math.max(this.endsAtMs, endsAtMs) : endsAtMs;
    this.engine.shut(this.gate);
    this.engine.context.keepsExpired = true;
  }

  stop(): void {
    if (this.gate === 0) return;
    this.gate = 0;
    this.engine.open(GATE_PAUSE | GATE_PAUSE_WRITE);
    this.engine.context.keepsExpired = (this.engine.gates & GATE_LOADING) !== 0;
    this.engine.blocking.resumePostponed();
    this.onEnd();
  }

  /** Called by the cron. */
  check(nowMs: number): void {
    if (this.gate !== 0 && nowMs >= this.endsAtMs) this.stop();
  }
}
