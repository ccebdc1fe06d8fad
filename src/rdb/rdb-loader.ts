/**
 * Loads an RDB file, the one that an AOF begins with, or one that still comes (rdb-stream.ts), into
 * the databases: a few keys with each step. It ends exactly behind the checksum. What was loaded
 * before a failure stays.
 *
 * Where the rest of a record has not come yet, the step ends and the record is read again from its
 * beginning, but not before so much more is there that all attempts together cost no more than two.
 *
 * A key replaces none of the same name unless `replaces` says so. Source: rdbLoadRioWithLoadingCtx
 * (rdb.c, Redis 7).
 */
import { ByteCopy, textOf } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import type { KeyListener } from "../keyspace/context.ts";
import { type Expiry, NO_EXPIRY } from "../keyspace/entry-store.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteView } from "../memory/element.ts";
import { setClock } from "../memory/entry.ts";
import { moduleNameOf } from "./_module-name.ts";
import { RecordBatch } from "./_record-batch.ts";
import type { RdbError } from "./rdb-error.ts";
import { RdbInput } from "./rdb-input.ts";
import type { RdbSource } from "./rdb-input.ts";
import { InputMissing, RdbStream } from "./rdb-stream.ts";
import {
  MAX_RDB_VERSION,
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRE_MS,
  OPCODE_EXPIRE_SECONDS,
  OPCODE_FREQ,
  OPCODE_FUNCTION2,
  OPCODE_FUNCTION_PRE_GA,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RESIZE_DB,
  OPCODE_SELECT_DB,
  OPCODE_SLOT_INFO,
} from "./rdb-types.ts";
import { type RdbLimits, ValueDecoder } from "./value-decoder.ts";

const HEADER_BYTES = 9;
const CHECKSUM_BYTES = 8;
const FIRST_WITH_CHECKSUM = 5;
const NOT_SAID = -1;
/** Of empty keys so many are named in the log. */
const NAMED_EMPTY_KEYS = 10;

export interface RdbLoadOptions {
  /** The thresholds between encodings. */
  readonly limits: RdbLimits;
  /** Whether the checksum is verified. */
  readonly checksums: boolean;
  /** Whether keys that have expired are loaded all the same: a replica, the base of an AOF. */
  readonly keepsExpired: boolean;
  /** Whether keys may replace those that are there. */
  readonly replaces: boolean;
  /** Where function libraries go; without it, to those of the server. */
  readonly libraries?: Uint8Array[];
  /** Hears of keys that had expired and were left out. */
  readonly onExpired?: KeyListener;
  /** Is told what an operator should know, though loading goes on. */
  warn(message: string): void;
}

export class RdbLoader {
  emptyKeysSkipped = 0;
  version = 0;
  /** The fields about the file itself, as far as they have been read. */
  readonly aux = new Map<string, string>();

  private readonly keyspace: Keyspace;
  private readonly options: RdbLoadOptions;
  private readonly input: RdbInput;
  private readonly decoder: ValueDecoder;
  private readonly batch: RecordBatch;
  /** Of the keys that came one by one. */
  private loadedAlone = 0;
  private expiredAlone = 0;
  private database: Database;
  private isAtEnd = false;
  private readonly stream: RdbStream | null;
  /** Where the record that is being read begins; of a stream, and how much must be there of it. */
  private recordAt: number;
  private neededBytes = 0;
  private readonly libraries: Uint8Array[];
  /** The code of the libraries that are there (Latin-1). */
  private readonly knownLibraries: Set<string>;
  private readonly key = new ByteCopy();
  private readonly view = new ByteView();
  /** What was said of the key that comes next. */
  private expiry: Expiry = NO_EXPIRY;
  private idleSeconds = NOT_SAID;
  private frequency = NOT_SAID;

  /** `from` is where the RDB begins in the source. Reads nothing yet. */
  constructor(keyspace: Keyspace, source: RdbSource, options: RdbLoadOptions, from = 0) {
    this.keyspace = keyspace;
    this.options = options;
    this.input = new RdbInput(source, from, options.checksums);
    this.stream = source instanceof RdbStream ? source : null;
    this.recordAt = from;
    this.decoder = new ValueDecoder(keyspace.context, options.limits);
    this.batch = new RecordBatch(
      keyspace.context,
      this.decoder,
      (bytes, start, length) => this.skipEmpty(bytes, start, length),
      options.onExpired ?? null,
    );
    this.database = keyspace.database(0);
    this.libraries = options.libraries ?? keyspace.context.functionLibraries;
    this.knownLibraries = new Set(this.libraries.map((code) => textOf(code)));
  }

  get keysLoaded(): number {
    return this.loadedAlone + this.batch.stored;
  }

