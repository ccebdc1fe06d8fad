/** What INFO and ROLE say of the link of a replica to its primary. */
import type { PrimaryAddress } from "../engine/config/list-options.ts";

/** By the names that ROLE shows. */
export type LinkState = "none" | "connect" | "connecting" | "handshake" | "sync" | "connected";

export interface LinkStatus {
  /** Null: this server is a primary. */
  readonly address: PrimaryAddress | null;
  readonly state: LinkState;
  /** When something came from the primary last. */
  readonly lastIoMs: number;
  /** Bytes of the stream that have come, be they applied or not. */
  readonly readOffset: number;
  /** Of the snapshot that is being received; sizeBytes null: not known. */
  readonly transfer: { readonly sizeBytes: number | null; readonly readBytes: number } | null;
  /** Since when the link has been down, in Unix milliseconds; 0: it is up, or never was. */
  readonly downSinceMs: number;
}
