/** What CLIENT TRACKING has set for a session. */

export interface TrackingOptions {
  /** The client that gets the messages instead; 0: none. */
  readonly redirectId: number;
  /** Messages about all keys with the prefixes, whether the client has read them or not. */
  readonly isBroadcast: boolean;
  /** Only keys read right after CLIENT CACHING YES are remembered. */
  readonly isOptIn: boolean;
  /** Keys read right after CLIENT CACHING NO are not remembered. */
  readonly isOptOut: boolean;
  /** No messages about changes by the client itself. */
  readonly isNoLoop: boolean;
  /** Latin-1; with `isBroadcast` only. */
  readonly prefixes: readonly string[];
}

const OBJECT_BYTES = 128;
const PREFIX_BYTES = 64;

export class ClientTracking implements TrackingOptions {
  redirectId = 0;
  isBroadcast = false;
  isOptIn = false;
  isOptOut = false;
  isNoLoop = false;
  /** In the order of their bytes. */
  prefixes: readonly string[] = [];
  /** Bytes that it holds for its client. */
  sizeBytes = OBJECT_BYTES;
  /** A message was due while the client that it should have gone to was no longer there. */
  isRedirectBroken = false;
  /** CLIENT CACHING was given for the next command, or the transaction. */
  isCaching = false;

  /** Takes the options over; prefixes come on top of those that are there. */
  set(options: TrackingOptions): void {
    this.redirectId = options.redirectId;
    this.isBroadcast = options.isBroadcast;
    this.isOptIn = options.isOptIn;
    this.isOptOut = options.isOptOut;
    this.isNoLoop = options.isNoLoop;
    this.isRedirectBroken = false;
    this.prefixes = [...new Set([...this.prefixes, ...options.prefixes])].sort();
    this.sizeBytes = OBJECT_BYTES;
    for (const prefix of this.prefixes) this.sizeBytes += PREFIX_BYTES + prefix.length;
  }

  /** Whether keys that the client reads now are to be remembered for it. */
  get remembers(): boolean {
    if (this.isBroadcast) return false;
    if (this.isOptIn) return this.isCaching;
    return !(this.isOptOut && this.isCaching);
  }
}
