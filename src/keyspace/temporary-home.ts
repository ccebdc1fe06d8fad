/**
 * A home without a key: where a command builds the result of several values, to reply with it or
 * to store it. Its collection's elements lie in a database's arena, so that storing moves nothing;
 * what is not stored must be given back with `discard`.
 */
import type { Arena } from "../memory/arena.ts";
import type { Collection } from "../memory/object-table.ts";
import type { Home } from "../values/home.ts";

const FIRST_BYTES = 256;
/** A larger array is not kept for the next value. */
const KEPT_BYTES = 65536;

export class TemporaryHome implements Home {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  readonly start = 0;
  length = 0;
  encoding = 0;
  collection: Collection | null = null;
  arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Makes it an empty one again, whose collection went elsewhere. */
  restart(arena: Arena): void {
    this.arena = arena;
    this.length = this.encoding = 0;
    this.collection = null;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
  }

  get exists(): boolean {
    return this.length > 0 || this.collection !== null;
  }

  resize(length: number, encoding: number): void {
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.length = length;
    this.encoding = encoding;
  }

  replace(encoding: number, collection: Collection): void {
    this.encoding = encoding;
    this.collection = collection;
    this.length = 0;
  }

  repack(encoding: number, length: number): void {
    this.discard();
    this.resize(length, encoding);
  }

  touched(): void {
    // Nobody sees it yet.
  }

  remove(): void {
    this.discard();
    this.length = 0;
  }

  /** Gives the collection back, a large one in slices. */
  discard(): void {
    const { collection } = this;
    if (collection === null) return;
    this.collection = null;
    const { objects } = this.arena;
    objects.release(objects.hold(collection));
  }
}
