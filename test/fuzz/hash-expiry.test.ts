/**
 * Hashes whose fields expire, against maps of maps, on a clock that is stepped: every reply, what
 * can be seen, and what a second engine has that only does what the first propagates. In the end
 * everything expires by itself and no memory is left.
 */
import { expect, test } from "bun:test";
import { datasetDigest } from "../../src/keyspace/digest.ts";
import { ValueReader } from "../../src/keyspace/value-reader.ts";
import { TYPE_HASH, typeOf } from "../../src/memory/entry.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { scale, seededRandom } from "../support/random.ts";
import type { ReplyValue } from "../support/resp-client.ts";

const random = seededRandom("hash expiry");
const DATABASES = 3;
const KEYS = ["a", "b", "c", `long-${"key".repeat(2000)}`];
const FIELDS = [...Array.from({ length: 8 }, (_, i) => `f${i}`), "field".repeat(1500)];
const CONDITIONS = ["", "NX", "XX", "GT", "LT"] as const;

interface Field {
  value: string;
  whenMs: number | null;
}

type Hash = Map<string, Field>;

class Fuzzer {
  readonly subject = new LocalEngine(DATABASES);
  readonly replica = new LocalEngine(DATABASES);
  private readonly databases: Map<string, Hash>[] = [];
  private index = 0;

  constructor() {
    for (let i = 0; i < DATABASES; i++) this.databases.push(new Map());
    this.subject.recordEffects();
    // Short enough that some hashes are tables before a field of theirs expires.
    this.subject.engine.config.set(["hash-max-listpack-value", "20"], {
      isLoading: false,
      isLocal: true,
    });
  }

  step(): void {
    this.subject.events();
    random.pick(this.weighted)();
  }

  private readonly weighted = [
    ...times(8, () => this.set()),
    ...times(10, () => this.setExpiry()),
    ...times(3, () => this.persist()),
    ...times(3, () => this.remove()),
    ...times(6, () => this.increment()),
    ...times(2, () => this.setNew()),
    ...times(8, () => this.look()),
    ...times(3, () => this.draw()),
    ...times(3, () => this.passTime()),
    ...times(2, () => this.lookWhilePaused()),
    ...times(1, () => this.rename()),
    ...times(1, () => this.copy()),
    ...times(1, () => this.move()),
    ...times(1, () => this.swap()),
    ...times(1, () => this.removeKey()),
    ...times(1, () => this.overwrite()),
    ...times(1, () => this.select()),
  ];

  /** The visible fields of a key, in the model. */
  private seen(key: string): Hash {
    const hash = this.databases[this.index].get(key) ?? new Map<string, Field>();
    const { nowMs } = this.subject.clock;
    return new Map([...hash].filter(([, { whenMs }]) => whenMs === null || whenMs >= nowMs));
  }

  /** The same, to be changed: what has expired is gone for good. */
  private edited(key: string): Hash {
    const hash = this.seen(key);
    this.databases[this.index].set(key, hash);
    return hash;
  }

  private set(): void {
    const key = random.pick(KEYS);
    const hash = this.edited(key);
    const pairs: string[] = [];
    let added = 0;
    for (let i = random.between(1, 4); i > 0; i--) {
      const field = random.pick(FIELDS);
      const value = random.chance(0.2) ? "0".repeat(30) : String(random.below(100));
      pairs.push(field, value);
      if (!hash.has(field)) added++;
      hash.set(field, { value, whenMs: null });
    }
    expect(this.subject.do("HSET", key, ...pairs)).toBe(added);
  }

  private setNew(): void {
    const key = random.pick(KEYS);
    const field = random.pick(FIELDS);
    const hash = this.edited(key);
    expect(this.subject.do("HSETNX", key, field, "5")).toBe(hash.has(field) ? 0 : 1);
    if (!hash.has(field)) hash.set(field, { value: "5", whenMs: null });
  }

  private increment(): void {
    const key = random.pick(KEYS);
    const field = random.pick(FIELDS);
    const hash = this.edited(key);
    const before = hash.get(field);
    if (before !== undefined && before.value.length > 20) return;
    const command = random.pick(["HINCRBY", "HINCRBYFLOAT"]);
    const by = random.pick([3, 1_000_000_007]);
    const value = String(Number(before?.value ?? 0) + by);
    const isInteger = command === "HINCRBY";
    expect(this.subject.do(command, key, field, by)).toBe(isInteger ? Number(value) : value);
    hash.set(field, { value, whenMs: before?.whenMs ?? null });
  }

