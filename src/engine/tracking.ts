/**
 * Client-side caching: tells clients which of the keys that they may hold copies of have changed
 * (redis/src/tracking.c).
 *
 *     default      keys that the client reads are remembered; the first change of one of them
 *                  is told at once, and the key forgotten
 *     broadcast    the client follows prefixes and reads or not; the keys of a turn that have
 *                  one are told together at the turn's end, behind its replies
 *
 * It listens to the reports of changed keys while somebody tracks, or has read a key while
 * tracking and is still connected. Those who are gone stay in the table until the key changes.
 *
 * Invariants: whoever has a key in the table is in `readers`; `GATE_TRACKING` is shut while the
 * table holds more keys than it may, so that the next command, whoever's, makes room first.
 */
import type { Database } from "../keyspace/database.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { ofEverything, ofKey, ofKeys, redirectBroken } from "./_tracking-messages.ts";
import type { Invalidation } from "./_tracking-messages.ts";
import { Prefixes } from "./_tracking-prefixes.ts";
import { TrackingTable } from "./_tracking-table.ts";
import { GATE_TRACKING } from "./admission.ts";
import { ClientTracking } from "./client-tracking.ts";
import type { TrackingOptions } from "./client-tracking.ts";
import { READONLY } from "./command.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { leavesContent, NOTIFY_EVICTED, NOTIFY_EXPIRED } from "./key-events.ts";
import type { KeyWatcher } from "./key-events.ts";
import { KeyPlaces, locateKeys } from "./key-finder.ts";
import type { Session } from "./session.ts";

const EVERY_KEY = "";
/** Keys that a round forgets; after rounds that did not suffice the next ones do more. */
const FORGOTTEN_PER_ROUND = 100;

export class Tracking implements KeyWatcher {
  /** Set by the composition root: has `broadcast` called at the end of this turn. */
  requestBroadcast: () => void = () => {};
  private readonly trackers = new Set<Session>();
  private readonly readers = new Set<Session>();
  private readonly table = new TrackingTable();
  private readonly prefixes = new Prefixes();
  private readonly places = new KeyPlaces();
  private isWatching = false;
  private insufficientRounds = 0;
  private readonly ids: number[] = [];

  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get clientCount(): number {
    return this.trackers.size;
  }

  get keyCount(): number {
    return this.table.keyCount;
  }

  get itemCount(): number {
    return this.table.itemCount;
  }

  get prefixCount(): number {
    return this.prefixes.count;
  }

  get sizeBytes(): number {
    return this.table.sizeBytes;
  }

  /** CLIENT TRACKING ON; the caller has made sure that the options agree with each other. */
  enable(session: Session, options: TrackingOptions): void {
    session.tracking ??= new ClientTracking();
    const followed = options.prefixes.length === 0 ? [EVERY_KEY] : options.prefixes;
    const prefixes = options.isBroadcast ? followed : [];
    session.tracking.set({ ...options, prefixes });
    for (const prefix of prefixes) this.prefixes.follow(session, prefix);
    this.trackers.add(session);
    if (!options.isBroadcast) this.readers.add(session);
    this.checkLimit();
    this.watchWhileNeeded();
  }

  /** CLIENT TRACKING OFF. What the session has read stays, should it track again. */
  disable(session: Session): void {
    if (session.tracking === null) return;
    this.prefixes.unfollow(session, session.tracking.prefixes);
    session.tracking = null;
    this.trackers.delete(session);
    this.checkLimit();
    this.watchWhileNeeded();
  }

  /** The session is gone. */
  forget(session: Session): void {
    this.disable(session);
    if (!this.readers.delete(session) || this.readers.size > 0) return;
    this.table.clear();
    this.checkLimit();
    this.watchWhileNeeded();
  }

  /** A session that tracks has run a command, or a part of one (in EXEC). */
  hasRun(session: Session, command: Command, args: Arguments): void {
    if ((command.flags & READONLY) !== 0) this.remember(session, command, args);
    this.requestEnded(session, command);
  }

  /** Whoever tracks has read the keys of this request. */
  remember({ tracking, id }: Session, command: Command, args: Arguments): void {
    if (tracking === null || !tracking.remembers) return;
    const { table, places } = this;
    const { bytes, starts, lengths } = args;
    locateKeys(command, args, 0, places);
    for (let i = 0; i < places.count; i++) {
      const index = places.indices[i];
      table.add(bytes, starts[index], lengths[index], id);
    }
    if (this.isOverLimit) this.checkLimit();
  }

