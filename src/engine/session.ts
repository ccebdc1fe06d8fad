/**
 * Whoever executes commands: a client's connection, the AOF while it is replayed, an embedded
 * caller. A session holds what one of them has set; the transport, where there is one, carries
 * its replies.
 */
import type { Database } from "../keyspace/database.ts";
import type { BlockedRequest } from "./blocked-request.ts";
import type { ClientTracking } from "./client-tracking.ts";
import type { User } from "./acl/user.ts";
import type { Command } from "./command.ts";
import type { Subscriptions } from "./pubsub.ts";
import type { AttachedReplica } from "./replication.ts";
import type { Transaction } from "./transaction.ts";
import type { Watch } from "./watched-keys.ts";

/** Session gates: states that put commands before the admission checks (admission.ts). */
export const REPLY_ON = 0;
export const REPLY_OFF = 1;
/** CLIENT REPLY SKIP: the next command's reply is dropped. */
export const REPLY_SKIP_NEXT = 2;
export const REPLY_SKIP_THIS = 3;
/** A replica's: whoever makes the server reply is cut off. */
export const REPLY_FORBIDDEN = 4;

/** Bytes that a connection takes as fast as its peer does, behind all that was said before. */
export interface OutboundStream {
  /** Whether there is something to be sent now. */
  readonly isPending: boolean;
  /** So many bytes are in memory for the peer, be it their time or not. */
  readonly pendingBytes: number;
  /**
   * Offers what there is to `write`, which returns how much was taken; stops at what is not, and
   * may stop before, to go on later.
   */
  drainInto(write: (bytes: Uint8Array, start: number, length: number) => number): void;
}

/** What carries a session's bytes. */
export interface Transport {
  readonly kind: "tcp" | "unix" | "tls";
  /** `ip:port`, or `path:0` of a unix socket. */
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly descriptor: number;
  /** Bytes that came and are not part of any argument yet, and those free in their buffer. */
  readonly queryBytes: number;
  readonly queryFreeBytes: number;
  /** Of the arguments of a request that is not whole yet. */
  readonly argumentBytes: number;
  /** Replies waiting for the peer to read. */
  readonly outboundBytes: number;
  readonly outboundChunks: number;
  /** All that the connection and its session hold. */
  readonly totalMemoryBytes: number;
  /** Sends bytes that are no reply to the running command, at the end of the turn. */
  push(bytes: Uint8Array): void;
  /** Sent behind replies and pushes; null: nothing. */
  stream: OutboundStream | null;
  /** The stream has more to send: at the end of the turn. */
  streamGrew(): void;
  /** Whether small packets leave at once (TCP_NODELAY). */
  setNoDelay(isOn: boolean): void;
  /** Closes at once, dropping what was not sent. */
  close(): void;
  /** Goes on with requests that waited. */
  resume(): void;
  /**
   * Sends the late reply (which may be empty) of the request that was blocked, and goes on, after
   * the current callback, with those behind it. `awaitsDisk`: it changed something.
   */
  unblocked(reply: Uint8Array, awaitsDisk: boolean): void;
}

/** Names of clients and libraries: printable ASCII without spaces. */
export function isValidName(name: string): boolean {
  return /^[!-~]*$/.test(name);
}

export class Session {
  name = "";
  libraryName = "";
  libraryVersion = "";
  resp: 2 | 3 = 2;
  /** Null: no client but the server itself, which may do anything. */
  user: User | null = null;
  isAuthenticated = false;
  /** Admission gates that are open for this session: see admission.ts. */
  gates = 0;
  replyMode = REPLY_ON;
  /** QUIT, a protocol error, CLIENT KILL of oneself: close once the replies have gone out. */
  closesAfterReply = false;
  isMonitor = false;
  /** A request waits for the end of CLIENT PAUSE. */
  isPostponed = false;
  /** The request that waits for a key (blocking.ts); nothing else may run meanwhile. */
  blocked: BlockedRequest | null = null;
  /** What was queued since MULTI. */
  transaction: Transaction | null = null;
  /** What it watches since WATCH; null: nothing. */
  watch: Watch | null = null;
  /** What it has subscribed to; null: nothing. */
  subscriptions: Subscriptions | null = null;
  /** CLIENT TRACKING; null: off. */
  tracking: ClientTracking | null = null;
  /** What runs is part of something larger (EXEC, a script): it can't wait for anything. */
  deniesBlocking = false;
  /** CLIENT NO-EVICT. */
  isNotEvicted = false;
  /** CLIENT NO-TOUCH. */
  leavesNoTrace = false;
  /** What it has told of itself as a replica, or is; null: nothing. */
  replica: AttachedReplica | null = null;
  /** It is the link to this server's own primary, whose commands are to be obeyed. */
  isPrimary = false;
  /** Where the replication stream was when something had changed, at the latest by this session. */
  writtenOffset = 0;
  /** So many effects (`Effects.appendedCount`) there had been then. */
  writtenEffects = 0;
  lastCommand: Command | null = null;
  lastInteractionMs: number;
  commandCount = 0;
  /** What the sum of all clients' memory holds of this one (client-memory.ts). */
  countedBytes = 0;
  transport: Transport | null = null;

  readonly id: number;
  database: Database;
  readonly createdMs: number;

  constructor(id: number, database: Database, createdMs: number) {
    this.id = id;
    this.database = database;
    this.createdMs = createdMs;
    this.lastInteractionMs = createdMs;
  }
}
