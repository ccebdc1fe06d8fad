/**
 * The present content of all databases as commands, for a base file: SET key value [PXAT ms].
 * The walk is done in one go, so nothing changes while it runs. Keys that have expired are left
 * out, since their removal has been or will be reported elsewhere.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import { writeWhole } from "../base/disk.ts";
import type { EffectSink } from "../engine/effects.ts";
import { Effects } from "../engine/effects.ts";
import type { Database } from "../keyspace/database.ts";
import { KeyView } from "../keyspace/entries.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Ref } from "../memory/arena.ts";
import { exactExpiryOf, TYPE_STRING, typeOf } from "../memory/entry.ts";
import { selectCommand } from "./_select.ts";

const BUFFER_BYTES = 1 << 20;
const HOMES_PER_STEP = 65536;

/** Writes everything to the descriptor; throws where the disk refuses. */
export function writeBase(
  keyspace: Keyspace,
  disk: Disk,
  descriptor: number,
  notedSeconds: number | null,
): void {
  const file = new CommandFile(disk, descriptor);
  if (notedSeconds !== null) file.text(`#TS:${notedSeconds}\r\n`);
  const effects = new Effects();
  effects.attach(file);
  for (const database of keyspace.databases) {
    for (let cursor = 0; ;) {
      const visit = (ref: Ref): void => writeEntry(database, ref, effects);
      cursor = database.table.scan(cursor, HOMES_PER_STEP, visit);
      if (cursor === 0) break;
    }
  }
  file.flush();
}

const key = new KeyView();

function writeEntry(database: Database, ref: Ref, effects: Effects): void {
  if (database.isExpired(ref)) return;
  if (typeOf(database.arena, ref) !== TYPE_STRING) throw new Error("only strings can be written");
  const expires = database.hasExpiry(ref);
  effects.begin(database.index, expires ? 5 : 3);
  effects.word("SET");
  key.read(database.arena, ref);
  effects.range(key.bytes, key.start, key.length);
  const value = database.stringOf(ref);
  effects.range(value.bytes, value.start, value.length);
  if (expires) {
    effects.word("PXAT");
    effects.integer(exactExpiryOf(database.arena, ref));
  }
  effects.finish();
}

class CommandFile implements EffectSink {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private at = 0;
  private database = -1;
  private readonly disk: Disk;
  private readonly descriptor: number;

  constructor(disk: Disk, descriptor: number) {
    this.disk = disk;
    this.descriptor = descriptor;
  }

  append(database: number, bytes: Uint8Array, start: number, length: number): void {
    if (database !== this.database) {
      this.database = database;
      const select = selectCommand(database);
      this.put(select, 0, select.length);
    }
    this.put(bytes, start, length);
  }

  appendRequest(database: number, bytes: Uint8Array, start: number, length: number): void {
    this.append(database, bytes, start, length);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.put(bytes, 0, bytes.length);
  }

  flush(): void {
    writeWhole(this.disk, this.descriptor, this.buffer, 0, this.at);
    this.at = 0;
  }

  private put(bytes: Uint8Array, start: number, length: number): void {
    if (this.at + length > BUFFER_BYTES) this.flush();
    if (length > BUFFER_BYTES) {
      writeWhole(this.disk, this.descriptor, bytes, start, length);
    } else {
      copyBytes(this.buffer, this.at, bytes, start, length);
      this.at += length;
    }
  }
}
