/** What INFO and ROLE say of the link of a replica to its primary. */
import type { PrimaryAddress } from "../engine/config/list-options.ts";

/** By the names that ROLE shows. */
export type LinkState = "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";

/** A snapshot that is being received. */
export interface SnapshotTransfer {
  /** 0 where it is not known: a mark will end it. */
  readonly totalBytes: number;
  readonly readBytes: number;
  readonly lastIoMs: number;
}

export interface LinkStatus {
  /** Null: this server is a primary. */
  readonly address: PrimaryAddress | null;
  readonly state: LinkState;
  /** When something came from the primary last; of no meaning while the link is down. */
  readonly lastIoMs: number;
  /** Bytes of the stream that have come, be they applied or not. */
  readonly readOffset: number;
  /**
   * What is there belongs to the history of a primary, at an offset. Not so while a full
   * synchronisation replaces it: Sentinel would promote by an offset of another history.
   */
  readonly hasPosition: boolean;
  /** While `state` is "sync". */
  readonly transfer: SnapshotTransfer | null;
  /** Since when the link has been down, in Unix milliseconds; 0: it has never been up. */
  readonly downSinceMs: number;
}
