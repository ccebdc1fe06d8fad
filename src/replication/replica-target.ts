/**
 * A snapshot's way to the sockets of replicas: "$EOF:" and a mark, the RDB, and the mark again.
 * What is written is put together in chunks, one copy for all. While any of them has much to take
 * still, the snapshot waits, so the slowest sets its pace; who takes nothing for long is given up.
 */
import { bytesOf, copyBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { OutboundQueue } from "../engine/outbound.ts";
import type { OutboundStream } from "../engine/session.ts";
import type { SnapshotTarget } from "../engine/snapshot-target.ts";
import type { Replica } from "./replica.ts";

const CHUNK_BYTES = 1 << 16;
/** A replica that has more than this to take makes the snapshot wait until it has less. */
const MOST_WAITING_BYTES = 1 << 20;

type Write = (bytes: Uint8Array, start: number, length: number) => number;

export class ReplicaTarget implements SnapshotTarget {
  sizeBytes = 0;
  problem: string | null = null;
  private readonly queues = new Map<Replica, PayloadQueue>();
  private readonly mark: Uint8Array;
  private chunk = new Uint8Array(CHUNK_BYTES);
  private at = 0;
  private onFree: (() => void) | null = null;
  private onTaken: (() => void) | null = null;
  private readonly clock: Clock;

  constructor(clock: Clock, mark: string) {
    this.clock = clock;
    this.mark = bytesOf(mark);
    this.write(bytesOf(`$EOF:${mark}\r\n`), 0, 7 + mark.length);
  }

  get count(): number {
    return this.queues.size;
  }

  receivers(): Iterable<Replica> {
    return [...this.queues.keys()];
  }

  /** Whoever is added gets all that is written, so it must be before the first chunk is full. */
  add(replica: Replica): void {
    const queue = new PayloadQueue(() => this.taken());
    queue.movedMs = this.clock.nowMs;
    this.queues.set(replica, queue);
    replica.payload = queue;
  }

  remove(replica: Replica): void {
    if (this.queues.delete(replica)) this.taken();
  }

  isStuck(replica: Replica, nowMs: number, timeoutMs: number): boolean {
    const queue = this.queues.get(replica);
    if (queue === undefined || !queue.isPending) return false;
    queue.note(nowMs);
    return nowMs - queue.movedMs > timeoutMs;
  }

  get isBusy(): boolean {
    for (const queue of this.queues.values()) {
      if (queue.pendingBytes > MOST_WAITING_BYTES) return true;
    }
    return false;
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    this.sizeBytes += length;
    let from = start;
    const end = start + length;
    while (from < end) {
      const taken = Math.min(end - from, CHUNK_BYTES - this.at);
      copyBytes(this.chunk, this.at, bytes, from, taken);
      this.at += taken;
      from += taken;
      if (this.at === CHUNK_BYTES) this.pass();
    }
  }

  whenFree(done: () => void): void {
    if (this.isBusy) this.onFree = done;
    else done();
  }

  /** Sockets can't be hurried: what is written waits in memory. */
  hurry(): void {}

  finish(done: () => void): void {
    this.end();
    this.onTaken = done;
    this.taken();
  }

  finishNow(): void {
    this.end();
  }

  discard(): void {
    this.problem = "aborted";
    this.onFree = this.onTaken = null;
  }

  private end(): void {
    this.write(this.mark, 0, this.mark.length);
    this.pass();
  }

  private pass(): void {
    const chunk = this.chunk.subarray(0, this.at);
    for (const [replica, queue] of this.queues) {
      queue.push(chunk);
      replica.session.transport?.streamGrew();
    }
    this.chunk = new Uint8Array(CHUNK_BYTES);
    this.at = 0;
  }

  /** Somebody has taken something, or gone. */
  private taken(): void {
    if (this.queues.size === 0) this.problem ??= "no replica is left";
    const { onFree, onTaken } = this;
    if (onFree !== null && !this.isBusy) {
      this.onFree = null;
      setImmediate(onFree);
    }
    if (onTaken === null || [...this.queues.values()].some(({ isPending }) => isPending)) return;
    this.onTaken = null;
    setImmediate(onTaken);
  }
}

/** What one replica has still to take. */
class PayloadQueue implements OutboundStream {
  /** When it last took something, as far as `note` was told. */
  movedMs = 0;
  private hasMoved = false;
  private readonly queue = new OutboundQueue();
  private readonly onTaken: () => void;

  constructor(onTaken: () => void) {
    this.onTaken = onTaken;
  }

  get isPending(): boolean {
    return this.queue.bytes > 0;
  }

  get pendingBytes(): number {
    return this.queue.bytes;
  }

  push(chunk: Uint8Array): void {
    this.queue.push(chunk);
  }

  note(nowMs: number): void {
    if (this.hasMoved) this.movedMs = nowMs;
    this.hasMoved = false;
  }

  drainInto(write: Write): void {
    const { queue } = this;
    const before = queue.bytes;
    queue.drainInto(write);
    if (queue.bytes === before) return;
    this.hasMoved = true;
    this.onTaken();
  }
}
