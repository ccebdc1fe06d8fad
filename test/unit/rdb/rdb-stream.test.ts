/** An RDB that is loaded while it still comes: whole, byte by byte, and at every cut. */
import { describe, expect, test } from "bun:test";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import { RdbError } from "../../../src/rdb/rdb-error.ts";
import type { RdbSource } from "../../../src/rdb/rdb-input.ts";
import { RdbLoader } from "../../../src/rdb/rdb-loader.ts";
import { RdbStream } from "../../../src/rdb/rdb-stream.ts";
import * as rdb from "../../../src/rdb/rdb-types.ts";
import type { LocalEngine } from "../../support/local-engine.ts";
import { join, length, rdbFile, record, sourceOf, string } from "../../support/rdb-bytes.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { emptyEngine, fileOf, noise, PLAIN_OPTIONS, populate } from "./_content.ts";

interface Coming {
  readonly engine: LocalEngine;
  readonly stream: RdbStream;
  readonly loader: RdbLoader;
}

function coming(sizeBytes = Infinity, engine = emptyEngine()): Coming {
  const stream = new RdbStream(sizeBytes);
  return { engine, stream, loader: loaderOf(stream, engine) };
}

function loaderOf(source: RdbSource, engine: LocalEngine): RdbLoader {
  const { keyspace, values } = engine.engine;
  return new RdbLoader(keyspace, source, {
    limits: values,
    checksums: true,
    keepsExpired: true,
    replaces: false,
    warn: () => {},
  });
}

/** Loads on as far as that goes; how many steps it took. False as the end is reached. */
function loadWhatIsThere({ loader }: Coming, budgetBytes = 4096): number | false {
  for (let steps = 1; ; steps++) {
    if (!loader.step(budgetBytes)) return false;
    if (loader.isWaiting) return steps;
  }
}

function finish(it: Coming): void {
  it.stream.end();
  while (it.loader.step(4096));
}

function digestOf({ engine }: LocalEngine): string {
  return datasetDigest(engine.keyspace);
}

/** Every type, in few bytes. */
function smallCorpus(): { bytes: Uint8Array; digest: string } {
  const engine = emptyEngine();
  engine.do("SET text some-text");
  engine.do("SET number 12345");
  engine.do("SET", "runs", "ab".repeat(200));
  engine.do("SET due soon PX 3600000");
  engine.do("RPUSH list a b 3");
  engine.do("SADD numbers 1 2 3");
  engine.do("SADD set a b c");
  engine.do("ZADD sorted 1 a 2.5 b");
  engine.do("HSET hash f v g w");
  engine.do("SELECT 5");
  engine.do("XADD stream 1-1 f v");
  engine.do("XGROUP CREATE stream group 0");
  engine.do("XREADGROUP GROUP group alice COUNT 1 STREAMS stream >");
  engine.do("SET last 1");
  const bytes = fileOf(engine, { ...PLAIN_OPTIONS, libraries: [Buffer.from("#!lua name=x")] });
  return { bytes, digest: digestOf(engine) };
}

