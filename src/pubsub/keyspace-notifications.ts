/**
 * Keyspace notifications: an event of a key, as a message on
 *
 *     __keyspace@<database>__:<key>      the event's name
 *     __keyevent@<database>__:<event>    the key
 *
 * in this order, where `notify-keyspace-events` has the class of the event and K or E. While it
 * has none, nothing is listened to, so a change costs what it cost before.
 */
import { bytesOf, copyBytes } from "../base/bytes.ts";
import {
  NOTIFY_KEY_MISS,
  NOTIFY_KEYEVENT,
  NOTIFY_KEYSPACE,
  NOTIFY_NEW,
} from "../engine/config/notify-flags.ts";
import type { Engine } from "../engine/engine.ts";
import type { KeyWatcher } from "../engine/key-events.ts";
import type { KeyListener } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";

const TARGETS = NOTIFY_KEYSPACE | NOTIFY_KEYEVENT;
const INITIAL_BYTES = 256;
/** A buffer that grew beyond this for one long key is given up after it. */
const KEEP_BYTES = 64 * 1024;

/** From now on publishes the events that the configuration wants, as it is and will be. */
export function publishKeyEvents(engine: Engine): void {
  const notifications = new KeyspaceNotifications(engine);
  const configure = (): null => {
    notifications.configure();
    return null;
  };
  configure();
  engine.config.onApply("notify-keyspace-events", configure);
}

class KeyspaceNotifications implements KeyWatcher {
  private flags = 0;
  private isWatching = false;
  /** Names of channels are put together here. */
  private channel: Uint8Array = new Uint8Array(INITIAL_BYTES);
  /** Bytes of the names of events, of which there are few. */
  private readonly names = new Map<string, Uint8Array>();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  keyChanged(
    database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if ((this.flags & kind) === 0) return;
    const { pubsub } = this.engine;
    if (pubsub.channels.count === 0 && pubsub.patterns.count === 0) return;
    const name = this.nameOf(event);
    if ((this.flags & NOTIFY_KEYSPACE) !== 0) {
      const end = this.putChannel("__keyspace@", database.index, bytes, start, length);
      pubsub.publish(this.channel, 0, end, name, 0, name.length);
    }
    if ((this.flags & NOTIFY_KEYEVENT) !== 0) {
      const end = this.putChannel("__keyevent@", database.index, name, 0, name.length);
      pubsub.publish(this.channel, 0, end, bytes, start, length);
    }
    if (this.channel.length > KEEP_BYTES) this.channel = new Uint8Array(INITIAL_BYTES);
  }

  configure(): void {
    const { engine } = this;
    const { config, context } = engine;
    const wanted = config.values["notify-keyspace-events"];
    const isWatching = (wanted & TARGETS) !== 0 && (wanted & ~TARGETS) !== 0;
    this.flags = isWatching ? wanted : 0;
    if (isWatching && !this.isWatching) engine.watchKeys(this);
    if (!isWatching && this.isWatching) engine.unwatchKeys(this);
    this.isWatching = isWatching;
    context.onMiss = this.listener(NOTIFY_KEY_MISS, "keymiss");
    context.onNew = this.listener(NOTIFY_NEW, "new");
  }

  /** Publishes an event that only the keyspace sees; null where its class is not wanted. */
  private listener(kind: number, event: string): KeyListener | null {
    if ((this.flags & kind) === 0) return null;
    return (database, bytes, start, length) =>
      this.keyChanged(database, kind, event, bytes, start, length);
  }

  /** Puts `<prefix><database>__:<rest>` together; returns where it ends. */
  private putChannel(
    prefix: string,
    database: number,
    rest: Uint8Array,
    start: number,
    length: number,
  ): number {
    const head = `${prefix}${database}__:`;
    const size = head.length + length;
    if (size > this.channel.length) this.channel = new Uint8Array(size * 2);
    const { channel } = this;
    for (let i = 0; i < head.length; i++) channel[i] = head.charCodeAt(i);
    copyBytes(channel, head.length, rest, start, length);
    return size;
  }

  private nameOf(event: string): Uint8Array {
    let name = this.names.get(event);
    if (name === undefined) {
      name = bytesOf(event);
      this.names.set(event, name);
    }
    return name;
  }
}
