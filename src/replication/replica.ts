/**
 * One who takes the stream: a replica, or whoever asks like one (redis-cli --rdb, SYNC by hand).
 *
 *     waits for start ──▶ waits for end ──▶ sent the payload ──▶ online: the stream from there on
 *           └──────────── partial resynchronisation ─────────────────▲
 *
 * It is what its connection sends (`OutboundStream`): first the payload, then the stream from its
 * position on, as fast as the peer takes them.
 */
import type { AttachedReplica } from "../engine/replication.ts";
import type { OutboundStream, Session } from "../engine/session.ts";
import type { Block, Reader, ReplicationStream } from "./stream.ts";

/** It has only told of itself so far (REPLCONF). */
export const ANNOUNCED = 0;
/** It waits for a snapshot to begin, */
export const WAITS_FOR_START = 1;
/** then for it to be written, where that is a file; or it is being written to it. */
export const WAITS_FOR_END = 2;
/** It is sent the file. */
export const SENT_FILE = 3;
export const ONLINE = 4;
/** It wanted an RDB and nothing else, and has it. */
export const SERVED = 5;

type Write = (bytes: Uint8Array, start: number, length: number) => number;

export class Replica implements AttachedReplica, Reader, OutboundStream {
  state = ANNOUNCED;
  position = 0;
  /** It has been let on: from now on it is sent what follows `position`. */
  isReading = false;
  /** It says when it has taken the payload: only then does the stream follow. */
  awaitsFirst = false;
  /** What comes before the stream. */
  payload: (OutboundStream & { close?(): void }) | null = null;
  listeningPort = 0;
  announcedAddress = "";
  understandsMark = false;
  understandsSecondId = false;
  /** It reads what this server writes of itself; others may be Redis 7.0. */
  readsNewRdb = false;
  wantsOnlyRdb = false;
  /** Of the RDB it wants only parts. */
  wantsNoData = false;
  wantsNoFunctions = false;
  /** It asked with SYNC: it never acknowledges. */
  isSilent = false;
  /** The offset that it has applied, and synced to its AOF. */
  acknowledged = 0;
  acknowledgedAof = 0;
  acknowledgedMs = 0;
  private block: Block | null = null;

  readonly session: Session;
  private readonly stream: ReplicationStream;

  constructor(session: Session, stream: ReplicationStream) {
    this.session = session;
    this.stream = stream;
  }

  get isAttached(): boolean {
    return this.state !== ANNOUNCED;
  }

  get isOnline(): boolean {
    return this.state === ONLINE;
  }

  /** `ip:port` where it listens, as far as it told. */
  get address(): string {
    const { listeningPort } = this;
    return `${this.host}:${listeningPort === 0 ? "<unknown-replica-port>" : listeningPort}`;
  }

  get host(): string {
    if (this.announcedAddress !== "") return this.announcedAddress;
    const peer = this.session.transport?.peerAddress ?? "";
    const host = peer.slice(0, peer.lastIndexOf(":"));
    return host.startsWith("[") ? host.slice(1, -1) : host;
  }

  /** Sends the stream from `position` on, once the payload has gone. */
  read(): void {
    this.isReading = true;
    this.block = null;
    this.session.transport?.streamGrew();
  }

  noteAlive(nowMs: number): void {
    if (this.isOnline) this.acknowledgedMs = nowMs;
  }

  /** Its connection is gone. */
  end(): void {
    this.payload?.close?.();
    this.payload = null;
    this.isReading = false;
  }

  get isPending(): boolean {
    if (this.payload?.isPending === true) return true;
    return this.isReading && this.stream.offset !== this.position;
  }

  /** What is kept for it: from its snapshot on, though it is sent later. */
  get pendingBytes(): number {
    const payloadBytes = this.payload?.pendingBytes ?? 0;
    const isKept = this.state >= WAITS_FOR_END && !this.wantsOnlyRdb;
    return isKept ? payloadBytes + this.stream.offset - this.position : payloadBytes;
  }

  drainInto(write: Write): void {
    const { payload } = this;
    if (payload !== null) {
      payload.drainInto(write);
      if (payload.isPending) return;
    }
    if (this.isReading) this.sendStream(write);
  }

  private sendStream(write: Write): void {
    this.stream.settle();
    const first = this.block ?? this.stream.blockAt(this.position);
    let block = first;
    while (block !== null) {
      const at = this.position - block.start;
      const length = block.length - at;
      if (length > 0) {
        const taken = write(block.bytes, at, length);
        this.position += taken;
        if (taken < length) break;
      }
      if (block.next === null) break;
      block = block.next;
    }
    this.block = block;
    // What it has read may have been kept for it alone.
    if (block !== first) this.stream.trim();
  }
}