  get keysExpired(): number {
    return this.expiredAlone + this.batch.expired;
  }

  /** The position in the source of what comes next; in the end, what is behind the RDB. */
  get position(): number {
    return this.input.offset;
  }

  /** Whether there is nothing to do before more has come. */
  get isWaiting(): boolean {
    const { stream } = this;
    return stream !== null && !stream.isComplete && stream.presentBytes < this.neededBytes;
  }

  /**
   * Loads on, some `budgetBytes` of the file and at least one key, unless it must wait. False once
   * the end is reached. Throws an RdbError where the file can't be read on.
   */
  step(budgetBytes: number): boolean {
    if (this.isAtEnd) return false;
    if (this.isWaiting) return true;
    const { context } = this.keyspace;
    const { onNew, mutations, showsExpired } = context;
    // Keys that are loaded are no news, and none of them is to be hidden.
    context.onNew = null;
    context.showsExpired = true;
    try {
      return this.loadSome(budgetBytes);
    } catch (error) {
      if (!(error instanceof InputMissing)) throw error;
      this.waitFor(error.neededBytes);
      return true;
    } finally {
      context.onNew = onNew;
      context.hashedBytes = null;
      context.mutations = mutations;
      context.showsExpired = showsExpired;
      this.stream?.release(this.recordAt);
    }
  }

  /** False once the end is reached. */
  private loadSome(budgetBytes: number): boolean {
    const { input } = this;
    if (this.version === 0) this.readHeader();
    const until = input.offset + budgetBytes;
    do {
      this.recordAt = input.offset;
      if (this.readBatch(until - input.offset)) continue;
      if (!this.readRecord()) {
        this.finish();
        return false;
      }
    } while (input.offset < until);
    this.recordAt = input.offset;
    return true;
  }

  private waitFor(neededBytes: number): void {
    const { input, recordAt, stream } = this;
    input.rewind(recordAt);
    const presentBytes = stream === null ? 0 : stream.presentBytes;
    this.neededBytes = Math.max(neededBytes, recordAt + (presentBytes - recordAt) * 2);
  }

  private readHeader(): void {
    const { input, view } = this;
    const offset = input.offset;
    input.readBytes(HEADER_BYTES, view);
    const text = textOf(view.bytes, view.start, HEADER_BYTES);
    const isRdb = text.startsWith("REDIS");
    if (!isRdb) throw input.error("Wrong signature trying to load DB from file", offset);
    const version = /^[0-9]{4}$/.test(text.slice(5)) ? Number(text.slice(5)) : 0;
    if (version < 1 || version > MAX_RDB_VERSION) {
      throw input.error(`Can't handle RDB format version ${version}`, offset + 5);
    }
    this.version = version;
  }

  /**
   * Loads records that are in the buffer, some `budgetBytes` of them; false where there are none
   * to be loaded so.
   */
  private readBatch(budgetBytes: number): boolean {
    const { input, batch } = this;
    if (this.isSomethingSaid || !batch.gather(input, budgetBytes)) return false;
    const visibleFromMs = this.options.keepsExpired ? 0 : this.keyspace.context.clock.nowMs;
    return batch.store(input, this.database, visibleFromMs);
  }

  /** Whether opcodes have said something of the key that comes next. */
  private get isSomethingSaid(): boolean {
    if (this.expiry !== NO_EXPIRY) return true;
    return this.idleSeconds !== NOT_SAID || this.frequency !== NOT_SAID;
  }

  /** Reads an opcode with its operands, or a key; false where it is the end. */
  private readRecord(): boolean {
    const { input } = this;
    const type = input.readByte();
    switch (type) {
      case OPCODE_EXPIRE_MS:
        input.readInt64();
        this.setExpiry(input.int64);
        return true;
      case OPCODE_EXPIRE_SECONDS:
        this.setExpiry(input.readInt32() * 1000);
        return true;
      case OPCODE_IDLE:
        this.idleSeconds = input.readLength();
        return true;
      case OPCODE_FREQ:
        this.frequency = input.readByte();
        return true;
      case OPCODE_EOF:
        return false;
      case OPCODE_SELECT_DB:
        this.select(input.readLength());
        return true;
      case OPCODE_RESIZE_DB:
      case OPCODE_SLOT_INFO:
        // Hints about sizes. Tables grow without a pause here.
        for (let i = type === OPCODE_SLOT_INFO ? 3 : 2; i > 0; i--) input.readLength();
        return true;
      case OPCODE_AUX:
        this.readAux();
        return true;
      case OPCODE_FUNCTION2:
        this.readLibrary();
        return true;
      case OPCODE_FUNCTION_PRE_GA:
        throw input.error(
          "Functions of a release candidate of Redis 7.0 can't be loaded",
          input.offset - 1,
        );
      case OPCODE_MODULE_AUX:
        throw this.moduleRefusal();
    }
    this.readKey(type);
    return true;
  }

