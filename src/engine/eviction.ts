/**
 * `maxmemory`: keeps what is used below it, by evicting keys (performEvictions, evict.c).
 *
 * Who made memory grow shuts a gate (GATE_MEMORY): a command that changed something, by comparing
 * two numbers; buffers of clients, at the end of their callback. Behind that gate `perform` runs
 * before the next command, whatever it is, at the end of each callback, and in slices between
 * turns, until the gate can be opened. Without `maxmemory` it is never shut.
 *
 * One `perform` takes no longer than `maxmemory-eviction-tenacity` allows, unless there is more
 * to free than there was after the last one: what grew meanwhile goes at once. So clients that
 * write faster than small keys can be evicted wait for it, instead of leaving the limit behind.
 *
 * Elements of large values that were deleted are still counted and are freed first: they would go
 * anyway. Only when neither they nor keys are left, commands that take memory are refused.
 */
import { Evictor } from "../keyspace/eviction.ts";
import {
  GATE_MEMORY,
  GATE_PAUSE,
  GATE_PAUSE_WRITE,
  GATE_SHUTDOWN,
  LOADING_GATES,
} from "./admission.ts";
import type { Engine } from "./engine.ts";

const FREED_ENOUGH = 0;
/** The time was over; it goes on between turns. */
const STILL_EVICTING = 1;
const NOTHING_TO_EVICT = 2;

/** Nothing goes by itself meanwhile. */
const KEEPING_GATES = LOADING_GATES | GATE_PAUSE | GATE_PAUSE_WRITE | GATE_SHUTDOWN;
/** Keys that are evicted between looks at the clock. */
const KEYS_PER_CHECK = 16;
/** Elements of deleted values that are freed between looks at the clock: some 20 µs. */
const ELEMENTS_PER_CHECK = 100;
/** What grew since the last time is not allowed more time than this. */
const MAX_OBLIGED_US = 10_000;

