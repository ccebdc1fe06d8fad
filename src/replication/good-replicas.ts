/**
 * `min-replicas-to-write` and `min-replicas-max-lag`: writes are refused while fewer replicas than
 * that have told within so many seconds that they follow (refreshGoodSlavesCount, replication.c).
 */
import { GATE_REPLICAS } from "../engine/admission.ts";
import type { Engine } from "../engine/engine.ts";
import type { Replicas } from "./replicas.ts";

export class GoodReplicas {
  count = 0;
  private readonly engine: Engine;
  private readonly replicas: Replicas;

  constructor(engine: Engine, replicas: Replicas) {
    this.engine = engine;
    this.replicas = replicas;
    engine.config.onApplyAny(["min-replicas-to-write", "min-replicas-max-lag"], () => {
      this.refresh();
      return null;
    });
  }

  /** Whether any are wanted. */
  get isWanted(): boolean {
    const { values } = this.engine.config;
    return values["min-replicas-to-write"] > 0 && values["min-replicas-max-lag"] > 0;
  }

  /** Called once a second, and whenever replicas come, go or tell how far they are. */
  refresh(): void {
    const { engine } = this;
    this.count = 0;
    if (this.isWanted) {
      const nowMs = engine.clock.nowMs;
      const maxLagSeconds = engine.config.values["min-replicas-max-lag"];
      for (const replica of this.replicas.all()) {
        if (replica.isOnline && lagSeconds(replica.acknowledgedMs, nowMs) <= maxLagSeconds) {
          this.count++;
        }
      }
    }
    if (this.isWanted && this.count < engine.config.values["min-replicas-to-write"]) {
      engine.shut(GATE_REPLICAS);
    } else {
      engine.open(GATE_REPLICAS);
    }
  }
}

/** Redis counts by whole seconds of its clock. */
export function lagSeconds(acknowledgedMs: number, nowMs: number): number {
  return Math.floor(nowMs / 1000) - Math.floor(acknowledgedMs / 1000);
}
