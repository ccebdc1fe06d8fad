/**
 * A value on its own, as DUMP gives it, RESTORE takes it and MIGRATE sends it:
 *
 *     type:1 | value | RDB version:2, low byte first | CRC-64 of all before, low byte first
 *
 * Source: createDumpPayload, cluster.c.
 */
import { copyBytes, EMPTY_BYTES, equalBytes, withRoom } from "../base/bytes.ts";
import { Crc64 } from "../base/crc64.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { RdbOutput } from "./rdb-output.ts";
import { MAX_RDB_VERSION, RDB_VERSION } from "./rdb-types.ts";
import type { RdbVersion } from "./rdb-version.ts";
import { ValueEncoder } from "./value-encoder.ts";

const VERSION_BYTES = 2;
const CHECKSUM_BYTES = 8;
const FOOTER_BYTES = VERSION_BYTES + CHECKSUM_BYTES;

/**
 * How many bytes of a payload are the value with its type; -1 where the version is too new or the
 * checksum wrong, which goes unseen where `ignoresChecksum` says so.
 */
export function verifyPayload(
  bytes: Uint8Array,
  start: number,
  length: number,
  ignoresChecksum: boolean,
): number {
  if (length < FOOTER_BYTES) return -1;
  const valueLength = length - FOOTER_BYTES;
  const footer = start + valueLength;
  if ((bytes[footer] | (bytes[footer + 1] << 8)) > MAX_RDB_VERSION) return -1;
  if (ignoresChecksum) return valueLength;
  const crc = new Crc64();
  crc.update(bytes, start, valueLength + VERSION_BYTES);
  const sum = new Uint8Array(CHECKSUM_BYTES);
  crc.write(sum, 0);
  const isRight = equalBytes(bytes, footer + VERSION_BYTES, sum, 0, CHECKSUM_BYTES);
  return isRight ? valueLength : -1;
}

/** A larger payload's room is not kept for the next one. */
const KEPT_BYTES = 1024 * 1024;

const encoders = new WeakMap<KeyspaceContext, DumpEncoder>();

export class DumpEncoder {
  /** The payload: the first `length` bytes, valid until the next `encode`. */
  bytes: Uint8Array = EMPTY_BYTES;
  length = 0;
  private readonly output: RdbOutput;
  private readonly values: ValueEncoder;

  constructor(context: KeyspaceContext) {
    this.output = new RdbOutput((bytes, start, length) => this.append(bytes, start, length), {
      compresses: true,
      checksums: true,
    });
    this.values = new ValueEncoder(context, RDB_VERSION, this.output);
  }

  /** The encoder that all who share this context use. */
  static of(context: KeyspaceContext): DumpEncoder {
    const known = encoders.get(context);
    if (known !== undefined) return known;
    const made = new DumpEncoder(context);
    encoders.set(context, made);
    return made;
  }

  /**
   * Makes the payload of an entry's value. Its version is `version`, or the first that has what
   * the value needs.
   */
  encode(arena: Arena, ref: Ref, version: RdbVersion, compresses: boolean): void {
    const { output, values } = this;
    if (this.bytes.length > KEPT_BYTES) this.bytes = EMPTY_BYTES;
    this.length = 0;
    output.restart(compresses);
    values.version = version;
    const type = values.open(arena, ref);
    output.byte(type);
    values.write(output, arena, ref, type);
    output.byte(values.versionOf(type));
    output.byte(0);
    output.checksum();
  }

  private append(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = withRoom(this.bytes, this.length, this.length + length);
    copyBytes(this.bytes, this.length, bytes, start, length);
    this.length += length;
  }
}
