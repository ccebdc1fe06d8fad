/**
 * Loads the files of an AOF, at the start in slices of about two milliseconds, between which the
 * event loop serves clients (who mostly hear LOADING), for DEBUG LOADAOF at once. Only after
 * everything was read is anything changed on the disk: a refused start leaves all files as they
 * were.
 *
 * A tail that is not whole is cut off the last file where `aof-load-truncated` allows it; a
 * group counts from its MULTI. Messages: loadAppendOnlyFiles and loadSingleAppendOnlyFile
 * (aof.c, Redis 7), with the offset added.
 */
import { textOf } from "../base/bytes.ts";
import { errorCode } from "../base/disk.ts";
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { StreamPosition } from "../engine/replication.ts";
import { Session } from "../engine/session.ts";
import type { RdbLoader } from "../rdb/rdb-loader.ts";
import {
  beginLoading,
  endLoading,
  fileSource,
  keyDelayUs,
  nextTurn,
  rdbLoader,
} from "./_loading.ts";
import type { AofDirectory } from "./aof-directory.ts";
import { AofReader, BAD_COMMAND, BAD_FORMAT, CUT, MORE, WHOLE } from "./aof-reader.ts";
import type { LoadingProgress } from "./loading-progress.ts";
import { parseStreamNote } from "./stream-note.ts";
import { logAboutFile, reportUnreadable } from "./rdb-form.ts";

const RDB_MAGIC = "REDIS";
const RDB_STEP_BYTES = 16 * 1024;
const SLICE_US = 2000;
const COMMANDS_PER_RUN = 512;
/** A slice ends here even if the clock stands still. */
const RUNS_PER_SLICE = 32;
const PROGRESS_LOG_INTERVAL_US = 5_000_000;

const REPAIR =
  "make a backup of your AOF file, then use ./redis-check-aof --fix <filename.manifest>";

interface Part {
  readonly name: string;
  readonly path: string;
  readonly kind: "base" | "incr";
  readonly sizeBytes: number;
  readonly isLast: boolean;
}

/** What was loaded, for INFO; null where the start must be refused. */
export interface LoadedAof {
  readonly baseBytes: number;
  readonly totalBytes: number;
  /** The place in the stream of replication that the last file ends with. */
  readonly position: StreamPosition | null;
}

export class AofLoader {
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly directory: AofDirectory;
  private readonly progress: LoadingProgress;
  private readonly session: Session;
  private cutTo: { part: Part; offset: number } | null = null;
  private loggedUs = 0;
  private position: StreamPosition | null = null;

  constructor(engine: Engine, disk: Disk, directory: AofDirectory, progress: LoadingProgress) {
    this.engine = engine;
    this.disk = disk;
    this.directory = directory;
    this.progress = progress;
    this.session = new Session(0, engine.keyspace.database(0), engine.clock.nowMs);
  }

  /** Loads what the manifest names, or an old-style file, and migrates that. */
  async load(): Promise<LoadedAof | null> {
    const slices = this.slices();
    for (;;) {
      const { done, value } = slices.next();
      if (done === true) return value;
      await nextTurn();
    }
  }

  /** The same without a break. */
  loadNow(): LoadedAof | null {
    const slices = this.slices();
    for (;;) {
      const { done, value } = slices.next();
      if (done === true) return value;
    }
  }

  private *slices(): Generator<void, LoadedAof | null> {
    const { engine, directory } = this;
    const startUs = engine.clock.monotonicUs();
    const isOldStyle = directory.needsMigration;
    const parts = isOldStyle ? this.oldStylePart() : this.parts();
    if (parts === null) return null;
    if (parts.length === 0) return { baseBytes: 0, totalBytes: 0, position: null };
    const totalBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
    if (totalBytes > 0 && !(yield* this.loadParts(parts, totalBytes))) return null;
    if (isOldStyle && !directory.migrate()) return null;
    const cutBytes = this.cutOff(isOldStyle);
    if (cutBytes === null) return null;
    this.report("DB loaded from append only file", startUs);
    const base = parts[0].kind === "base" ? parts[0] : null;
    const { position } = this;
    return { baseBytes: base?.sizeBytes ?? 0, totalBytes: totalBytes - cutBytes, position };
  }

  private oldStylePart(): Part[] | null {
    const name = this.engine.config.values.appendfilename;
    const path = this.directory.oldStylePath;
    const sizeBytes = this.sizeOf(name, path);
    if (sizeBytes === null) return null;
    return [{ name, path, kind: "base", sizeBytes, isLast: true }];
  }

