/**
 * Keys on their way to another server, one MIGRATE's:
 *
 *     connect ─▶ AUTH, SELECT ─▶ a RESTORE per key … ─▶ OK
 *                                └▶ +OK: the key is deleted here, -ERR …: it stays
 *
 * Redis stops serving meanwhile. Here all go on reading, and whoever wants to write waits (a held
 * pause, engine/pause.ts), so that a key which leaves is what was sent. It is deleted as soon as
 * the target has confirmed it, so that it is seldom and never for long in both places.
 *
 * Only when AUTH and SELECT have succeeded are keys sent, as many at a time as the network takes:
 * memory is needed for little more than the largest value, and one that is refused gets nothing.
 */
import type { BlockedRequest } from "../../engine/blocked-request.ts";
import type { Call } from "../../engine/call.ts";
import type { Engine } from "../../engine/engine.ts";
import { NOTIFY_GENERIC } from "../../engine/key-events.ts";
import {
  CLOSED,
  type Peer,
  type PeerEnd,
  type PeerEvents,
  TIMED_OUT,
  UNREACHABLE,
} from "../../engine/peer.ts";
import type { Database } from "../../keyspace/database.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { expiryOf } from "../../memory/entry.ts";
import {
  TARGET_NOT_REACHED,
  TARGET_NOT_READ,
  TARGET_NOT_WRITTEN,
  targetRefused,
} from "../../protocol/errors.ts";
import { ReplyLines } from "../../protocol/reply-lines.ts";
import { requestOf } from "../../protocol/request.ts";
import { DumpEncoder } from "../../rdb/dump-payload.ts";
import { configuredVersion } from "../../rdb/rdb-version.ts";

/** So much is written before the event loop gets its turn. */
const SLICE_BYTES = 256 * 1024;
const MINUS = "-";

export interface MigrationOrder {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** There. */
  readonly database: number | bigint;
  /** What AUTH is sent with: nothing, a password, or a user and a password. */
  readonly credentials: readonly Uint8Array[];
  /** The keys stay here. */
  readonly copies: boolean;
  /** What the target has under the same names is replaced. */
  readonly replaces: boolean;
  /** The keys that are there, as indices of the request's arguments. */
  readonly keys: readonly number[];
}

export class Migration implements PeerEvents {
  private peer: Peer | null = null;
  private isOpen = false;
  /** The database that is known to be selected there; -1: none. */
  private selected = -1;
  private lines = new ReplyLines();
  /** Replies to AUTH and SELECT that are due. */
  private greetingsDue = 0;
  /** Of `order.keys`, those that were looked at to be sent. */
  private taken = 0;
  /** Those that were sent, of which the first `answered` have a reply. */
  private sent: number[] = [];
  private answered = 0;
  /** Confirmed and not deleted yet. */
  private confirmed: number[] = [];
  private mayRetry = true;
  private hasFailed = false;
  private error: string | null = null;

  private readonly engine: Engine;
  private readonly request: BlockedRequest;
  private readonly database: Database;
  private readonly order: MigrationOrder;

  constructor(engine: Engine, request: BlockedRequest, order: MigrationOrder) {
    this.engine = engine;
    this.request = request;
    this.database = request.database;
    this.order = order;
  }

  start(): void {
    this.engine.pause.hold();
    this.attempt();
  }

  opened(): void {
    this.isOpen = true;
    this.greet();
  }

  received(bytes: Uint8Array): void {
    for (const line of this.lines.add(bytes)) this.receive(line);
    if (this.lines.isTooLong) this.ended(CLOSED);
    else this.advance();
  }

  drained(): void {
    this.advance();
  }

  ended(end: PeerEnd): void {
    const isWriting = this.greetingsDue === 0 && this.taken < this.order.keys.length;
    // To Redis a connection that is refused is one that can't be written to.
    const hasUnsent = !this.isOpen || isWriting || (this.peer?.unsentBytes ?? 0) > 0;
    this.peer?.close();
    this.peer = null;
    const isFresh = this.answered === 0 && this.error === null;
    if (this.isOpen && isFresh && this.mayRetry && end !== TIMED_OUT) {
      // Most likely a kept connection that the target has closed meanwhile.
      this.mayRetry = false;
      this.attempt();
      return;
    }
    this.hasFailed = true;
    if (end === UNREACHABLE) this.error ??= TARGET_NOT_REACHED;
    else this.error ??= hasUnsent ? TARGET_NOT_WRITTEN : TARGET_NOT_READ;
    this.advance();
  }

  private get place(): string {
    return `${this.order.host}:${this.order.port}`;
  }

