/**
 * Reads values of every type and stores them. Reading leaves one value in the decoder, to be stored
 * under a key or thrown away.
 */
import { assert } from "../base/assert.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";
import type { Expiry } from "../keyspace/entry-store.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import type { HashLimits } from "../values/hash.ts";
import type { ListLimits } from "../values/list.ts";
import type { SetLimits } from "../values/set.ts";
import type { SortedSetLimits } from "../values/sorted-set.ts";
import type { RdbInput } from "./rdb-input.ts";

/** The thresholds between encodings, as `TypedValues` (engine/typed-values.ts) has them. */
export interface RdbLimits {
  readonly hashLimits: HashLimits;
  readonly listLimits: ListLimits;
  readonly setLimits: SetLimits;
  readonly sortedSetLimits: SortedSetLimits;
}

export class ValueDecoder {
  readonly context: KeyspaceContext;
  readonly limits: RdbLimits;

  constructor(context: KeyspaceContext, limits: RdbLimits) {
    this.context = context;
    this.limits = limits;
  }

  /** Fails where there is no such type. */
  accept(input: RdbInput, type: number): void {
    if (type > 25) throw input.error(`Unknown RDB encoding type ${type}`, input.offset - 1);
  }

  /** Reads a value, whose elements are to lie in `arena`; false where it has no elements. */
  read(_input: RdbInput, _type: number, _arena: Arena): boolean {
    assert(false, "soon");
  }

  /** Throws away what was read. */
  discard(): void {}

  /** Stores what was read under a key that was just looked up and is missing. */
  store(
    _database: Database,
    _keyBytes: Uint8Array,
    _keyStart: number,
    _keyLength: number,
    _expiry: Expiry,
  ): Ref {
    assert(false, "soon");
  }
}
