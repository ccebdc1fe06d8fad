/**
 * Damaged RDB files and payloads: values of every form, a few bytes of which are changed, cut out,
 * doubled or put in, behind a checksum that is right. Whatever is refused must leave no memory
 * behind; whatever is accepted must stand every command of its type, its own dump and its removal.
 *
 * PEDIS_RDB_CASES sets the number of cases: 100000 for a thorough run.
 */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import { datasetDigest, valueDigest } from "../../src/keyspace/digest.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { RdbError } from "../../src/rdb/rdb-error.ts";
import { RdbLoader } from "../../src/rdb/rdb-loader.ts";
import { OPCODE_EXPIRE_MS, OPCODE_FREQ, OPCODE_IDLE } from "../../src/rdb/rdb-types.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { ReplyError } from "../support/resp-client.ts";
import { scale, seededRandom } from "../support/random.ts";
import { dumpPayload, join, little, rdbFile, record, withChecksum } from "../support/rdb-bytes.ts";
import { type Sample, samples } from "./_rdb-corpus.ts";

const random = seededRandom("rdb");
const CASES = Number(process.env["PEDIS_RDB_CASES"] ?? scale(3000));
const TIMEOUT_MS = 60_000 + CASES * 20;
/** LZF makes 88 bytes of one; an element takes a block, a slot and more for a byte or two. */
const MOST_MEMORY_PER_BYTE = 400;
const SPARE_BYTES = 1024 * 1024;
const SLOW_CASE_MS = 3000;
/** Bytes that mean something in one of the formats. */
const TELLING = [
  0, 1, 2, 3, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc3, 0xe0, 0xf0, 0xf4, 0xfe, 0xff,
];

/** Packed as they are in the samples, or large from few elements on. */
const LIMITS: readonly (readonly [string, readonly number[]])[] = [
  ["list-max-listpack-size", [-2, -1, 8]],
  ["hash-max-listpack-entries", [128, 2]],
  ["set-max-intset-entries", [512, 3]],
  ["set-max-listpack-entries", [128, 2]],
  ["zset-max-listpack-entries", [128, 3]],
];

const corpus = samples();

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  string: ["GET k", "STRLEN k", "APPEND k x", "SETRANGE k 3 y", "GETRANGE k 0 -1", "INCR k"],
  list: [
    "LLEN k",
    "LRANGE k 0 -1",
    "LINDEX k -1",
    "LPOS k a",
    "LINSERT k BEFORE a z",
    "LSET k 0 new",
    "LREM k 0 new",
    "RPUSH k a b 17",
    "LPUSH k q",
    "LTRIM k 1 -2",
    "RPOP k 2",
    "LPOP k",
  ],
  set: [
    "SCARD k",
    "SMEMBERS k",
    "SISMEMBER k a",
    "SRANDMEMBER k 3",
    "SRANDMEMBER k -3",
    "SADD k new 99 -5000000000",
    "SREM k a 5",
    "SUNIONSTORE other k",
    "SINTER k other",
    "SPOP k 2",
    "SSCAN k 0",
  ],
  zset: [
    "ZCARD k",
    "ZRANGE k 0 -1 WITHSCORES",
    "ZRANGEBYSCORE k -inf +inf",
    "ZRANK k a",
    "ZSCORE k b",
    "ZADD k 7 new 1 a -3 b",
    "ZINCRBY k 2 a",
    "ZCOUNT k (0 5",
    "ZRANDMEMBER k 3 WITHSCORES",
    "ZUNIONSTORE other 1 k",
    "ZREM k a",
    "ZPOPMIN k",
    "ZREMRANGEBYRANK k 0 0",
    "ZSCAN k 0",
  ],
  hash: [
    "HLEN k",
    "HGETALL k",
    "HGET k a",
    "HSET k new 1 a 2",
    "HINCRBY k new 5",
    "HRANDFIELD k 3 WITHVALUES",
    "HPTTL k FIELDS 2 a b",
    "HPEXPIRE k 100000 FIELDS 1 a",
    "HPERSIST k FIELDS 1 b",
    "HSTRLEN k a",
    "HDEL k a f",
    "HSCAN k 0",
  ],
  stream: [
    "XLEN k",
    "XRANGE k - +",
    "XREVRANGE k + -",
    "XINFO STREAM k FULL",
    "XINFO GROUPS k",
    "XPENDING k group",
    "XPENDING k group - + 10",
    "XADD k * a b",
    "XREADGROUP GROUP group carol STREAMS k >",
    "XREADGROUP GROUP group alice STREAMS k 0",
    "XACK k group 1-1",
    "XCLAIM k group bob 0 3-1",
    "XAUTOCLAIM k group bob 0 0",
    "XDEL k 3-1 1-1",
    "XSETID k 99999999999999-1",
    "XTRIM k MAXLEN 2",
    "XGROUP DELCONSUMER k group alice",
    "XGROUP DESTROY k group",
  ],
};

