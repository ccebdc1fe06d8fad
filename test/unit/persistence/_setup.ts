/** An engine with an AOF on a real directory, a clock that is set, and a disk that can refuse. */
import { afterEach } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ManualClock } from "../../../src/base/clock.ts";
import { type Disk, systemDisk } from "../../../src/base/disk.ts";
import { Log } from "../../../src/base/log.ts";
import { Random } from "../../../src/base/random.ts";
import { allCommands } from "../../../src/commands/registry.ts";
import { CommandTable } from "../../../src/engine/command-table.ts";
import { Config } from "../../../src/engine/config/config.ts";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import { systemHost } from "../../../src/engine/config/host.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { Session } from "../../../src/engine/session.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import type { Database } from "../../../src/keyspace/database.ts";
import { KeyView } from "../../../src/keyspace/entries.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { exactExpiryOf } from "../../../src/memory/entry.ts";
import type { Aof } from "../../../src/persistence/aof.ts";
import { FilePersistence } from "../../../src/persistence/persistence.ts";
import { RequestParser } from "../../../src/protocol/request-parser.ts";

export const START_MS = 1_700_000_000_000;

/** What the disk is to refuse, and what it was asked. */
export class Faults {
  /** Bytes that may still be written; what goes beyond is a short write, then ENOSPC. */
  roomBytes = Infinity;
  /** Writes take at most this much at once. */
  maxWriteBytes = Infinity;
  refusesTruncate = false;
  refusesSync = false;
  refusesRename = false;
  /** The name, or its end, of a file that can't be opened. */
  refusesOpenOf = "";
  refusesDirectorySync = false;
  /** Syncs off the main thread end only when `endSyncs` is called. */
  holdsSyncs = false;
  /** The operation that changes something, counted from 1, that fails. */
  failsAt = Infinity;
  /** When it fails, half of a write is done, and nothing whatever happens on the disk any more. */
  diesThen = false;
  isDead = false;
  operations = 0;
  syncCount = 0;
  writeCount = 0;
  readonly heldSyncs: (() => void)[] = [];

  endSyncs(): void {
    for (const end of this.heldSyncs.splice(0)) end();
  }

  /** Counts an operation; throws where it, or everything by now, is to fail. */
  count(): void {
    this.operations++;
    if (this.operations === this.failsAt && this.diesThen) this.isDead = true;
    if (this.isDead || this.operations === this.failsAt) throw systemError("EIO");
  }

  countSync(): Error | null {
    this.syncCount++;
    return this.refusesSync ? systemError("EIO") : null;
  }
}

