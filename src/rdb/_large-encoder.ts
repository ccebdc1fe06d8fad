/**
 * Writes an entry with a large value bit by bit: head (all up to the value's parts), parts, tail,
 * and then what was held back meanwhile so as not to come between them.
 */
import type { LargeEncoding } from "../keyspace/snapshot.ts";
import type { ByteView } from "../memory/element.ts";
import type { FrozenValue } from "../values/frozen.ts";
import type { StreamId } from "../values/stream-id.ts";
import { writeExpiringField, writeListNode, writeMember } from "./_parts.ts";
import { writeStreamNode } from "./_stream-parts.ts";
import type { RdbOutput } from "./rdb-output.ts";

/** What a large string writes as one part, as do held bytes. */
const PART_BYTES = 4096;

/** The file that the entry goes into. */
export interface LargeTarget {
  readonly output: RdbOutput;
  /** Selects the database; from now on all other output is held back. */
  beginLarge(database: number): void;
  /** Writes some `bytes` of what was held back; false, and nothing more is, once it was all. */
  endLarge(bytes: number): boolean;
}

const WAITING = 0;
const WRITING = 1;
const WRITTEN = 2;

export class LargeEncoder implements LargeEncoding {
  private state = WAITING;
  /** Of a string. */
  private written = 0;
  private readonly walk: (budget: number) => boolean;
  private readonly target: LargeTarget;
  private readonly database: number;
  private readonly head: Uint8Array;
  private readonly tail: Uint8Array;

  constructor(
    target: LargeTarget,
    database: number,
    head: Uint8Array,
    value: FrozenValue,
    tail: Uint8Array,
  ) {
    this.target = target;
    this.database = database;
    this.head = head;
    this.tail = tail;
    this.walk = this.walkOf(value);
  }

  step(budget: number): boolean {
    const { target, head, tail } = this;
    if (this.state === WRITTEN) return target.endLarge(budget * PART_BYTES);
    if (this.state === WAITING) {
      target.beginLarge(this.database);
      target.output.bytes(head, 0, head.length);
      this.state = WRITING;
    }
    if (!this.walk(budget)) {
      target.output.bytes(tail, 0, tail.length);
      this.state = WRITTEN;
    }
    return true;
  }

  /** Writes some parts of the value; false once all are. */
  private walkOf(value: FrozenValue): (budget: number) => boolean {
    const { output } = this.target;
    switch (value.kind) {
      case "string":
        return (budget) => this.writeSlice(output, value.bytes, budget * PART_BYTES);
      case "set": {
        const visit = (member: ByteView): void => writeMember(output, member);
        return (budget) => value.walk(budget, visit);
      }
      case "zset": {
        const visit = (member: ByteView, score: number): void => {
          writeMember(output, member);
          output.double(score);
        };
        return (budget) => value.walk(budget, visit);
      }
      case "hash": {
        const visit = hashVisitor(output, value.firstExpiryMs);
        return (budget) => value.walk(budget, visit);
      }
      case "list": {
        const visit = (bytes: Uint8Array, start: number, length: number, count: number): void =>
          writeListNode(output, bytes, start, length, count);
        return (budget) => value.walk(budget, visit);
      }
      default: {
        const visit = (id: StreamId, bytes: Uint8Array, start: number, length: number): void =>
          writeStreamNode(output, id, bytes, start, length);
        return (budget) => value.walk(budget, visit);
      }
    }
  }

  private writeSlice(output: RdbOutput, bytes: Uint8Array, most: number): boolean {
    const length = Math.min(most, bytes.length - this.written);
    output.bytes(bytes, this.written, length);
    this.written += length;
    return this.written < bytes.length;
  }
}

function hashVisitor(
  output: RdbOutput,
  firstMs: number,
): (field: ByteView, value: ByteView, expiryMs: number) => void {
  if (firstMs !== Infinity) {
    return (field, value, expiryMs) => writeExpiringField(output, field, value, expiryMs, firstMs);
  }
  return (field, value) => {
    writeMember(output, field);
    writeMember(output, value);
  };
}
