/**
 * A primary's snapshot that is loaded while it comes (`repl-diskless-load`): into the databases
 * where they are empty; or beside what is there, which it replaces when it is whole (`swapdb`).
 * Then the old data is shown meanwhile where it is an older state of the same, and in any case it
 * stays if the load fails.
 *
 * What has come and is not loaded yet is kept in memory: `isBusy` tells when no more should come,
 * and is never true while the load itself waits for more.
 */
import { assert } from "../base/assert.ts";
import type { IntakeOptions, SnapshotIntake } from "../engine/persistence.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import { RdbError } from "../rdb/rdb-error.ts";
import type { RdbLoader } from "../rdb/rdb-loader.ts";
import { UNEXPECTED_END } from "../rdb/rdb-input.ts";
import { RdbStream } from "../rdb/rdb-stream.ts";
import { beginLoading, rdbLoader } from "./_loading.ts";
import type { SlicedLoad } from "./_sliced-load.ts";
import { reasonUnreadable, reportUnreadable } from "./rdb-form.ts";
import type { Takeover } from "./takeover.ts";

const BUSY_BYTES = 16 << 20;
const FREE_BYTES = 4 << 20;

type Done = (problem: string | null) => void;

export class StreamIntake implements SnapshotIntake {
  problem: string | null = null;
  database = -1;
  isBusy = false;
  private isLoaded = false;
  private isOver = false;
  private done: Done | null = null;
  private onFree: (() => void) | null = null;
  private readonly stream: RdbStream;
  private readonly loader: RdbLoader;
  private readonly load: SlicedLoad;
  /** Where it is loaded, with `swapdb`. */
  private readonly aside: Keyspace | null;
  private readonly libraries: Uint8Array[] = [];
  private readonly takeover: Takeover;
  private readonly options: IntakeOptions;

  constructor(takeover: Takeover, options: IntakeOptions, swaps: boolean) {
    const { engine } = takeover;
    this.takeover = takeover;
    this.options = options;
    takeover.stopWriters();
    if (swaps) {
      this.aside = new Keyspace(engine.context, engine.keyspace.databases.length);
    } else {
      this.aside = null;
      options.onReplace();
      takeover.noteFlush();
      takeover.empty();
    }
    takeover.noteLoad();
    const kind = swaps && options.continuesHistory ? "shown" : "hidden";
    beginLoading(engine, takeover.progress, options.sizeBytes ?? 0, kind);
    this.stream = new RdbStream(options.sizeBytes ?? Infinity);
    takeover.buffer = this;
    const traits = { keepsExpired: true, replaces: false, libraries: this.libraries };
    this.loader = rdbLoader(engine, this.stream, traits, this.aside ?? engine.keyspace);
    this.load = takeover.loading.inSlices(
      this.loader,
      (error) => this.loadEnded(error),
      () => this.settleBusy(),
    );
  }

  /** What has come and is not loaded yet. */
  get bufferedBytes(): number {
    return this.stream.keptBytes;
  }

  whenFree(done: () => void): void {
    if (this.isBusy) this.onFree = done;
    else done();
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    // What is behind its end is nothing of it.
    if (this.isOver || this.isLoaded) return;
    this.stream.push(bytes, start, length);
    this.settleBusy();
    this.load.goOn();
  }

  finish(done: Done): void {
    assert(this.done === null, "a snapshot ends once");
    if (this.isOver) {
      const { problem } = this;
      setImmediate(() => done(problem));
      return;
    }
    this.done = done;
    this.stream.end();
    if (this.isLoaded) setImmediate(() => this.replace());
    else this.load.goOn();
  }

  abort(): void {
    if (this.isOver) return;
    this.load.stop();
    if (!this.isLoaded) this.noteBreak(new RdbError(UNEXPECTED_END, this.loader.position));
    this.discard();
  }

  private loadEnded(error: unknown): void {
    if (error === null) {
      this.isLoaded = true;
      this.database = this.takeover.loading.streamDatabase;
      if (this.done !== null) this.replace();
      return;
    }
    const { log } = this.takeover.engine;
    this.noteBreak(error);
    this.problem = reasonUnreadable(error);
    log.warning(`Failed trying to load the MASTER synchronization DB from socket: ${this.problem}`);
    this.discard();
    this.done?.(this.problem);
  }

  private noteBreak(error: unknown): void {
    const { log } = this.takeover.engine;
    if (error instanceof RdbError) {
      log.warning(`Internal error in RDB reading offset ${error.offset}: ${error.message}`);
    } else {
      reportUnreadable(log, error);
    }
  }

  /** It is whole: it takes the place of what was there. */
  private replace(): void {
    if (this.isOver) return;
    this.isOver = true;
    const { engine } = this.takeover;
    const { aside, libraries } = this;
    if (aside !== null) {
      this.options.onReplace();
      engine.log.notice("MASTER <-> REPLICA sync: Swapping active DB with loaded DB");
      exchange(this.takeover, aside);
      engine.log.notice("MASTER <-> REPLICA sync: Discarding old DB in background");
    }
    engine.context.functionLibraries.splice(0, Infinity, ...libraries);
    // What is there now is in no file.
    engine.dirty++;
    this.takeover.end(true);
    this.done?.(null);
  }

  private discard(): void {
    this.isOver = true;
    this.free();
    const { aside, takeover } = this;
    if (aside === null) {
      takeover.empty();
    } else {
      aside.abandon();
      takeover.engine.log.notice("MASTER <-> REPLICA sync: Discarding temporary DB in background");
    }
    takeover.end(false);
  }

  private settleBusy(): void {
    const { keptBytes } = this.stream;
    const isWaiting = this.loader.isWaiting || this.isLoaded;
    if (!isWaiting && keptBytes > BUSY_BYTES) this.isBusy = true;
    else if (this.isBusy && (isWaiting || keptBytes < FREE_BYTES)) this.free();
  }

  private free(): void {
    const { onFree } = this;
    this.isBusy = false;
    this.onFree = null;
    onFree?.();
  }
}

/** Puts the databases that were loaded aside in the place of those that are shown. */
function exchange({ engine }: Takeover, aside: Keyspace): void {
  const { databases } = engine.keyspace;
  for (const database of databases) {
    engine.contentReplaced(database, aside.database(database.index));
  }
  engine.databasesEmptied();
  for (const database of databases) database.swapContent(aside.database(database.index));
  aside.abandon();
  for (const database of databases) engine.blocking.databaseChanged(database);
}
