/**
 * What commands, files and the network need to know of replication, whoever does it
 * (replication/). The stream is what a primary sends to its replicas: its effects as commands,
 * under an id and counted in bytes, so that a place in it is an id and an offset.
 */
import type { Call } from "./call.ts";
import type { InfoField } from "./persistence.ts";
import type { Session } from "./session.ts";

/** Of what others say of a stream: beyond it, one that grows would not be counted any more. */
export const MAX_STREAM_OFFSET = (Number.MAX_SAFE_INTEGER - 1) / 2;

/** A place in a stream: the next byte has this offset, and belongs to this database. */
export interface StreamPosition {
  readonly id: string;
  readonly offset: number;
  /** -1: not known; whoever goes on from here is told first. */
  readonly database: number;
}

/** What a session is that takes the stream, or has told that it will (REPLCONF). */
export interface AttachedReplica {
  /** It has asked for the stream; before that it is a client like others. */
  readonly isAttached: boolean;
  /** It has sent an empty line: it is busy with the snapshot that it got, and has not gone. */
  noteAlive(nowMs: number): void;
}

/** How far behind replicas are. */
export interface ReplicaLag {
  readonly replicas: number;
  /** One line for each that has not acknowledged all of the stream. */
  readonly lagging: readonly string[];
}

export interface Replication {
  /** The stream that this server passes on. */
  readonly id: string;
  /** Bytes of the stream so far. */
  readonly offset: number;
  readonly isReplica: boolean;
  /** What an RDB says of the stream; null: there is none. */
  readonly position: StreamPosition | null;
  /** Bytes held of the stream, and those of them that only slow replicas need. */
  readonly bufferBytes: number;
  readonly laggingBytes: number;
  /** Keys that clients of this replica gave an expiry to, which it deletes by itself. */
  readonly ownExpiryCount: number;
  readonly lag: ReplicaLag;
  /** Asks replicas how far they are. */
  requestAcknowledgements(): void;
  infoFields(): readonly InfoField[];
  /** Commands. */
  sync(call: Call): void;
  configure(call: Call): void;
  replicaOf(call: Call): void;
  role(call: Call): void;
  wait(call: Call): void;
  waitAof(call: Call): void;
  failOver(call: Call): void;
  /** The disk refuses to take what the primary's next command changes. */
  refusedByDisk(): void;
  /** DEBUG CHANGE-REPL-ID: nobody can go on from where it was. */
  changeId(): void;
  /** A client's session is over. */
  forget(session: Session): void;
}

/** A server that has no replicas and is none. */
export class NoReplication implements Replication {
  readonly id = "0".repeat(40);
  readonly offset = 0;
  readonly isReplica = false;
  readonly position: StreamPosition | null = null;
  readonly bufferBytes = 0;
  readonly laggingBytes = 0;
  readonly ownExpiryCount = 0;

  readonly lag: ReplicaLag = { replicas: 0, lagging: [] };

  requestAcknowledgements(): void {}

  infoFields(): readonly InfoField[] {
    return [];
  }

  sync(call: Call): void {
    call.fail(NOT_HERE);
  }

  configure(call: Call): void {
    call.fail(NOT_HERE);
  }

  replicaOf(call: Call): void {
    call.fail(NOT_HERE);
  }

  role(call: Call): void {
    call.fail(NOT_HERE);
  }

  wait(call: Call): void {
    call.fail(NOT_HERE);
  }

  waitAof(call: Call): void {
    call.fail(NOT_HERE);
  }

  failOver(call: Call): void {
    call.fail(NOT_HERE);
  }

  refusedByDisk(): void {}

  changeId(): void {}

  forget(): void {}
}

const NOT_HERE = "ERR there is no replication here";