export class Eviction {
  /** Set by the composition root: has `perform` called soon, between turns. */
  requestSlice: () => void = () => {};
  private timeLimitUs = 0;
  private limitBytes = Infinity;
  /** What was left above the limit by the last `perform`. */
  private leftBytes = 0;
  /** Time above the limit without a way to free enough at once, but for the current one. */
  private exceededUs = 0;
  private exceededSinceUs = 0;
  private readonly evictor: Evictor;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.evictor = new Evictor(engine.keyspace);
  }

  /** Reads the directives. What is above a limit that was lowered goes bit by bit. */
  configure(): void {
    const { values } = this.engine.config;
    this.evictor.configure(values["maxmemory-policy"], values["maxmemory-samples"]);
    this.timeLimitUs = timeLimitUs(values["maxmemory-eviction-tenacity"]);
    const isIgnored = values["replica-ignore-maxmemory"] && this.engine.replication.isReplica;
    this.limitBytes = values.maxmemory === 0 || isIgnored ? Infinity : values.maxmemory;
    this.leftBytes = Math.max(0, this.excessBytes());
    this.check();
  }

  /** The limit was changed at run time. */
  warnOfLimit(): void {
    const { config, log, memory } = this.engine;
    const { maxmemory } = config.values;
    const usedBytes = memory.measure() - memory.notCountedBytes;
    if (maxmemory === 0 || maxmemory >= usedBytes) return;
    log.warning(
      `WARNING: the new maxmemory value set via CONFIG SET (${maxmemory}) is smaller than the ` +
        `current memory usage (${usedBytes}). This will result in key eviction and/or the ` +
        "inability to accept new write commands depending on the maxmemory-policy.",
    );
  }

  get totalExceededUs(): number {
    return this.exceededUs + this.currentExceededUs;
  }

  get currentExceededUs(): number {
    if (this.exceededSinceUs === 0) return 0;
    return this.engine.clock.monotonicUs() - this.exceededSinceUs;
  }

  resetStats(): void {
    this.exceededUs = this.exceededSinceUs = 0;
  }

  /** Something other than data may have grown: has `perform` called where it is needed. */
  check(): void {
    if (this.excessBytes() <= 0) {
      this.engine.open(GATE_MEMORY);
    } else {
      this.engine.shut(GATE_MEMORY);
      this.requestSlice();
    }
  }

  /**
   * Evicts until memory is below the limit, as long as the time lasts, and passes the effects on.
   * False where memory is above the limit and nothing is left that could be evicted.
   */
  perform(): boolean {
    const { engine } = this;
    if ((engine.gates & KEEPING_GATES) !== 0) return true;
    const excessBytes = this.excessBytes();
    let result = FREED_ENOUGH;
    if (excessBytes > 0) {
      result = this.free(excessBytes);
      engine.effects.finishEach();
    } else {
      this.leftBytes = 0;
    }
    if (result === FREED_ENOUGH) engine.open(GATE_MEMORY);
    else engine.shut(GATE_MEMORY);
    if (result === STILL_EVICTING) this.requestSlice();
    this.noteExceeded(result !== FREED_ENOUGH);
    return result !== NOTHING_TO_EVICT;
  }

  /**
   * How far memory is above the limit; also tells those who change data from where on they are to
   * shut the gate.
   */
  private excessBytes(): number {
    const { memory, context } = this.engine;
    if (this.limitBytes === Infinity) {
      context.memory.limitBytes = Infinity;
      return 0;
    }
    const excess = memory.countedBytes() - this.limitBytes;
    context.memory.limitBytes = context.memory.bytes - excess;
    return excess;
  }

  private free(excessBytes: number): number {
    const { engine } = this;
    const { latency, clock } = engine;
    const { memory, reclaimer } = engine.context;
    const isTimed = latency.thresholdMs > 0;
    const startUs = isTimed ? clock.monotonicUs() : 0;
    // A value that a snapshot still reads is gone, though its memory is not.
    const wantedBytes = memory.bytes - reclaimer.heldBytes - excessBytes;
    let leftBytes = excessBytes;
    let result = FREED_ENOUGH;
    let elementsUs = 0;
    let checkedUs = 0;
    let keys = 0;
    while (leftBytes > 0) {
      const freesElements = !reclaimer.isEmpty;
      if (freesElements) {
        elementsUs += this.freeElements(isTimed);
      } else if (!(isTimed ? this.evictTimed() : this.evictor.evict())) {
        result = NOTHING_TO_EVICT;
        break;
      }
      leftBytes = memory.bytes - reclaimer.heldBytes - wantedBytes;
      if (!freesElements && ++keys % KEYS_PER_CHECK !== 0) continue;
      // Most of the time a key or two are enough, and the clock is not read at all.
      const nowUs = clock.monotonicUs();
      if (checkedUs === 0) checkedUs = nowUs;
      if (leftBytes > 0 && this.isTimeOver(nowUs - checkedUs, leftBytes)) {
        result = STILL_EVICTING;
        break;
      }
    }
    this.leftBytes = Math.max(0, leftBytes);
    if (isTimed) {
      latency.sample("eviction-lazyfree", elementsUs / 1000);
      latency.sample("eviction-cycle", (clock.monotonicUs() - startUs) / 1000);
    }
    return result;
  }

  /** Returns the microseconds it took, where that is asked for. */
  private freeElements(isTimed: boolean): number {
    const { clock, context } = this.engine;
    const startUs = isTimed ? clock.monotonicUs() : 0;
    context.reclaimer.run(ELEMENTS_PER_CHECK);
    return isTimed ? clock.monotonicUs() - startUs : 0;
  }

  private isTimeOver(spentUs: number, leftBytes: number): boolean {
    if (spentUs < this.timeLimitUs) return false;
    return leftBytes <= this.leftBytes || spentUs >= MAX_OBLIGED_US;
  }

  private evictTimed(): boolean {
    const { clock, latency } = this.engine;
    const startUs = clock.monotonicUs();
    const isEvicted = this.evictor.evict();
    if (isEvicted) latency.sample("eviction-del", (clock.monotonicUs() - startUs) / 1000);
    return isEvicted;
  }

  private noteExceeded(isExceeded: boolean): void {
    if (isExceeded) {
      if (this.exceededSinceUs === 0) this.exceededSinceUs = this.engine.clock.monotonicUs();
    } else if (this.exceededSinceUs !== 0) {
      this.exceededUs += this.currentExceededUs;
      this.exceededSinceUs = 0;
    }
  }
}

/** Up to 500 µs, then 15 % more for each step, without a limit at 100 (evictionTimeLimitUs). */
export function timeLimitUs(tenacity: number): number {
  if (tenacity <= 10) return 50 * tenacity;
  return tenacity < 100 ? Math.floor(500 * 1.15 ** (tenacity - 10)) : Infinity;
}
