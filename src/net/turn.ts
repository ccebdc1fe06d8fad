/**
 * The end of a loop turn: what was changed is written first, then the replies go out, one
 * write per connection. So nothing is acknowledged before it is written, and all clients of a
 * turn share one write to the file.
 *
 * Where nothing has to be written first, replies go out at the end of the callback that made
 * them; otherwise one `setImmediate`, armed by the first request of the turn, ends it. While
 * the disk refuses, connections whose changes wait for it are held back; the others are served.
 */
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Connection } from "./connection.ts";

/** What has to happen before replies may go out. */
export interface Durability {
  /** Whether changes wait to be written. */
  readonly isPending: boolean;
  /** Writes them; false where the disk refused, and they wait on. */
  settle(): boolean;
}

export class Turn {
  private durability: Durability | null = null;
  private isArmed = false;
  private ready: Connection[] = [];
  private held: Connection[] = [];
  private readonly end = (): void => this.finish();

  readonly reply: ReplyWriter;

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

  /** Called when a callback has run all it had. */
  settle(): void {
    if (this.isDurabilityPending) this.arm();
    else this.sendAll();
  }

  arm(): void {
    if (this.isArmed) return;
    this.isArmed = true;
    setImmediate(this.end);
  }

  /** Writes and sends everything now. */
  finish(): void {
    this.isArmed = false;
    if (this.durability !== null && this.durability.isPending && !this.durability.settle()) {
      this.holdBack();
    }
    this.sendAll();
  }

  /** The disk takes writes again: what was held back goes out. */
  release(): void {
    for (const connection of this.held) this.add(connection);
    this.held = [];
    this.sendAll();
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
    for (let i = 0; i < ready.length; i++) ready[i].send();
    ready.length = 0;
    this.reply.clear();
  }
}
