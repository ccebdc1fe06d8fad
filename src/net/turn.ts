/**
 * The end of a loop turn: what was changed is written first, then the replies go out, one
 * write per connection. So nothing is acknowledged before it is written, and all clients of a
 * turn share one write to the file.
 *
 * One `setImmediate`, armed by the first request of the turn, ends it. Sending all replies
 * together also saves waking the peers one by one: at pipeline 16 and 50 clients a third of the
 * server's CPU. A single busy client would only wait for the detour (3 to 8 % of its requests
 * per second): after some turns with one connection, replies go out at the end of the callback
 * that made them for a while. While the disk refuses, connections whose changes wait for it are
 * held back; the others are served.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Connection } from "./connection.ts";

const LONELY_TURNS = 8;
const DIRECT_CALLBACKS = 64;

/** What has to happen before replies may go out. */
export interface Durability {
  /** Whether changes wait to be written. */
  readonly isPending: boolean;
  /** Writes them; false where the disk refused, and they wait on. */
  settle(): boolean;
}

/** What is passed on to others than those who asked: replicas. */
export interface Feed {
  /** Whether something waits to be passed on. */
  readonly isPending: boolean;
  /** Has the connections that are to take it told. */
  flush(): void;
}

export class Turn {
  private durability: Durability | null = null;
  /** Set by the composition root. */
  feed: Feed | null = null;
  private isArmed = false;
  /** Turns in a row with a single connection, and callbacks that may therefore send at once. */
  private lonelyTurns = 0;
  private directCallbacks = 0;
  private ready: Connection[] = [];
  private held: Connection[] = [];
  /** Those that were pushed something before they had a reply to send. */
  private readonly pushed: Connection[] = [];
  private readonly end = (): void => this.finishEarly();

  readonly reply: ReplyWriter;
  /** Turns that ended so far. */
  cycles = 0;

  /** Called before the replies of a turn go out; may push what is to go behind them. */
  beforeReplies: () => void = () => {};
  /** Called when everything of a turn has been sent. */
  onEnd: () => void = () => {};

  constructor(reply: ReplyWriter) {
    this.reply = reply;
  }

  requireBeforeReplies(durability: Durability | null): void {
    this.durability = durability;
  }

  /** Changes wait for the disk, so replies must too. */
  get isDurabilityPending(): boolean {
    return this.durability !== null && this.durability.isPending;
  }

  /** The connection has something to send. */
  add(connection: Connection): void {
    this.ready.push(connection);
  }

  /**
   * The connection was pushed something. Replies go out first: those who get them send their next
   * requests meanwhile, so a turn with many subscribers serves many publishers.
   */
  addPushed(connection: Connection): void {
    this.pushed.push(connection);
    this.arm();
  }

  /** Called when a callback has run all it had. */
  settle(): void {
    if (this.isDurabilityPending || this.feed?.isPending === true) this.arm();
    else if (this.ready.length > 0) {
      if (this.directCallbacks > 0 && !this.isArmed) {
        this.directCallbacks--;
        this.collect();
        this.sendAll();
      } else {
        this.arm();
      }
    }
  }

  arm(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    setImmediate(this.end);
  }

  /** Ends the turn where one is under way, before something else that takes time. */
  finishEarly(): void {
    if (this.isArmed) this.finish();
  }

  /** Writes and sends everything now. */
  finish(): void {
    this.beforeReplies();
    this.isArmed = false;
    this.chooseMode();
    if (this.feed?.isPending === true) this.feed.flush();
    this.collect();
    if (this.durability !== null && this.durability.isPending && !this.durability.settle()) {
      this.holdBack();
    } else if (this.held.length > 0) {
      this.ready = [...this.held, ...this.ready];
      this.held = [];
    }
    this.sendAll();
    this.onEnd();
  }

  /** The disk takes writes again: what was held back goes out. */
  release(): void {
    this.collect();
    this.ready = [...this.held, ...this.ready];
    this.held = [];
    this.sendAll();
  }

  private collect(): void {
    for (const connection of this.pushed) this.ready.push(connection);
    this.pushed.length = 0;
  }

  private chooseMode(): void {
    if (this.ready.length + this.pushed.length > 1) this.lonelyTurns = 0;
    else if (++this.lonelyTurns === LONELY_TURNS) {
      this.lonelyTurns = 0;
      this.directCallbacks = DIRECT_CALLBACKS;
    }
  }

  private holdBack(): void {
    const free: Connection[] = [];
    for (const connection of this.ready) {
      if (connection.awaitsDisk) {
        connection.keepReplies();
        this.held.push(connection);
      } else {
        free.push(connection);
      }
    }
    this.ready = free;
  }

  private sendAll(): void {
    const ready = this.ready;
    this.cycles++;
    for (let i = 0; i < ready.length; i++) ready[i].send();
    ready.length = 0;
    this.reply.clear();
  }
}