/** The real disk, with refusals on demand. */
function flakyDisk(faults: Faults): Disk {
  return {
    ...systemDisk,
    makeDirectory(path) {
      faults.count();
      systemDisk.makeDirectory(path);
    },
    remove(path) {
      faults.count();
      systemDisk.remove(path);
    },
    open(path, flags) {
      const { refusesOpenOf } = faults;
      if (refusesOpenOf !== "" && path.endsWith(refusesOpenOf)) throw systemError("EACCES");
      if (flags !== "r") faults.count();
      return systemDisk.open(path, flags);
    },
    syncDirectoryLater(_path, done) {
      const error = faults.refusesDirectorySync ? systemError("EIO") : null;
      if (faults.holdsSyncs) faults.heldSyncs.push(() => done(error));
      else done(error);
    },
    syncDirectory(path) {
      if (faults.refusesDirectorySync) throw systemError("EIO");
      faults.count();
      systemDisk.syncDirectory(path);
    },
    rename(from, to) {
      faults.count();
      if (faults.refusesRename) throw systemError("EACCES");
      systemDisk.rename(from, to);
    },
    truncate(path, sizeBytes) {
      faults.count();
      if (faults.refusesTruncate) throw systemError("EIO");
      systemDisk.truncate(path, sizeBytes);
    },
    write(descriptor, bytes, from, length) {
      faults.writeCount++;
      if (faults.operations + 1 === faults.failsAt && faults.diesThen) {
        systemDisk.write(descriptor, bytes, from, length >> 1);
      }
      faults.count();
      if (faults.roomBytes <= 0) throw systemError("ENOSPC");
      const taken = Math.min(length, faults.roomBytes, faults.maxWriteBytes);
      faults.roomBytes -= taken;
      return systemDisk.write(descriptor, bytes, from, taken);
    },
    sync(descriptor) {
      faults.count();
      if (faults.refusesSync) throw systemError("EIO");
      systemDisk.sync(descriptor);
    },
    dataSync(descriptor) {
      faults.count();
      const error = faults.countSync();
      if (error !== null) throw error;
      systemDisk.dataSync(descriptor);
    },
    dataSyncLater(_descriptor, done) {
      const error = faults.countSync();
      if (faults.holdsSyncs) faults.heldSyncs.push(() => done(error));
      else done(error);
    },
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** One server's worth of engine and AOF. */
export class Fixture {
  readonly clock = new ManualClock(START_MS);
  readonly disk = new Faults();
  readonly engine: Engine;
  readonly persistence: FilePersistence;
  readonly aof: Aof;
  readonly logged: string[] = [];
  readonly exits: number[] = [];
  recoveries = 0;
  private readonly session: Session;

  constructor(dir: string, directives: Partial<Record<DirectiveName, string>>) {
    const { clock } = this;
    const log = new Log(
      (line) => this.logged.push(line),
      () => clock.nowMs,
      1,
    );
    const host = { ...systemHost(systemDisk), workingDirectory: () => dir };
    const config = new Config(host, log);
    for (const [name, value] of Object.entries(directives)) {
      const problem = config.assign(
        name as DirectiveName,
        name === "save" ? value.split(" ") : [value],
      );
      if (problem !== null) throw new Error(`${name}: ${problem}`);
    }
    const random = new Random();
    const keyspace = new Keyspace(new KeyspaceContext(clock, random), 16);
    const table = new CommandTable(allCommands());
    this.engine = new Engine({ table, keyspace, config, clock, random, log });
    this.session = this.engine.clients.create(keyspace.database(0), clock.nowMs);
    const disk = flakyDisk(this.disk);
    this.persistence = new FilePersistence(this.engine, disk, (code) => this.exits.push(code));
    this.aof = this.persistence.aof;
    this.aof.writer.onRecovered = () => this.recoveries++;
  }

  /** Runs a command as a client's would run; gives the reply's bytes. */
  do(...words: (string | Uint8Array)[]): string {
    const request = encode(...words);
    const parser = new RequestParser();
    parser.next(request, request.length);
    const { reply } = this.engine;
    reply.clear();
    this.engine.execute(this.session, parser.args);
    return Buffer.from(reply.bytes.subarray(0, reply.at)).toString("latin1");
  }

  /** Runs commands that arrived in one chunk. */
  pipeline(commands: readonly (readonly string[])[]): void {
    const chunk = Buffer.concat(commands.map((words) => encode(...words)));
    const parser = new RequestParser();
    for (const _ of commands) {
      parser.next(chunk, chunk.length);
      this.engine.reply.clear();
      this.engine.execute(this.session, parser.args);
    }
  }

  /** Runs the command and ends the turn; whether its reply may go out. */
  turn(...words: (string | Uint8Array)[]): boolean {
    this.do(...words);
    return this.aof.writer.settle();
  }

  set(...args: string[]): string | null {
    return this.engine.config.set(args, { isLoading: false, isLocal: true });
  }

  /** Has the snapshot that is being written end at once. */
  finishSnapshot(): void {
    this.persistence.run.runToEnd();
  }

  get isWritingRefused(): boolean {
    return this.do("SET", "probe", "1").startsWith("-MISCONF");
  }

  get log(): string {
    return this.logged.join("");
  }

  info(name: string): string | number | undefined {
    return this.persistence.infoFields().find(([field]) => field === name)?.[1];
  }

  /** Every key with its value and time to live, sorted, with its database. */
  content(): string[] {
    const found: string[] = [];
    for (const { index } of this.engine.keyspace.databases) {
      const database = this.engine.keyspace.database(index);
      let cursor = 0;
      do {
        cursor = database.table.scan(cursor, 1024, (ref) => {
          found.push(`${index} ${keyText(database, ref)}=${textOfValue(database, ref)}`);
        });
      } while (cursor !== 0);
    }
    return found.sort();
  }
}

function keyText(database: Database, ref: Ref): string {
  const key = database.keyOf(ref, new KeyView());
  const text = Buffer.from(key.bytes.subarray(key.start, key.start + key.length));
  const expiry = database.hasExpiry(ref) ? `@${exactExpiryOf(database.arena, ref)}` : "";
  return text.toString("latin1") + expiry;
}

function textOfValue(database: Database, ref: Ref): string {
  const value = database.stringOf(ref);
  const bytes = value.bytes.subarray(value.start, value.start + value.length);
  return Buffer.from(bytes).toString("latin1");
}

const directories: string[] = [];

export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "pedis-aof-"));
  directories.push(directory);
  return directory;
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

export function fixture(
  dir: string,
  directives: Partial<Record<DirectiveName, string>> = {},
): Fixture {
  return new Fixture(dir, { appendonly: "yes", ...directives });
}

/** A fixture that has started. */
export async function started(
  dir: string,
  directives: Partial<Record<DirectiveName, string>> = {},
): Promise<Fixture> {
  const made = fixture(dir, directives);
  if (!(await made.aof.start())) throw new Error(`It did not start:\n${made.log}`);
  return made;
}

/** A request in RESP. */
export function encode(...words: (string | Uint8Array)[]): Uint8Array {
  const parts: Uint8Array[] = [bytesOf(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === "string" ? bytesOf(word) : word;
    parts.push(bytesOf(`$${bytes.length}\r\n`), bytes, bytesOf("\r\n"));
  }
  return Buffer.concat(parts);
}

export function incrementOf(dir: string, sequence = 1): string {
  return join(dir, "appendonlydir", `appendonly.aof.${sequence}.incr.aof`);
}

export function manifestOf(dir: string): string {
  return readFileSync(join(dir, "appendonlydir", "appendonly.aof.manifest"), "latin1");
}

/** Every file below the directory with its content. */
export function allFiles(dir: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path.slice(dir.length + 1), readFileSync(path, "latin1"));
  }
  return found;
}