  private setExpiry(): void {
    const key = random.pick(KEYS);
    const hash = this.edited(key);
    const fields = someFields();
    const { nowMs } = this.subject.clock;
    const leftMs = random.pick([0, 1, 2, 50, 500, 5000, 50_000, random.below(200)]);
    const whenMs = nowMs + leftMs;
    const condition = random.pick(CONDITIONS);
    const [command, time] = random.chance(0.5) ? ["HPEXPIRE", leftMs] : ["HPEXPIREAT", whenMs];
    const words = condition === "" ? [] : [condition];
    const expected = fields.map((name) => {
      const field = hash.get(name);
      if (field === undefined) return -2;
      if (!allows(condition, field.whenMs, whenMs)) return 0;
      if (leftMs === 0) hash.delete(name);
      else field.whenMs = whenMs;
      return leftMs === 0 ? 2 : 1;
    });
    const count = fields.length;
    const reply = this.subject.do(command, key, time, ...words, "FIELDS", count, ...fields);
    expect(reply).toEqual(expected);
  }

  private persist(): void {
    const key = random.pick(KEYS);
    const hash = this.edited(key);
    const fields = someFields();
    const expected = fields.map((name) => {
      const field = hash.get(name);
      if (field === undefined) return -2;
      if (field.whenMs === null) return -1;
      field.whenMs = null;
      return 1;
    });
    const reply = this.subject.do("HPERSIST", key, "FIELDS", fields.length, ...fields);
    expect(reply).toEqual(expected);
  }

  private remove(): void {
    const key = random.pick(KEYS);
    const hash = this.edited(key);
    const fields = [...new Set(someFields())];
    const removed = fields.filter((field) => hash.delete(field)).length;
    // What has expired counts while it is there.
    expect(this.subject.do("HDEL", key, ...fields)).toBeWithin(removed, fields.length + 1);
  }

  private look(): void {
    const key = random.pick(KEYS);
    const hash = this.seen(key);
    const { nowMs } = this.subject.clock;
    const pairs = Object.fromEntries([...hash].map(([name, { value }]) => [name, value]));
    expect(pairsOf(this.subject.do("HGETALL", key))).toEqual(pairs);
    const name = random.pick(FIELDS);
    const field = hash.get(name);
    expect(this.subject.do("HGET", key, name)).toBe(field?.value ?? null);
    expect(this.subject.do("HEXISTS", key, name)).toBe(field === undefined ? 0 : 1);
    const leftMs = field === undefined ? -2 : field.whenMs === null ? -1 : field.whenMs - nowMs;
    expect(this.subject.do("HPTTL", key, "FIELDS", 1, name)).toEqual([leftMs]);
    expect(this.subject.do("HLEN", key)).toBeGreaterThanOrEqual(hash.size);
    const [cursor, found] = this.subject.do("HSCAN", key, "0", "COUNT", "1000") as ReplyValue[];
    expect(cursor).toBe("0");
    expect(pairsOf(found)).toEqual(pairs);
  }

  private draw(): void {
    const key = random.pick(KEYS);
    const hash = this.seen(key);
    const count = random.between(1, FIELDS.length);
    const drawn = this.subject.do("HRANDFIELD", key, count) as string[];
    expect(new Set(drawn).size).toBe(Math.min(count, hash.size));
    const repeated = this.subject.do("HRANDFIELD", key, -count) as string[];
    expect(repeated.length).toBe(hash.size === 0 ? 0 : count);
    for (const name of [...drawn, ...repeated]) expect([...hash.keys()]).toContain(name);
  }

  /** As under CLIENT PAUSE: what has expired is hidden and nothing is removed. */
  private lookWhilePaused(): void {
    this.check();
    const { context } = this.subject.engine;
    context.keepsExpired = true;
    this.look();
    this.draw();
    this.subject.expire();
    expect(this.subject.effects()).toEqual([]);
    context.keepsExpired = false;
  }

  private passTime(): void {
    this.subject.pass(random.pick([1, 2, 10, 100, 1000]));
    if (random.chance(0.5)) return;
    this.subject.expire();
    for (const { expiringHashes } of this.subject.engine.keyspace.databases) {
      if (expiringHashes === null) continue;
      expect(expiringHashes.firstMs).toBeGreaterThanOrEqual(this.subject.clock.nowMs);
    }
  }

  private rename(): void {
    const [from, to] = [random.pick(KEYS), random.pick(KEYS)];
    const hash = this.seen(from);
    const hasMoved = this.subject.do("RENAME", from, to) === "OK";
    if (!hasMoved) expect(hash.size).toBe(0);
    if (!hasMoved || from === to) return;
    this.databases[this.index].delete(from);
    this.databases[this.index].set(to, hash);
  }

  private copy(): void {
    const [from, to] = [random.pick(KEYS), random.pick(KEYS)];
    const target = random.below(DATABASES);
    if (from === to && target === this.index) return;
    const hash = this.seen(from);
    const copied = this.subject.do("COPY", from, to, "DB", target, "REPLACE");
    if (copied === 0) expect(hash.size).toBe(0);
    else this.databases[target].set(to, new Map([...hash].map(([name, f]) => [name, { ...f }])));
  }