  private readKey(type: number): void {
    const { input, decoder, key, view } = this;
    decoder.accept(input, type);
    input.readString(view);
    key.set(view.bytes, view.start, view.length);
    if (!decoder.read(input, type, this.database.arena)) this.skipEmpty(key.bytes, 0, key.length);
    else if (this.hasExpired) {
      decoder.discard();
      this.expiredAlone++;
      this.options.onExpired?.(this.database, key.bytes, 0, key.length);
    } else {
      this.store();
    }
    this.expiry = NO_EXPIRY;
    this.idleSeconds = this.frequency = NOT_SAID;
  }

  private get hasExpired(): boolean {
    if (this.expiry === NO_EXPIRY || this.options.keepsExpired) return false;
    return this.expiry < this.keyspace.context.clock.nowMs;
  }

  private store(): void {
    const { database, decoder, key } = this;
    const existing = database.peek(key.bytes, 0, key.length);
    if (existing !== NULL_REF) {
      if (!this.options.replaces) {
        decoder.discard();
        const name = textOf(key.bytes, 0, key.length);
        throw this.input.error(`RDB has duplicated key '${name}' in DB ${database.index}`);
      }
      // A lookup for writing: a snapshot may have to take the entry first.
      database.remove(database.write(key.bytes, 0, key.length));
      database.peek(key.bytes, 0, key.length);
    }
    const ref = decoder.store(database, key.bytes, 0, key.length, this.expiry);
    this.loadedAlone++;
    const { access } = this.keyspace.context;
    if (access.usesLfu) {
      if (this.frequency !== NOT_SAID) {
        setClock(database.arena, ref, access.withFrequency(this.frequency));
      }
    } else if (this.idleSeconds !== NOT_SAID) {
      setClock(database.arena, ref, access.idleFor(this.idleSeconds));
    }
  }

  /** Redis once wrote collections without elements; they are no reason to lose the others. */
  private skipEmpty(bytes: Uint8Array, start: number, length: number): void {
    if (this.emptyKeysSkipped++ >= NAMED_EMPTY_KEYS) return;
    this.options.warn(`rdbLoadObject skipping empty key: ${textOf(bytes, start, length)}`);
  }

  /** Whatever is said here is before the epoch means: expired. */
  private setExpiry(whenMs: Expiry): void {
    if (whenMs === NO_EXPIRY) this.expiry = NO_EXPIRY;
    else this.expiry = whenMs < 0 ? 0 : whenMs;
  }

  private select(index: number): void {
    const { databases } = this.keyspace;
    const database = databases[index];
    if (database === undefined) {
      throw this.input.error(
        "FATAL: Data file was created with a Redis server configured to handle more than " +
          `${databases.length} databases. Exiting`,
      );
    }
    this.database = database;
  }

  private readAux(): void {
    const name = this.readText();
    this.aux.set(name, this.readText());
  }

  private readText(): string {
    const { input, view } = this;
    input.readString(view);
    return textOf(view.bytes, view.start, view.length);
  }

  private readLibrary(): void {
    const { view } = this;
    this.input.readString(view);
    const text = textOf(view.bytes, view.start, view.length);
    if (this.knownLibraries.has(text)) return;
    this.knownLibraries.add(text);
    this.libraries.push(view.bytes.slice(view.start, view.start + view.length));
  }

  private moduleRefusal(): RdbError {
    const { input } = this;
    const offset = input.offset - 1;
    input.readWords();
    const name = moduleNameOf(input.high, input.low);
    return input.error(
      `The RDB file contains AUX module data I can't load: no matching module '${name}'`,
      offset,
    );
  }

  private finish(): void {
    const { input, view } = this;
    const hasChecksum = this.version >= FIRST_WITH_CHECKSUM;
    if (hasChecksum) input.await(CHECKSUM_BYTES);
    this.isAtEnd = true;
    if (!hasChecksum) return;
    const computed = new Uint8Array(CHECKSUM_BYTES);
    input.writeChecksum(computed);
    const offset = input.offset;
    input.readBytes(CHECKSUM_BYTES, view);
    if (!this.options.checksums) return;
    const stored = view.bytes.slice(view.start, view.start + CHECKSUM_BYTES);
    if (stored.every((byte) => byte === 0)) {
      this.options.warn("RDB file was saved with checksum disabled: no check performed.");
    } else if (Buffer.compare(stored, computed) !== 0) {
      const [expected, got] = [computed, stored].map((sum) => sum.toReversed().toHex());
      throw input.error(`Wrong RDB checksum expected: (${expected}) but got (${got})`, offset);
    }
  }
}
