/**
 * What does not fit a block of the arena: large strings and keys (one Uint8Array each) and
 * collections beyond their packed size. An entry names such an object by a handle, a small
 * integer that is given again after `release`.
 *
 * `sizeBytes` counts what the held objects say they occupy; a holder that grows in place
 * reports it through `resized`.
 */
import { assert } from "../base/assert.ts";

/** What JavaScriptCore spends on a typed array and its buffer beside the bytes themselves. */
const OBJECT_OVERHEAD_BYTES = 128;

export class ObjectTable {
  /** Bytes held by all objects, their JS overhead included. */
  sizeBytes = 0;
  private readonly held: (Uint8Array | undefined)[] = [];
  private readonly free: number[] = [];

  get count(): number {
    return this.held.length - this.free.length;
  }

  hold(object: Uint8Array): number {
    this.sizeBytes += object.buffer.byteLength + OBJECT_OVERHEAD_BYTES;
    const handle = this.free.pop() ?? this.held.length;
    this.held[handle] = object;
    return handle;
  }

  bytes(handle: number): Uint8Array {
    const object = this.held[handle];
    assert(object !== undefined, "a handle names a held object");
    return object;
  }

  /** Bytes that the object takes, its JS overhead included. */
  sizeOf(handle: number): number {
    return this.bytes(handle).buffer.byteLength + OBJECT_OVERHEAD_BYTES;
  }

  replace(handle: number, object: Uint8Array): void {
    this.sizeBytes += object.buffer.byteLength - this.bytes(handle).buffer.byteLength;
    this.held[handle] = object;
  }

  release(handle: number): void {
    this.sizeBytes -= this.bytes(handle).buffer.byteLength + OBJECT_OVERHEAD_BYTES;
    this.held[handle] = undefined;
    this.free.push(handle);
  }
}