  private parts(): Part[] | null {
    const { base, increments } = this.directory.manifest;
    const files = base === null ? increments : [base, ...increments];
    const parts: Part[] = [];
    for (const [index, file] of files.entries()) {
      const path = this.directory.pathOf(file.name);
      const sizeBytes = this.sizeOf(file.name, path);
      if (sizeBytes === null) return null;
      const kind = file === base ? "base" : "incr";
      const isLast = index === files.length - 1;
      parts.push({ name: file.name, path, kind, sizeBytes, isLast });
    }
    return parts;
  }

  private sizeOf(name: string, path: string): number | null {
    try {
      return this.disk.sizeBytes(path);
    } catch (error) {
      const reason = systemErrorText(error);
      this.engine.log.warning(`Unable to obtain the AOF file ${name} length. stat: ${reason}`);
      return null;
    }
  }

  private *loadParts(parts: readonly Part[], totalBytes: number): Generator<void, boolean> {
    const { engine, progress } = this;
    beginLoading(engine, progress, totalBytes);
    this.loggedUs = engine.clock.monotonicUs();
    for (const part of parts) {
      if (!(yield* this.loadPart(part))) return false;
    }
    endLoading(engine, progress);
    return true;
  }

  private *loadPart(part: Part): Generator<void, boolean> {
    if (part.sizeBytes === 0) return true;
    const { engine, disk } = this;
    const startUs = engine.clock.monotonicUs();
    const before = this.progress.loadedBytes;
    let descriptor = -1;
    try {
      descriptor = disk.open(part.path, "r");
      const from = yield* this.loadPreamble(part, descriptor);
      if (from < 0) return false;
      this.session.database = engine.keyspace.database(0);
      const size = part.sizeBytes;
      const reader = new AofReader(engine, this.session, disk, descriptor, size, from);
      const outcome = yield* this.replay(part, reader, before);
      if (!this.accepts(part, reader, outcome)) return false;
    } catch (error) {
      if (errorCode(error) === "") throw error;
      engine.log.warning(
        `Unrecoverable error reading the append only file ${part.name}: ${systemErrorText(error)}`,
      );
      return false;
    } finally {
      if (descriptor >= 0) disk.close(descriptor);
    }
    this.report(`DB loaded from ${part.kind} file ${part.name}`, startUs);
    return true;
  }

  private *replay(part: Part, reader: AofReader, before: number): Generator<void, number> {
    const { clock, context } = this.engine;
    const { progress } = this;
    for (;;) {
      context.access.setTime(clock.refresh());
      const startUs = clock.monotonicUs();
      let nowUs = startUs;
      for (let runs = 0; runs < RUNS_PER_SLICE && nowUs - startUs < SLICE_US; runs++) {
        const outcome = reader.replay(this.keyDelayMs > 0 ? 1 : COMMANDS_PER_RUN);
        if (this.keyDelayMs > 0) Bun.sleepSync(this.keyDelayMs);
        if (outcome !== MORE) {
          progress.loadedBytes = before + part.sizeBytes;
          return outcome;
        }
        nowUs = clock.monotonicUs();
      }
      progress.loadedBytes = before + reader.position;
      this.logProgress(part, nowUs);
      yield;
    }
  }

  private logProgress(part: Part, nowUs: number): void {
    if (nowUs - this.loggedUs < PROGRESS_LOG_INTERVAL_US) return;
    this.loggedUs = nowUs;
    const percent = this.progress.percent.toFixed(2);
    this.engine.log.notice(`Loading the AOF file ${part.name}, ${percent}% of all is done`);
  }

  /** Where the file's commands begin, behind an RDB if it has one; -1 where it is refused. */
  private *loadPreamble(part: Part, descriptor: number): Generator<void, number> {
    const { log, config } = this.engine;
    const magic = new Uint8Array(RDB_MAGIC.length);
    this.disk.read(descriptor, magic, 0, magic.length, 0);
    if (textOf(magic) !== RDB_MAGIC) return 0;
    const isOldStyle = part.name === config.values.appendfilename;
    log.notice(
      isOldStyle
        ? "Reading RDB preamble from AOF file..."
        : "Reading RDB base file on AOF loading...",
    );
    try {
      const endsAt = yield* this.loadRdb(part, descriptor);
      if (isOldStyle) log.notice("Reading the remaining AOF tail...");
      return endsAt;
    } catch (error) {
      reportUnreadable(log, error);
      const what = isOldStyle ? "RDB preamble of the AOF file" : "RDB base file";
      log.warning(`Error reading the ${what} ${part.name}, AOF loading aborted`);
      return -1;
    }
  }

