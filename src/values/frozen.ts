/**
 * Large values as they were at one moment, while they go on changing: what a snapshot writes in
 * slices. A collection makes one of these with `freeze` and, as long as it lives, gives it what is
 * about to change. `walk` shows some of the parts with every call, each exactly once; what its
 * visitor is given is valid only meanwhile. `thaw` ends it, whether all was shown or not.
 */
import type { ByteView } from "../memory/element.ts";
import type { Frozen } from "../memory/object-table.ts";
import type { StreamId } from "./stream-id.ts";

/** A string too large to be written in one go; its bytes do not change. */
export interface FrozenString extends Frozen {
  readonly kind: "string";
  readonly bytes: Uint8Array;
}

export interface FrozenSet extends Frozen {
  readonly kind: "set";
  readonly size: number;
  /** Shows some `budget` members; false once all have been shown. */
  walk(budget: number, visit: (member: ByteView) => void): boolean;
}

export interface FrozenHash extends Frozen {
  readonly kind: "hash";
  readonly size: number;
  /** The earliest expiry of a field in unix milliseconds, Infinity where none expires. */
  readonly firstExpiryMs: number;
  /** Shows some `budget` fields; their expiry is in unix milliseconds or NO_FIELD_EXPIRY. */
  walk(
    budget: number,
    visit: (field: ByteView, value: ByteView, expiryMs: number) => void,
  ): boolean;
}

export interface FrozenSortedSet extends Frozen {
  readonly kind: "zset";
  readonly size: number;
  /** Shows some `budget` members, mostly from the highest down. */
  walk(budget: number, visit: (member: ByteView, score: number) => void): boolean;
}

export interface FrozenList extends Frozen {
  readonly kind: "list";
  readonly chunkCount: number;
  /**
   * Shows some `budget` chunks from the head on: `count` items of a listpack, without its header
   * and its end.
   */
  walk(
    budget: number,
    visit: (bytes: Uint8Array, start: number, length: number, count: number) => void,
  ): boolean;
}

/** The entries alone; the rest of a stream is small enough to be taken when it is frozen. */
export interface FrozenStream extends Frozen {
  readonly kind: "stream";
  readonly nodeCount: number;
  /** Shows some `budget` nodes, whole listpacks, in the order of their IDs. */
  walk(
    budget: number,
    visit: (id: StreamId, bytes: Uint8Array, start: number, length: number) => void,
  ): boolean;
}

export type FrozenValue =
  | FrozenString
  | FrozenSet
  | FrozenHash
  | FrozenSortedSet
  | FrozenList
  | FrozenStream;