/** Changes a few places. */
function mutate(bytes: Uint8Array): Uint8Array {
  let result: Uint8Array = bytes.slice();
  for (let times = random.pick([1, 1, 1, 2, 3]); times > 0; times--) result = mutateOnce(result);
  return result;
}

function mutateOnce(bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length + 1);
  const some = random.between(1, random.pick([1, 4, 30]));
  switch (random.below(7)) {
    case 0:
      return join(bytes.subarray(0, at), bytes.subarray(at + some));
    case 1:
      return join(bytes.subarray(0, at), random.bytes(some), bytes.subarray(at));
    case 2:
      return join(bytes.subarray(0, at + some), bytes.subarray(at));
    case 3:
      return bytes.subarray(0, at);
    default: {
      if (bytes.length === 0) return bytes;
      const place = random.below(bytes.length);
      const step = random.pick([1, -1, 1 << random.below(8)]);
      bytes[place] = random.chance(0.5) ? random.pick(TELLING) : bytes[place] + step;
      return bytes;
    }
  }
}

class Subject {
  readonly local = new LocalEngine(4);
  readonly emptyBytes: number;

  constructor() {
    const { engine } = this.local;
    for (const [directive, limits] of LIMITS) {
      this.local.do(`CONFIG SET ${directive} ${random.pick(limits)}`);
    }
    engine.values.configure(engine.config);
    // The list of hashes whose fields expire stays once there was one.
    this.local.do("HSET k f v");
    this.local.do("HPEXPIRE k 1000 FIELDS 1 f");
    this.local.do("DEL k");
    this.emptyBytes = this.usedBytes;
  }

  get usedBytes(): number {
    const { reclaimer } = this.local.engine.context;
    while (!reclaimer.isEmpty) reclaimer.run(1000);
    return this.local.engine.keyspace.usedBytes;
  }

  /** Whether the payload was accepted. */
  restore(payload: Uint8Array): boolean {
    const reply = this.local.do("RESTORE", "k", "0", payload);
    if (reply instanceof ReplyError) {
      expect(reply.message).toBe("ERR Bad data format");
      this.expectNothing("a refused payload");
      return false;
    }
    const most = payload.length * MOST_MEMORY_PER_BYTE + SPARE_BYTES;
    expect(this.usedBytes - this.emptyBytes).toBeLessThan(most);
    this.use("k");
    this.expectNothing("a removed value");
    return true;
  }

  /** Whether the file was accepted. */
  load(file: Uint8Array): boolean {
    const { keyspace, values } = this.local.engine;
    const source = {
      sizeBytes: file.length,
      read: (into: Uint8Array, at: number, length: number, from: number): number => {
        // Less than asked for, as a file may give.
        const part = file.subarray(from, from + Math.min(length, random.pick([1, 7, 4096])));
        into.set(part, at);
        return part.length;
      },
    };
    const loader = new RdbLoader(keyspace, source, {
      limits: values,
      checksums: true,
      keepsExpired: random.chance(0.5),
      replaces: random.chance(0.5),
      warn: () => {},
    });
    try {
      while (loader.step(random.pick([1, 100, 10000])));
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
      expect(error.offset).toBeWithin(0, file.length + 1);
      this.local.do("FLUSHALL");
      return false;
    }
    expect(loader.position).toBeLessThanOrEqual(file.length);
    expect(this.usedBytes - this.emptyBytes).toBeLessThan(
      file.length * MOST_MEMORY_PER_BYTE + SPARE_BYTES,
    );
    for (const database of keyspace.databases) {
      this.local.do(`SELECT ${database.index}`);
      const keys = this.local.do("KEYS *");
      if (!Array.isArray(keys)) continue;
      for (const key of keys.slice(0, 10)) {
        if (typeof key !== "string") continue;
        if (this.local.do("RENAME", key, "k") === "OK") this.use("k");
      }
    }
    this.local.do("SELECT 0");
    datasetDigest(keyspace);
    this.local.do("FLUSHALL");
    return true;
  }

