/** Values opened on keys of a database, and what the oracle keeps for the same value. */
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import type { Database } from "../../../src/keyspace/database.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { OpenValue } from "../../../src/keyspace/open-value.ts";
import type { Home } from "../../../src/values/home.ts";
import type { RespClient } from "../../support/resp-client.ts";

export class Ground {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly context = new KeyspaceContext(this.clock, new Random(1));
  readonly database: Database = new Keyspace(this.context, 1).database(0);

  /** The key opened for a type. */
  open(type: number, key: string): OpenValue {
    const home = new OpenValue(type, this.context);
    const bytes = Buffer.from(key);
    const ref = this.database.write(bytes, 0, bytes.length);
    home.open(this.database, ref, bytes, 0, bytes.length);
    return home;
  }

  /** Bytes in blocks and objects. */
  get usedBytes(): number {
    return this.database.arena.usedBytes + this.database.arena.objects.sizeBytes;
  }
}

/** A copy of the packed bytes. */
export function packedBytes(home: Home): Uint8Array {
  return home.bytes.slice(home.start, home.start + home.length);
}

/** Directives with which the oracle's DUMP holds a value's packed bytes as they are. */
export const DUMP_DIRECTIVES = ['save ""', "rdbcompression no"];

/**
 * The packed bytes in the oracle's DUMP of a key: after a byte for the type a string with its
 * length in front, as RDB files have it, and behind it a version and a checksum of ten bytes.
 */
export async function dumpedBytes(client: RespClient, key: string): Promise<Uint8Array> {
  const { raw } = await client.do("DUMP", key);
  const start = raw.indexOf(10) + 1;
  const dump = raw.subarray(start, raw.length - 2 - 10);
  const [, first, second] = dump;
  const view = new DataView(dump.buffer, dump.byteOffset);
  if (first < 64) return dump.subarray(2, 2 + first);
  if (first < 128) return dump.subarray(3, 3 + (((first & 63) << 8) | second));
  if (first !== 128) throw new Error(`A length that begins with ${first}`);
  return dump.subarray(6, 6 + view.getUint32(2));
}
