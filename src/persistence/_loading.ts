/** What loading a file is to everybody else, whatever kind of file it is. */
import type { Disk } from "../base/disk.ts";
import { GATE_LOADING } from "../engine/admission.ts";
import type { Engine } from "../engine/engine.ts";
import { RdbLoader } from "../rdb/rdb-loader.ts";
import type { LoadingProgress } from "./loading-progress.ts";

/** From now on clients hear LOADING, and nothing expires or is hidden. */
export function beginLoading(engine: Engine, progress: LoadingProgress, totalBytes: number): void {
  engine.shut(GATE_LOADING);
  engine.context.keepsExpired = true;
  engine.context.showsExpired = true;
  progress.begin(totalBytes, Math.floor(engine.clock.nowMs / 1000));
}

export function endLoading(engine: Engine, progress: LoadingProgress): void {
  progress.end();
  engine.context.showsExpired = false;
  engine.open(GATE_LOADING);
  engine.pause.settleExpiry();
}

/** Loads an RDB, or the one that a file of commands begins with, as the configuration says. */
export function rdbLoader(
  engine: Engine,
  disk: Disk,
  descriptor: number,
  sizeBytes: number,
  { keepsExpired, replaces }: { readonly keepsExpired: boolean; readonly replaces: boolean },
): RdbLoader {
  const { config, keyspace, log, switches, values } = engine;
  const source = {
    sizeBytes,
    read: (into: Uint8Array, at: number, length: number, from: number): number =>
      disk.read(descriptor, into, at, length, from),
  };
  return new RdbLoader(keyspace, source, {
    limits: values,
    checksums: config.values.rdbchecksum && switches.checksums,
    keepsExpired,
    replaces,
    warn: (message) => log.warning(message),
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
