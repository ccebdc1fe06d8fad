/**
 * Which key goes when memory is to be made free, by `maxmemory-policy` (evict.c):
 *
 *     …-lru      the one that was not used for longest    score: idle seconds
 *     …-lfu      the one that is used least often         score: 255 - frequency
 *     …-ttl      the one that expires first               score: - expiry
 *     …-random   any, of each database in turn
 *
 * `volatile-…` chooses among keys that expire, `allkeys-…` among all. But for the random ones,
 * each eviction samples some keys of every database into a pool and takes the best one out.
 * A candidate that has gone, or was used since it was found, is passed over; freshly sampled ones
 * are as they are, so where there is anything to evict, something is.
 *
 * Nothing is allocated. Sampled entries lie anywhere in memory: they are all touched before any
 * is looked at, so that the misses overlap.
 */
import { SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { clockOf, expiryOf } from "../memory/entry.ts";
import { TableSample } from "../memory/table-sample.ts";
import type { Database } from "./database.ts";
import { EvictionPool } from "./eviction-pool.ts";
import type { Keyspace } from "./keyspace.ts";

const BY_IDLE_TIME = 0;
const BY_FREQUENCY = 1;
const BY_EXPIRY = 2;
const AT_RANDOM = 3;

const MEASURES: ReadonlyMap<string, number> = new Map([
  ["lru", BY_IDLE_TIME],
  ["lfu", BY_FREQUENCY],
  ["ttl", BY_EXPIRY],
  ["random", AT_RANDOM],
]);

/** The best of so many are the best of all but a few; more would only hold everybody up. */
const MOST_SAMPLES = 10_000;
/** More samples are taken in several steps. */
const SAMPLES_AT_ONCE = 64;
/** Keys that expire may lie unevenly: one is drawn from so many, to be drawn about evenly. */
const DRAWN_FROM = 5;

export class Evictor {
  /** `noeviction`: there is nothing to choose from. */
  isOff = true;
  private measure = BY_IDLE_TIME;
  private onlyExpiring = false;
  private samples = 5;
  private nextDatabase = 0;
  private readonly pool = new EvictionPool();
  private readonly found = new TableSample(SAMPLES_AT_ONCE);
  /** Keeps what is only read to have it fetched from being thought useless. */
  private touched = 0;

  private readonly keyspace: Keyspace;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
  }

  /** `policy` is a value of `maxmemory-policy`, `samples` that of `maxmemory-samples`. */
  configure(policy: string, samples: number): void {
    const [scope, measure = ""] = policy.split("-");
    this.isOff = scope === "noeviction";
    this.onlyExpiring = scope === "volatile";
    this.measure = MEASURES.get(measure) ?? BY_IDLE_TIME;
    this.samples = Math.min(samples, MOST_SAMPLES);
    this.pool.clear();
  }

  /** Evicts one key; false where there is none that may be. */
  evict(): boolean {
    if (this.isOff) return false;
    return this.measure === AT_RANDOM ? this.evictAny() : this.evictBest();
  }

  private evictAny(): boolean {
    const { databases, context } = this.keyspace;
    for (let i = 0; i < databases.length; i++) {
      this.nextDatabase = (this.nextDatabase + 1) % databases.length;
      const database = databases[this.nextDatabase];
      if (this.candidatesIn(database) === 0) continue;
      const { found, onlyExpiring } = this;
      database.table.sampleSome(
        found,
        onlyExpiring ? DRAWN_FROM : 1,
        onlyExpiring,
        context.randomWord,
      );
      const drawn = context.random.below(found.count);
      const ref = found.refs[drawn] as Ref;
      if (database.table.holds(found.hashes[drawn], ref, onlyExpiring)) {
        database.evict(ref, found.hashes[drawn]);
        return true;
      }
    }
    return false;
  }

  private evictBest(): boolean {
    const { databases } = this.keyspace;
    const { pool } = this;
    for (;;) {
      let candidates = 0;
      for (let i = 0; i < databases.length; i++) {
        const count = this.candidatesIn(databases[i]);
        if (count === 0) continue;
        candidates += count;
        for (let left = this.samples; left > 0; left -= this.found.count) {
          this.sample(databases[i], i, Math.min(left, SAMPLES_AT_ONCE));
        }
      }
      if (candidates === 0) return false;
      while (pool.take()) {
        const database = databases[pool.database];
        const ref = pool.ref as Ref;
        if (!database.table.holds(pool.hash, ref, this.onlyExpiring)) continue;
        if (this.scoreOf(database.arena, ref) < pool.score) continue;
        database.evict(ref, pool.hash);
        return true;
      }
    }
  }

  private candidatesIn(database: Database): number {
    return this.onlyExpiring ? database.expiring : database.table.size;
  }

  private sample({ table, arena }: Database, index: number, wanted: number): void {
    const { found, pool } = this;
    table.sampleSome(found, wanted, this.onlyExpiring, this.keyspace.context.randomWord);
    for (let i = 0; i < found.count; i++) {
      const ref = found.refs[i];
      this.touched ^= arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
    }
    for (let i = 0; i < found.count; i++) {
      const ref = found.refs[i];
      pool.offer(this.scoreOf(arena, ref as Ref), found.hashes[i], ref, index);
    }
  }

  /** The higher, the sooner it goes. */
  private scoreOf(arena: Arena, ref: Ref): number {
    const { access } = this.keyspace.context;
    if (this.measure === BY_EXPIRY) return -expiryOf(arena, ref);
    const clock = clockOf(arena, ref);
    return this.measure === BY_FREQUENCY
      ? 255 - access.frequency(clock)
      : access.idleSeconds(clock);
  }
}
