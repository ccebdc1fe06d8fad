/**
 * The active expiry of fields: removes fields of hashes whose time has come and that nobody asks
 * for. Each database knows which hashes have a field that is due (expiring-hashes.ts), so nothing
 * is searched; a hash with many such fields loses some at a time, and what does not fit the time
 * of a cycle (_sliced-cycle.ts) waits for the next.
 */
import type { Clock } from "../base/clock.ts";
import { ByteView } from "../memory/element.ts";
import { NULL_REF } from "../memory/arena.ts";
import { TYPE_HASH } from "../memory/entry.ts";
import { HashValue } from "../values/hash.ts";
import { SlicedCycle } from "./_sliced-cycle.ts";
import type { Database } from "./database.ts";
import type { Keyspace } from "./keyspace.ts";
import { OpenValue } from "./open-value.ts";

/** Fields removed from a hash at once, which one HDEL propagates. */
const FIELDS_PER_STEP = 64;

export class FieldExpiryCycle extends SlicedCycle {
  private readonly home: OpenValue;
  private readonly hash: HashValue;
  private readonly key = new ByteView();

  constructor(keyspace: Keyspace, clock: Clock) {
    super(keyspace, clock);
    this.home = new OpenValue(TYPE_HASH, keyspace.context);
    // Nothing is added to a hash here.
    this.hash = new HashValue(this.home, { maxEntries: 0, maxValueBytes: 0 });
  }

  protected override sweep(database: Database, endUs: number): boolean {
    while (isDue(database, this.clock.nowMs)) {
      this.expireSome(database);
      if (this.clock.monotonicUs() > endUs) return !isDue(database, this.clock.nowMs);
    }
    return true;
  }

  private expireSome(database: Database): void {
    const { home, hash, key } = this;
    database.expiringHashes?.readDue(key, this.clock.nowMs);
    // The key goes from there with its last such field, and must still be propagated.
    const bytes = key.bytes.slice(key.start, key.start + key.length);
    const ref = database.peek(bytes, 0, bytes.length);
    if (ref === NULL_REF) return;
    home.open(database, ref, bytes, 0, bytes.length);
    hash.opened(this.clock.nowMs).removeExpired(FIELDS_PER_STEP);
  }
}

function isDue({ expiringHashes }: Database, nowMs: number): boolean {
  return expiringHashes !== null && expiringHashes.firstMs < nowMs;
}
