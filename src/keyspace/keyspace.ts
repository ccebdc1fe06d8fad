/** The numbered databases of a server, and what concerns all of them. */
import { assert } from "../base/assert.ts";
import type { KeyspaceContext } from "./context.ts";
import { Database } from "./database.ts";

export class Keyspace {
  readonly databases: Database[] = [];

  readonly context: KeyspaceContext;

  constructor(context: KeyspaceContext, count: number) {
    this.context = context;
    for (let index = 0; index < count; index++) {
      this.databases.push(new Database(index, context));
    }
  }

  get keyCount(): number {
    let keys = 0;
    for (const database of this.databases) keys += database.size;
    return keys;
  }

  get usedBytes(): number {
    return this.context.memory.bytes;
  }

  /** Bytes of the tables alone: what finding keys costs. */
  get tableBytes(): number {
    let bytes = 0;
    for (const database of this.databases) bytes += database.table.sizeBytes;
    return bytes;
  }

  /** Bytes of all arenas' blocks that are handed out. */
  get blockBytes(): number {
    let bytes = 0;
    for (const database of this.databases) bytes += database.arena.usedBytes;
    return bytes;
  }

  /** Bytes that the system has committed to the arenas. */
  get touchedBytes(): number {
    let bytes = 0;
    for (const database of this.databases) bytes += database.arena.touchedBytes;
    return bytes;
  }

  /** Bytes by which hashes whose fields expire are found. */
  get expiringHashesBytes(): number {
    let bytes = 0;
    for (const { expiringHashes } of this.databases) bytes += expiringHashes?.sizeBytes ?? 0;
    return bytes;
  }

  /** Bytes of arena pages in use or kept. */
  get committedBytes(): number {
    let bytes = 0;
    for (const database of this.databases) bytes += database.arena.committedBytes;
    return bytes;
  }

  database(index: number): Database {
    const database = this.databases[index];
    assert(database !== undefined, "a session's database exists");
    return database;
  }

  clear(): void {
    for (const database of this.databases) database.clear();
  }

  /** To be called once, when all of it is thrown away: it takes no memory any more. */
  abandon(): void {
    for (const { arena } of this.databases) arena.abandon();
  }
}
