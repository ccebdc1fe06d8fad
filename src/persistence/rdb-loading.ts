/**
 * Loads snapshots: the server's file at the start, in slices between which the event loop serves
 * clients (who mostly hear LOADING), and for DEBUG RELOAD at once; and, in slices, whatever else a
 * loader reads. A file that can't be read to its end refuses the start, and is left as it is.
 */
import { join } from "node:path";
import { errorCode } from "../base/disk.ts";
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";
import type { StreamPosition } from "../engine/replication.ts";
import type { KeyListener } from "../keyspace/context.ts";
import type { RdbLoader } from "../rdb/rdb-loader.ts";
import {
  beginLoading,
  endLoading,
  fileSource,
  keyDelayUs,
  type LoadTraits,
  rdbLoader,
} from "./_loading.ts";
import { ONE_KEY_BYTES, SlicedLoad, STEP_BYTES } from "./_sliced-load.ts";
import type { LoadingProgress } from "./loading-progress.ts";
import { logAboutFile, reportUnreadable, streamPositionOf } from "./rdb-form.ts";

const NOT_SAID = -1;
const PROGRESS_LOG_INTERVAL_US = 5_000_000;

export class RdbLoading {
  /** What the file says of the stream of replication. */
  position: StreamPosition | null = null;
  /** The database that the stream goes on in behind what was loaded last; -1: not said. */
  streamDatabase = NOT_SAID;
  /** Hears of keys that had expired in the file that the start loads. */
  onExpiredAtStart: KeyListener = () => {};
  private keysLoaded = 0;
  private keysExpired = 0;
  private toldFields = 0;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly progress: LoadingProgress;

  constructor(engine: Engine, disk: Disk, progress: LoadingProgress) {
    this.engine = engine;
    this.disk = disk;
    this.progress = progress;
  }

  /** False, and the reason in the log, where the start must be refused. */
  async loadAtStart(): Promise<boolean> {
    const { engine } = this;
    const startUs = engine.clock.monotonicUs();
    let descriptor: number;
    try {
      descriptor = this.disk.open(this.path, "r");
    } catch (error) {
      if (errorCode(error) === "ENOENT") return true;
      engine.log.warning(`Fatal error loading the DB: ${systemErrorText(error)}. Exiting.`);
      return false;
    }
    const loader = this.begin(descriptor, {
      replaces: false,
      onExpired: this.onExpiredAtStart,
    });
    const error = await new Promise((resolve) => void this.inSlices(loader, resolve));
    this.disk.close(descriptor);
    if (error !== null) {
      reportUnreadable(engine.log, error);
      engine.log.warning("Terminating server after rdb file reading failure.");
      engine.log.warning("Fatal error loading the DB, check server logs. Exiting.");
      return false;
    }
    endLoading(engine, this.progress);
    const seconds = (engine.clock.monotonicUs() - startUs) / 1_000_000;
    engine.log.notice(`DB loaded from disk: ${seconds.toFixed(3)} seconds`);
    return true;
  }

  /** Loads the file at once; whether that worked. What was loaded before a failure stays. */
  loadNow(replaces: boolean): boolean {
    const { engine } = this;
    let descriptor: number;
    try {
      descriptor = this.disk.open(this.path, "r");
    } catch (error) {
      engine.log.warning(`Can't open ${this.path}: ${systemErrorText(error)}`);
      return false;
    }
    try {
      const loader = this.begin(descriptor, { replaces });
      const delayUs = this.keyDelayUs;
      while (loader.step(delayUs > 0 ? ONE_KEY_BYTES : STEP_BYTES)) {
        if (delayUs > 0) Bun.sleepSync(delayUs / 1000);
      }
      this.succeeded(loader);
      return true;
    } catch (error) {
      reportUnreadable(engine.log, error);
      return false;
    } finally {
      this.disk.close(descriptor);
      endLoading(engine, this.progress);
    }
  }

  infoFields(): InfoField[] {
    return [
      ["rdb_last_load_keys_expired", this.keysExpired],
      ["rdb_last_load_keys_loaded", this.keysLoaded],
    ];
  }

  private get path(): string {
    const { values } = this.engine.config;
    return join(values.dir, values.dbfilename);
  }

  private get keyDelayUs(): number {
    return keyDelayUs(this.engine.config.values["key-load-delay"]);
  }

  /** Forgets what was counted of the last load. */
  reset(): void {
    this.keysLoaded = this.keysExpired = this.toldFields = 0;
    this.position = null;
    this.streamDatabase = NOT_SAID;
  }

  /** Has a loader load to its end; `onEnd` hears null, or what went wrong. */
  inSlices(
    loader: RdbLoader,
    onEnd: (error: unknown) => void,
    onSlice: () => void = () => {},
  ): SlicedLoad {
    const { clock } = this.engine;
    let loggedUs = clock.monotonicUs();
    return new SlicedLoad(this.engine, loader, {
      onSlice: () => {
        this.noteProgress(loader);
        onSlice();
        const nowUs = clock.monotonicUs();
        if (nowUs - loggedUs < PROGRESS_LOG_INTERVAL_US) return;
        loggedUs = nowUs;
        this.logProgress();
      },
      onEnd: (error) => {
        if (error === null) this.succeeded(loader);
        onEnd(error);
      },
    });
  }

  private begin(descriptor: number, traits: Omit<LoadTraits, "keepsExpired">): RdbLoader {
    const { engine, disk, progress } = this;
    const sizeBytes = disk.sizeBytes(this.path);
    beginLoading(engine, progress, sizeBytes);
    this.reset();
    // What has expired on a primary goes when that says so.
    const keepsExpired = engine.replication.isReplica;
    const source = fileSource(disk, descriptor, sizeBytes);
    return rdbLoader(engine, source, { keepsExpired, ...traits });
  }

  private noteProgress(loader: RdbLoader): void {
    const { engine, progress } = this;
    progress.loadedBytes = loader.position;
    this.keysLoaded = loader.keysLoaded;
    this.keysExpired = loader.keysExpired;
    const fields = [...loader.aux];
    for (const [name, value] of fields.slice(this.toldFields)) {
      logAboutFile(engine.log, name, value, engine.clock.nowMs);
      if (name === "used-mem") progress.usedMemoryBytes = Number(value);
    }
    this.toldFields = fields.length;
  }

  private logProgress(): void {
    this.engine.log.notice(`Loading the RDB, ${this.progress.percent.toFixed(2)}% is done`);
  }

  private succeeded(loader: RdbLoader): void {
    this.noteProgress(loader);
    this.position = streamPositionOf(loader.aux);
    this.streamDatabase = databaseOf(loader.aux, this.engine.keyspace.databases.length);
    const { keysLoaded, keysExpired, emptyKeysSkipped } = loader;
    const skipped = emptyKeysSkipped > 0 ? `, empty keys skipped: ${emptyKeysSkipped}` : "";
    this.engine.log.notice(
      `Done loading RDB, keys loaded: ${keysLoaded}, keys expired: ${keysExpired}${skipped}.`,
    );
  }
}

/** Where the stream goes on behind a file, as its fields say; NOT_SAID where there is no such. */
function databaseOf(aux: ReadonlyMap<string, string>, count: number): number {
  const database = Number(aux.get("repl-stream-db") ?? NOT_SAID);
  return Number.isInteger(database) && database >= 0 && database < count ? database : NOT_SAID;
}