  /**
   * Run, refused or unknown: what CLIENT CACHING has said was about that request, or about the
   * transaction that it is a part of.
   */
  requestEnded({ tracking, transaction, blocked }: Session, command: Command | null): void {
    if (tracking === null || !tracking.isCaching) return;
    if (transaction !== null || blocked !== null || command?.parent?.name === "client") return;
    tracking.isCaching = false;
  }

  keyChanged(
    _database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (leavesContent(kind, event)) return;
    const { running } = this.engine;
    if (this.prefixes.count > 0) {
      const isNobodys = kind === NOTIFY_EXPIRED || kind === NOTIFY_EVICTED || event === "hexpired";
      this.prefixes.note(bytes, start, length, isNobodys ? null : running);
      if (this.prefixes.hasChanges) this.requestBroadcast();
    }
    if (this.table.keyCount > 0) this.invalidate(bytes, start, length, running);
  }

  databasesEmptied(): void {
    this.table.clear();
    const message = ofEverything();
    for (const session of this.trackers) this.send(session, message);
  }

  /** Tells those who follow prefixes of the keys that have changed since the last time. */
  broadcast(): void {
    if (!this.prefixes.hasChanges) return;
    for (const { followers, changed } of this.prefixes.takeChanged()) {
      const keys = [...changed.keys()].sort();
      const message = ofKeys(keys);
      for (const session of followers) {
        if (session.tracking?.isNoLoop !== true) this.send(session, message);
        else {
          const others = keys.filter((key) => changed.get(key) !== session);
          if (others.length > 0) this.send(session, ofKeys(others));
        }
      }
      changed.clear();
    }
  }

  /** Makes some room where the table holds too many keys; also called by the cron. */
  limit(): void {
    const { table } = this;
    if (!this.isOverLimit) return;
    const effort = FORGOTTEN_PER_ROUND * (this.insufficientRounds + 1);
    const nextWord = (): number => this.engine.random.word();
    for (let i = 0; i < effort && this.isOverLimit; i++) {
      const key = table.sample(nextWord);
      this.invalidate(key, 0, key.length, null);
    }
    this.insufficientRounds++;
    this.checkLimit();
  }

  /** Shuts or opens the gate that has `limit` called; also called when the limit has changed. */
  checkLimit(): void {
    if (this.isOverLimit) {
      this.engine.shut(GATE_TRACKING);
    } else {
      this.insufficientRounds = 0;
      this.engine.open(GATE_TRACKING);
    }
  }

  private get isOverLimit(): boolean {
    const limit = this.engine.config.values["tracking-table-max-keys"];
    return limit > 0 && this.table.keyCount > limit && this.trackers.size > 0;
  }

  /** Tells all who have read the key but `changer`, if it does not want to hear of its own. */
  private invalidate(
    bytes: Uint8Array,
    start: number,
    length: number,
    changer: Session | null,
  ): void {
    const { ids } = this;
    this.table.take(bytes, start, length, ids);
    if (ids.length === 0) return;
    const message = ofKey(bytes, start, length);
    for (const id of ids) {
      const session = this.engine.clients.byId(id);
      if (session === null || session.tracking === null) continue;
      const { isBroadcast, isNoLoop } = session.tracking;
      if (!isBroadcast && !(isNoLoop && session === changer)) this.send(session, message);
    }
  }

  private send(session: Session, message: Invalidation): void {
    const { tracking } = session;
    if (tracking === null) return;
    if (tracking.redirectId === 0) {
      this.deliver(session, message, false);
      return;
    }
    const receiver = this.engine.clients.byId(tracking.redirectId);
    if (receiver === null || receiver.closesAfterReply) {
      tracking.isRedirectBroken = true;
      if (session.resp === 3) this.engine.push(session, redirectBroken(tracking.redirectId));
      return;
    }
    this.deliver(receiver, message, true);
  }

  private deliver(receiver: Session, message: Invalidation, isRedirected: boolean): void {
    if (receiver.resp === 3) this.engine.push(receiver, message.asPush);
    else if (isRedirected && receiver.subscriptions !== null) {
      // Only who listens to some channel expects messages in RESP2.
      this.engine.push(receiver, message.asChannelMessage);
    }
  }

  private watchWhileNeeded(): void {
    const isNeeded = this.trackers.size + this.readers.size > 0;
    if (isNeeded === this.isWatching) return;
    this.isWatching = isNeeded;
    if (isNeeded) this.engine.watchKeys(this);
    else this.engine.unwatchKeys(this);
  }
}