  /** Does with the value whatever can be done, and removes it. */
  private use(key: string): void {
    const { local } = this;
    local.do("PERSIST", key);
    const digest = this.digestOf("k");
    local.do("COPY k copied");
    expect(this.digestOf("copied")).toBe(digest);
    this.restoreDump(digest);
    local.do("OBJECT ENCODING k");
    local.do("MEMORY USAGE k");
    const type = local.do("TYPE k");
    if (typeof type !== "string") throw new Error("TYPE answers with a string");
    for (const command of COMMANDS[type] ?? []) local.do(command);
    if (local.do("EXISTS k") === 1) this.digestOf("k");
    if (type === "zset") this.expectOrder();
    local.do("DEL k copied again other");
  }

  private digestOf(key: string): string {
    const { keyspace } = this.local.engine;
    const bytes = bytesOf(key);
    for (const database of keyspace.databases) {
      const ref = database.peek(bytes, 0, bytes.length);
      if (ref !== NULL_REF) return valueDigest(keyspace, database, ref);
    }
    throw new Error(`There is no ${key}`);
  }

  /** What we dump we take. */
  private restoreDump(digest: string): void {
    const { local } = this;
    const dump = local.dump("k");
    if (dump === null) return;
    expect(local.do("RESTORE", "again", "0", dump)).toBe("OK");
    expect(this.digestOf("again")).toBe(digest);
  }

  private expectOrder(): void {
    const flat = this.local.do("ZRANGE k 0 -1 WITHSCORES");
    if (!Array.isArray(flat)) return;
    let before = -Infinity;
    for (let i = 1; i < flat.length; i += 2) {
      const text = flat[i];
      if (typeof text !== "string") throw new Error("ZRANGE answers with strings");
      const score = Number(text.replace("inf", "Infinity"));
      expect(score).toBeGreaterThanOrEqual(before);
      before = score;
    }
  }

  private expectNothing(after: string): void {
    const bytes = this.usedBytes - this.emptyBytes;
    if (bytes !== 0) throw new Error(`${bytes} bytes are left after ${after}`);
  }
}

/** Runs a case; says which one it was where it fails. */
function attempt(bytes: Uint8Array, run: () => boolean): boolean {
  const startUs = process.cpuUsage().user;
  try {
    const isAccepted = run();
    const tookMs = (process.cpuUsage().user - startUs) / 1000;
    if (tookMs > SLOW_CASE_MS) throw new Error(`It took ${tookMs} ms`);
    return isAccepted;
  } catch (error) {
    throw new Error(`With ${Buffer.from(bytes).toString("hex")}: ${String(error)}`, {
      cause: error,
    });
  }
}

test("every sample is accepted as it is", () => {
  for (const { type, value } of corpus) {
    const payload = dumpPayload(type, value);
    expect(attempt(payload, () => new Subject().restore(payload))).toBe(true);
  }
});

test(
  "damaged payloads are refused, or harmless",
  () => {
    let subject = new Subject();
    let accepted = 0;
    for (let i = 0; i < CASES; i++) {
      const { type, value } = random.pick(corpus);
      const other = random.chance(0.03) ? random.pick(corpus).type : type;
      const payload = dumpPayload(other, mutate(value));
      if (attempt(payload, () => subject.restore(payload))) accepted++;
      if (i % 1000 === 999) subject = new Subject();
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(CASES);
  },
  TIMEOUT_MS,
);

function sampleRecord({ type, value }: Sample, index: number): Uint8Array {
  const said = random.pick([
    new Uint8Array(),
    new Uint8Array(),
    join(OPCODE_EXPIRE_MS, little(random.pick([1, 1_700_000_100_000, 2_700_000_000_000]), 8)),
    join(OPCODE_IDLE, 5),
    join(OPCODE_FREQ, 9),
  ]);
  return join(said, record(type, `key-${index}`, value));
}

test(
  "damaged files are refused, or harmless",
  () => {
    let subject = new Subject();
    let accepted = 0;
    const cases = Math.ceil(CASES / 4);
    for (let i = 0; i < cases; i++) {
      const count = random.between(1, 8);
      const records = Array.from({ length: count }, (_, index) =>
        sampleRecord(random.pick(corpus), index),
      );
      const file = rdbFile(random.pick([9, 10, 11, 12]), ...records);
      const damaged = withChecksum(join(file.subarray(0, 9), mutate(file.subarray(9))));
      if (attempt(damaged, () => subject.load(damaged))) accepted++;
      if (i % 1000 === 999) subject = new Subject();
    }
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(cases);
  },
  TIMEOUT_MS,
);
