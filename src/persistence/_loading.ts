/** What loading a file is to everybody else, whatever kind of file it is. */
import type { Disk } from "../base/disk.ts";
import { GATE_ASYNC_LOADING, GATE_LOADING, LOADING_GATES } from "../engine/admission.ts";
import type { Engine } from "../engine/engine.ts";
import type { RdbSource } from "../rdb/rdb-input.ts";
import { type RdbLoadOptions, RdbLoader } from "../rdb/rdb-loader.ts";
import type { LoadingProgress } from "./loading-progress.ts";

/** How the data that is there is shown while other data is loaded. */
export type LoadingKind = "hidden" | "shown";

/**
 * From now on clients hear LOADING, and nothing expires or is hidden; or, where what is there is
 * still shown, they hear it only of what would be in the way.
 */
export function beginLoading(
  engine: Engine,
  progress: LoadingProgress,
  totalBytes: number,
  kind: LoadingKind = "hidden",
): void {
  const isShown = kind === "shown";
  engine.shut(isShown ? GATE_ASYNC_LOADING : GATE_LOADING);
  engine.context.keepsExpired = true;
  engine.context.showsExpired = !isShown;
  progress.begin(totalBytes, Math.floor(engine.clock.nowMs / 1000), isShown);
}

export function endLoading(engine: Engine, progress: LoadingProgress): void {
  progress.end();
  engine.context.showsExpired = false;
  engine.open(LOADING_GATES);
  engine.pause.settleExpiry();
}

export function fileSource(disk: Disk, descriptor: number, sizeBytes: number): RdbSource {
  return {
    sizeBytes,
    read: (into: Uint8Array, at: number, length: number, from: number): number =>
      disk.read(descriptor, into, at, length, from),
  };
}

/** What a load does differently from others. */
export type LoadTraits = Pick<
  RdbLoadOptions,
  "keepsExpired" | "replaces" | "libraries" | "onExpired"
>;

/** Loads an RDB, or the one that a file of commands begins with, as the configuration says. */
export function rdbLoader(
  engine: Engine,
  source: RdbSource,
  traits: LoadTraits,
  keyspace = engine.keyspace,
): RdbLoader {
  const { config, log, switches, values } = engine;
  return new RdbLoader(keyspace, source, {
    limits: values,
    checksums: config.values.rdbchecksum && switches.checksums,
    warn: (message) => log.warning(message),
    ...traits,
  });
}

/** The event loop serves others first. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** What a delay per key costs in microseconds: below zero, so many keys share one. */
export function keyDelayUs(directive: number): number {
  return directive < 0 ? -1 / directive : directive;
}