  /** What `key-load-delay` makes each key cost. */
  private get keyDelayMs(): number {
    return keyDelayUs(this.engine.config.values["key-load-delay"]) / 1000;
  }

  private *loadRdb(part: Part, descriptor: number): Generator<void, number> {
    const { engine, disk, progress } = this;
    const { clock, context } = engine;
    const { sizeBytes } = part;
    const before = progress.loadedBytes;
    // The removal of what has expired is in what follows, or will be reported.
    const as = { keepsExpired: true, replaces: false };
    const loader = rdbLoader(engine, fileSource(disk, descriptor, sizeBytes), as);
    for (let isMore = true; isMore;) {
      context.access.setTime(clock.refresh());
      const endUs = clock.monotonicUs() + SLICE_US;
      let nowUs = endUs;
      do {
        isMore = loader.step(this.keyDelayMs > 0 ? 1 : RDB_STEP_BYTES);
        if (this.keyDelayMs > 0) Bun.sleepSync(this.keyDelayMs);
        nowUs = clock.monotonicUs();
      } while (isMore && nowUs < endUs);
      if (progress.loadedBytes === before) this.noteAboutFile(loader);
      progress.loadedBytes = before + loader.position;
      this.logProgress(part, nowUs);
      if (isMore) yield;
    }
    return loader.position;
  }

  /** What the file says about itself stands in front of all keys. */
  private noteAboutFile({ aux }: RdbLoader): void {
    const { clock, log } = this.engine;
    for (const [name, value] of aux) logAboutFile(log, name, value, clock.nowMs);
    this.progress.usedMemoryBytes = Number(aux.get("used-mem") ?? 0);
  }

  /** Whether the start may go on after this outcome; says why not. */
  private accepts(part: Part, reader: AofReader, outcome: number): boolean {
    const { log, config } = this.engine;
    const file = `reading the append only file ${part.name}`;
    if (outcome === WHOLE) {
      if (part.isLast) this.position = parseStreamNote(reader.lastNote);
      return true;
    }
    if (outcome === BAD_COMMAND) {
      log.warning(`${reader.problem} ${file} at offset ${reader.badAt}`);
      return false;
    }
    if (outcome === BAD_FORMAT) {
      log.warning(
        `Bad file format ${file}: ${REPAIR}. The format is bad at offset ${reader.badAt}`,
      );
      return false;
    }
    if (outcome === CUT && reader.endsInGroup) {
      log.warning(`Revert incomplete MULTI/EXEC transaction in AOF file ${part.name}`);
    }
    if (config.values["aof-load-truncated"]) {
      if (part.isLast) {
        this.cutTo = { part, offset: reader.validUpTo };
        return true;
      }
      log.warning("Fatal error: the truncated file is not the last file");
    }
    log.warning(
      `Unexpected end of file ${file}. You can: 1) Make a backup of your AOF file, then use ` +
        "./redis-check-aof --fix <filename.manifest>. 2) Alternatively you can set the " +
        "'aof-load-truncated' configuration option to yes and restart the server. " +
        `The last whole command ends at offset ${reader.validUpTo}`,
    );
    return false;
  }

  /** Cuts the tail off the last file; how many bytes that were, or null where it failed. */
  private cutOff(hasMoved: boolean): number | null {
    if (this.cutTo === null) return 0;
    const { log } = this.engine;
    const { part, offset } = this.cutTo;
    log.warning(`!!! Warning: short read while loading the AOF file ${part.name}!!!`);
    log.warning(`!!! Truncating the AOF ${part.name} at offset ${offset} !!!`);
    try {
      const path = hasMoved ? this.directory.pathOf(part.name) : part.path;
      this.disk.truncate(path, offset);
    } catch (error) {
      log.warning(`Error truncating the AOF file ${part.name}: ${systemErrorText(error)}`);
      return null;
    }
    log.warning(`AOF ${part.name} loaded anyway because aof-load-truncated is enabled`);
    return part.sizeBytes - offset;
  }

  private report(what: string, startUs: number): void {
    const seconds = (this.engine.clock.monotonicUs() - startUs) / 1_000_000;
    this.engine.log.notice(`${what}: ${seconds.toFixed(3)} seconds`);
  }
}