describe("an RDB that still comes", () => {
  test("can be cut anywhere", () => {
    const { bytes, digest } = smallCorpus();
    for (let cut = 0; cut <= bytes.length; cut++) {
      const it = coming();
      it.stream.push(bytes, 0, cut);
      loadWhatIsThere(it);
      it.stream.push(bytes, cut, bytes.length - cut);
      finish(it);
      expect(digestOf(it.engine)).toBe(digest);
      expect(it.loader.position).toBe(bytes.length);
      expect(it.stream.keptBytes).toBeLessThan(16);
    }
  });

  test("that ends anywhere before its end is refused", () => {
    const { bytes } = smallCorpus();
    for (let cut = 0; cut < bytes.length; cut++) {
      const it = coming();
      it.stream.push(bytes, 0, cut);
      loadWhatIsThere(it);
      expect(() => finish(it)).toThrow(RdbError);
    }
  });

  test("may come byte by byte, with its size known or not", () => {
    const source = emptyEngine();
    for (const size of [10, 300, 20_000, 70_000, 300_000]) {
      source.do("SET", `noise:${size}`, noise(size));
      source.do("SET", `runs:${size}`, "ab".repeat(size / 2));
      source.do("RPUSH", `list:${size}`, "a", noise(size), "b");
    }
    for (let i = 0; i < 600; i++) source.do("HSET", "hash", `field:${i}`, `value ${i}`);
    const bytes = fileOf(source, PLAIN_OPTIONS);
    for (const sizeBytes of [bytes.length, Infinity]) {
      const it = coming(sizeBytes);
      for (let i = 0; i < bytes.length; i++) {
        it.stream.push(bytes, i, 1);
        it.loader.step(4096);
      }
      finish(it);
      expect(digestOf(it.engine)).toBe(digestOf(source));
    }
  });

  test("of all encodings may come in chunks of any size", () => {
    const source = emptyEngine();
    populate(source);
    const bytes = fileOf(source, PLAIN_OPTIONS);
    const digest = digestOf(source);
    for (const most of [700, 20_000, 400_000]) {
      const it = coming();
      let state = most;
      for (let at = 0; at < bytes.length;) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        const size = Math.min(1 + (state % most), bytes.length - at);
        it.stream.push(Uint8Array.from(bytes.subarray(at, at + size)), 0, size);
        at += size;
        if (state % 3 > 0) loadWhatIsThere(it);
      }
      finish(it);
      expect(digestOf(it.engine)).toBe(digest);
    }
  });

  test("is checked by its checksum", () => {
    const { bytes } = smallCorpus();
    const damaged = bytes.slice();
    damaged[damaged.indexOf("some-text".charCodeAt(0), 100)] ^= 1;
    const it = coming();
    it.stream.push(damaged, 0, 50);
    loadWhatIsThere(it);
    it.stream.push(damaged, 50, damaged.length - 50);
    expect(() => finish(it)).toThrow(RdbError);
  });

  test("does not keep what was loaded, and reads no large value more than twice", () => {
    const source = emptyEngine();
    for (let i = 0; i < 20_000; i++) source.do("HSET", "hash", `field:${i}`, noise(40));
    for (let i = 0; i < 20_000; i++) source.do("SET", `key:${i}`, noise(40));
    const bytes = fileOf(source, PLAIN_OPTIONS);
    const it = coming();
    let attempts = 0;
    let kept = 0;
    for (let at = 0; at < bytes.length; at += 1000) {
      it.stream.push(bytes, at, Math.min(1000, bytes.length - at));
      if (it.loader.isWaiting) continue;
      attempts++;
      loadWhatIsThere(it);
      kept = Math.max(kept, it.stream.keptBytes);
    }
    finish(it);
    expect(digestOf(it.engine)).toBe(digestOf(source));
    // The strings are loaded as they come, the hash after attempts that double.
    expect(attempts).toBeLessThan(bytes.length / 1000);
    expect(kept).toBeLessThan(bytes.length);
  });
});

/** How a load ends: where, and with what. */
function outcome(load: () => RdbLoader): string {
  let loader: RdbLoader;
  try {
    loader = load();
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    return `${error.offset}: ${error.message}`;
  }
  return `${loader.position} ${loader.keysLoaded}`;
}

function loadAtOnce(bytes: Uint8Array): RdbLoader {
  const loader = loaderOf(sourceOf(bytes), emptyEngine());
  while (loader.step(4096));
  return loader;
}

test("what is damaged ends as it does in a file, however it comes", () => {
  const random = seededRandom("damaged stream");
  const { bytes } = smallCorpus();
  for (let round = 0; round < scale(300); round++) {
    const damaged = Uint8Array.from(bytes);
    for (let i = random.below(3); i >= 0; i--) {
      damaged[9 + random.below(bytes.length - 9)] = random.below(256);
    }
    const expected = outcome(() => loadAtOnce(damaged));
    const actual = outcome(() => {
      const it = coming(random.below(2) === 0 ? damaged.length : Infinity);
      for (let at = 0; at < damaged.length;) {
        const size = Math.min(1 + random.below(100), damaged.length - at);
        it.stream.push(damaged, at, size);
        at += size;
        if (loadWhatIsThere(it) === false) break;
      }
      finish(it);
      return it.loader;
    });
    expect(actual).toBe(expected);
  }
});

describe("what an RDB that still comes says of its sizes", () => {
  test("is waited for, and refused in the end", () => {
    const huge = join(rdb.RDB_SET, string("s"), length(2 ** 40), string("a"));
    const it = coming();
    const bytes = rdbFile(10, huge);
    it.stream.push(bytes, 0, bytes.length);
    loadWhatIsThere(it);
    expect(it.loader.isWaiting).toBe(true);
    expect(() => finish(it)).toThrow("Unexpected EOF reading RDB file");
  });

  test("is refused at once where it can't be", () => {
    const bytes = rdbFile(10, record(rdb.RDB_STRING, "k", length(2 ** 33)));
    const unknown = coming();
    unknown.stream.push(bytes, 0, bytes.length);
    expect(() => loadWhatIsThere(unknown)).toThrow("A string is too long");
    const known = coming(2 ** 20);
    known.stream.push(bytes, 0, bytes.length);
    expect(() => loadWhatIsThere(known)).toThrow("Unexpected EOF reading RDB file");
  });
});