  private attempt(): void {
    const { peers } = this.engine;
    const { host, port, timeoutMs } = this.order;
    const kept = peers.take(this.place);
    this.isOpen = kept !== null;
    this.selected = kept?.database ?? -1;
    this.lines = new ReplyLines();
    this.greetingsDue = this.taken = this.answered = 0;
    this.sent = [];
    if (kept === null) {
      this.peer = peers.connector.connect("cluster", host, port, timeoutMs, this);
      return;
    }
    this.peer = kept.peer;
    this.peer.events = this;
    this.peer.limit(timeoutMs);
    this.greet();
  }

  private greet(): void {
    const { credentials, database } = this.order;
    const greetings: Uint8Array[] = [];
    if (credentials.length > 0) greetings.push(requestOf(["AUTH", ...credentials]));
    if (this.selected !== Number(database)) {
      greetings.push(requestOf(["SELECT", String(database)]));
    }
    this.greetingsDue = greetings.length;
    if (this.greetingsDue === 0) this.send();
    else this.peer?.write(greetings);
  }

  private receive(line: string): void {
    const isError = line.startsWith(MINUS);
    if (isError) this.error ??= targetRefused(line.slice(1));
    if (this.greetingsDue > 0) {
      this.greetingsDue--;
      if (this.greetingsDue === 0) this.hasFailed = this.error !== null;
      return;
    }
    if (this.answered === this.sent.length) return;
    const key = this.sent[this.answered++];
    if (!isError) this.confirmed.push(key);
  }

  /** Does what can be done now: sends on, deletes what was confirmed, replies at the end. */
  private advance(): void {
    if (this.greetingsDue === 0 && !this.hasFailed) this.send();
    const isOver = this.hasFailed || this.isComplete;
    if (!isOver && this.confirmed.length === 0) return;
    this.engine.blocking.proceed(this.request, (call) => {
      if (!this.order.copies) this.deleteConfirmed(call);
      this.confirmed.length = 0;
      if (!isOver) return false;
      this.finish(call);
      return true;
    });
  }

  private get isComplete(): boolean {
    const { taken, answered, sent, order } = this;
    return this.greetingsDue === 0 && taken === order.keys.length && answered === sent.length;
  }

  /** Writes keys until it is much, or all. */
  private send(): void {
    const { peer, order, database } = this;
    const { args } = this.request;
    if (peer === null || !this.isOpen) return;
    const requests: Uint8Array[] = [];
    let room = SLICE_BYTES - peer.unsentBytes;
    while (room > 0 && this.taken < order.keys.length) {
      const index = order.keys[this.taken++];
      const ref = database.peek(args.bytes, args.starts[index], args.lengths[index]);
      // It may have expired since.
      if (ref === NULL_REF) continue;
      const restore = this.restore(ref, args.copy(index));
      this.sent.push(index);
      requests.push(restore);
      room -= restore.length;
    }
    if (requests.length > 0) peer.write(requests);
  }

  /** The request that makes the entry there. */
  private restore(ref: Ref, key: Uint8Array): Uint8Array {
    const { engine, database } = this;
    const { values } = engine.config;
    let ttlMs = 0;
    if (database.hasExpiry(ref)) {
      ttlMs = Math.max(1, expiryOf(database.arena, ref) - engine.clock.nowMs);
    }
    const encoder = DumpEncoder.of(engine.context);
    const version = configuredVersion(values["rdb-version"]);
    encoder.encode(database.arena, ref, version, values.rdbcompression);
    const payload = encoder.bytes.subarray(0, encoder.length);
    const args = ["RESTORE", key, String(ttlMs), payload];
    return requestOf(this.order.replaces ? [...args, "REPLACE"] : args);
  }

  private deleteConfirmed(call: Call): void {
    const { args, database } = call;
    const deleted = this.confirmed.filter((index) => {
      const ref = database.peekAny(args.bytes, args.starts[index], args.lengths[index]);
      if (ref === NULL_REF) return false;
      database.remove(ref);
      call.changed(NOTIFY_GENERIC, "del", index);
      return true;
    });
    if (deleted.length === 0) return;
    const effects = call.instead();
    if (!effects.isActive) return;
    effects.begin(database.index, 1 + deleted.length);
    effects.word("DEL");
    for (const index of deleted) effects.argument(args, index);
  }

  private finish(call: Call): void {
    const { engine, peer, error } = this;
    if (error === null) call.reply.ok();
    else call.fail(error);
    if (peer !== null) {
      const selected = error === null ? Number(this.order.database) : -1;
      if (this.lines.isWithinLine) peer.close();
      else engine.peers.keep(this.place, peer, selected, engine.clock.nowMs);
    }
    engine.pause.release();
  }
}