  private move(): void {
    const key = random.pick(KEYS);
    const target = random.below(DATABASES);
    if (target === this.index || this.subject.do("MOVE", key, target) === 0) return;
    this.databases[target].set(key, this.seen(key));
    this.databases[this.index].delete(key);
  }

  private swap(): void {
    const [one, other] = [random.below(DATABASES), random.below(DATABASES)];
    expect(this.subject.do("SWAPDB", one, other)).toBe("OK");
    const { databases } = this;
    [databases[one], databases[other]] = [databases[other], databases[one]];
  }

  private removeKey(): void {
    const key = random.pick(KEYS);
    this.databases[this.index].delete(key);
    if (random.chance(0.1)) {
      this.databases[this.index].clear();
      this.subject.do("FLUSHDB");
    } else {
      this.subject.do(random.pick(["DEL", "UNLINK"]), key);
    }
  }

  /** Another type comes in its place, and goes. */
  private overwrite(): void {
    const key = random.pick(KEYS);
    this.databases[this.index].delete(key);
    expect(this.subject.do("SET", key, "text")).toBe("OK");
    this.checkIndex();
    this.subject.do("DEL", key);
  }

  private select(): void {
    this.index = random.below(DATABASES);
    this.subject.do("SELECT", this.index);
  }

  /** The replica has the same, expired or not; each database knows its hashes that expire. */
  check(): void {
    this.subject.feed(this.replica);
    expect(datasetDigest(this.replica.engine.keyspace)).toBe(
      datasetDigest(this.subject.engine.keyspace),
    );
    this.checkIndex();
  }

  private checkIndex(): void {
    const { keyspace, context } = this.subject.engine;
    const reader = new ValueReader(context);
    for (const database of keyspace.databases) {
      let count = 0;
      let firstMs = Infinity;
      database.table.scan(0, 2 ** 32, (ref) => {
        if (typeOf(database.arena, ref) !== TYPE_HASH) return;
        reader.open(database.arena, ref);
        if (reader.hash.hasExpiringFields) count++;
        reader.hash.rewind();
        while (reader.hash.next()) {
          const whenMs = reader.hash.fieldExpiryMs;
          if (whenMs >= 0) firstMs = Math.min(firstMs, whenMs);
        }
      });
      expect(database.expiringHashes?.size ?? 0).toBe(count);
      expect(database.expiringHashes?.firstMs ?? Infinity).toBe(firstMs);
    }
  }

  /** All fields are made to expire, and nobody looks. */
  end(): void {
    const { subject } = this;
    for (const [index, hashes] of this.databases.entries()) {
      this.index = index;
      subject.do("SELECT", index);
      for (const key of hashes.keys()) {
        const fields = [...this.seen(key).keys()];
        if (fields.length === 0) continue;
        subject.do("HPEXPIRE", key, random.between(1, 100), "FIELDS", fields.length, ...fields);
      }
    }
    subject.pass(101);
    subject.expire();
    expect(subject.engine.keyspace.keyCount).toBe(0);
    this.check();
    for (const engine of [subject.engine, this.replica.engine]) {
      while (!engine.context.reclaimer.isEmpty) engine.context.reclaimer.run(1000);
      for (const database of engine.keyspace.databases) {
        expect(database.arena.usedBytes).toBe(0);
        expect(database.expiringHashes?.size ?? 0).toBe(0);
      }
    }
  }
}

function times(count: number, act: () => void): (() => void)[] {
  return Array.from({ length: count }, () => act);
}

function someFields(): string[] {
  return Array.from({ length: random.between(1, 5) }, () => random.pick(FIELDS));
}

function allows(condition: string, currentMs: number | null, whenMs: number): boolean {
  if (condition === "NX") return currentMs === null;
  if (condition === "XX") return currentMs !== null;
  if (condition === "GT") return currentMs !== null && whenMs > currentMs;
  return condition !== "LT" || currentMs === null || whenMs < currentMs;
}

function pairsOf(reply: ReplyValue): Record<string, string> {
  const flat = reply as string[];
  const pairs: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) {
    expect(pairs[flat[i]]).toBeUndefined();
    pairs[flat[i]] = flat[i + 1];
  }
  return pairs;
}

const TIMEOUT_MS = scale(120_000);

test(
  "fields expire as in a model, and a replica follows",
  () => {
    for (let run = 0; run < scale(20); run++) {
      const fuzzer = new Fuzzer();
      for (let i = 0; i < 600; i++) {
        fuzzer.step();
        if (i % 5 === 0) fuzzer.check();
      }
      fuzzer.end();
    }
  },
  TIMEOUT_MS,
);
