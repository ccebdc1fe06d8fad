/** Files that redis-server loads: of every type and encoding, in several databases. */
import { describe, expect, test } from "bun:test";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import type { LargeEncoding } from "../../../src/keyspace/snapshot.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import type { RdbOptions } from "../../../src/rdb/rdb-encoder.ts";
import type { FrozenValue } from "../../../src/values/frozen.ts";
import type { LocalEngine } from "../../support/local-engine.ts";
import type { ReplyValue, RespClient } from "../../support/resp-client.ts";
import {
  eachEntry,
  emptyEngine,
  fileInProgress,
  fileOf,
  PLAIN_OPTIONS,
  populate,
} from "./_content.ts";
import { frozen } from "./_frozen.ts";
import { loadedByOracle, referenceMissing } from "./_reference.ts";

const TIMEOUT_MS = 60_000;
function populated(): LocalEngine {
  const engine = emptyEngine();
  populate(engine);
  return engine;
}

/**
 * The file of all databases, its large values written in steps of one part, between which entries
 * are written whole, and other large ones announced.
 */
function mixedFile(engine: LocalEngine, options: RdbOptions): Buffer {
  const { encoder, bytes } = fileInProgress(engine, options);
  const open: { encoding: LargeEncoding; value: FrozenValue }[] = [];
  const step = (budget: number): void => {
    if (open.length === 0 || open[0].encoding.step(budget)) return;
    open.shift()?.value.thaw();
  };
  encoder.begin();
  eachEntry(engine, (database, arena, ref) => {
    const value = frozen(arena, ref);
    if (value === null) encoder.entry(database, arena, ref);
    else open.push({ encoding: encoder.large(database, arena, ref, value), value });
    step(1);
  });
  while (open.length > 0) step(7);
  encoder.end();
  return bytes();
}

describe.skipIf(referenceMissing)("redis-server loads what is written (where installed)", () => {
  const cases = [
    { compresses: true, checksums: true },
    { compresses: true, checksums: false },
    { compresses: false, checksums: true },
  ];
  for (const changes of cases) {
    const options = { ...PLAIN_OPTIONS, ...changes };
    const title = JSON.stringify(changes);
    test(`entry by entry, ${title}`, () => loadsAlike(fileOf, options), TIMEOUT_MS);
    test(`large values in steps, ${title}`, () => loadsAlike(mixedFile, options), TIMEOUT_MS);
  }

  test("with what is not in the digest", async () => {
    const engine = populated();
    await loadedByOracle(fileOf(engine, PLAIN_OPTIONS), async (client) => {
      for (const key of ["l:long", "never", "integer:127", "x:nodes", "s:table"]) {
        await answersAlike(engine, client, `PEXPIRETIME ${key}`);
      }
      for (const key of ["integer:128", "s:int32", "z:listpack", "z:table", "h:table", "l:huge"]) {
        await answersAlike(engine, client, `OBJECT ENCODING ${key}`);
      }
      await answersAlike(engine, client, "LRANGE l:long 0 -1");
      await answersAlike(engine, client, "XINFO GROUPS x:nodes");
      await answersAlike(engine, client, "XPENDING x:nodes group");
      const pending = "XPENDING x:nodes group - + 1000";
      expect(withoutIdle(await client.value(pending))).toEqual(withoutIdle(engine.do(pending)));
      await answersAlike(engine, client, "XINFO STREAM x:empty");
      await answersAlike(engine, client, "XRANGE x:nodes - +");
      await answersAlike(engine, client, "XINFO STREAM x:last");
    });
  });

  test("with the access clocks, function libraries and sizes", async () => {
    const engine = emptyEngine();
    engine.do("SET old v");
    engine.pass(5_000_000);
    engine.engine.context.access.setTime(engine.clock.nowMs);
    engine.do("SET new v EX 100");
    const code = "#!lua name=lib\nredis.register_function('f', function() return 7 end)";
    const options: RdbOptions = {
      ...PLAIN_OPTIONS,
      writesIdle: "lru",
      libraries: [Buffer.from(code)],
      sizes: () => [2, 1],
    };
    await loadedByOracle(
      fileOf(engine, options),
      async (client) => {
        expect(await client.value("OBJECT IDLETIME old")).toBeGreaterThanOrEqual(5000);
        expect(await client.value("OBJECT IDLETIME new")).toBeLessThan(1000);
        expect(await client.value("FCALL f 0")).toBe(7);
      },
      ["maxmemory-policy allkeys-lru"],
    );
    engine.engine.context.access.usesLfu = true;
    engine.do("SET fresh v");
    await loadedByOracle(
      fileOf(engine, { ...options, writesIdle: "lfu" }),
      async (client) => expect(await client.value("OBJECT FREQ fresh")).toBe(5),
      ["maxmemory-policy volatile-lfu"],
    );
  });
});

async function loadsAlike(
  write: (engine: LocalEngine, options: RdbOptions) => Buffer,
  options: RdbOptions,
): Promise<void> {
  const engine = populated();
  const { keyspace } = engine.engine;
  const file = write(engine, options);
  await loadedByOracle(file, async (client) => {
    const digest = datasetDigest(keyspace);
    expect(digest).not.toBe("0".repeat(40));
    expect(await client.value("DEBUG DIGEST")).toBe(digest);
  });
}

async function answersAlike(engine: LocalEngine, client: RespClient, line: string): Promise<void> {
  expect({ line, reply: await client.value(line) }).toEqual({ line, reply: engine.do(line) });
}

/** Of XPENDING's entries: how long ago they were delivered. */
function withoutIdle(entries: ReplyValue): ReplyValue {
  if (!Array.isArray(entries) || entries.length === 0) throw new Error("no entries");
  return entries.map((entry) => (Array.isArray(entry) ? entry.toSpliced(2, 1) : entry));
}

test.skipIf(referenceMissing)(
  "Runs of as many items as a node of a quicklist can have",
  async () => {
    const engine = emptyEngine();
    engine.do("RPUSH", "l", "x".repeat(10_000));
    const database = engine.database(0);
    const ref = database.read(Buffer.from("l"), 0, 1);
    const { encoder, bytes } = fileInProgress(engine, PLAIN_OPTIONS);
    const runs = [65534, 65535].map((count) => {
      // Items that hold the integer 7, of two bytes.
      const items = Uint8Array.from({ length: 2 * count }, (_, i) => (i % 2 === 0 ? 7 : 1));
      return { items, count };
    });
    encoder.begin();
    const large = encoder.large(0, database.arena, ref, {
      kind: "list",
      chunkCount: runs.length,
      shownBytes: 0,
      walk: (_budget, visit) => {
        for (const { items, count } of runs) visit(items, 0, items.length, count);
        return false;
      },
      thaw: () => {},
    });
    while (large.step(1));
    encoder.end();
    await loadedByOracle(bytes(), async (client) => {
      expect(await client.value("LLEN l")).toBe(65534 + 65535);
      expect(await client.value("LINDEX l -1")).toBe("7");
    });
  },
);

test("Nothing but held entries waits for a large value, and they follow it", () => {
  const engine = emptyEngine();
  for (let i = 0; i < 1000; i++) engine.do("SADD", "large", `member ${i}`);
  engine.do("SET small v");
  const { encoder, bytes } = fileInProgress(engine, { ...PLAIN_OPTIONS, compresses: false });
  const database = engine.database(0);
  const refOf = (key: string): Ref => database.read(Buffer.from(key), 0, key.length);
  encoder.begin();
  const ref = refOf("large");
  const value = frozen(database.arena, ref);
  if (value === null) throw new Error("is not large");
  const large = encoder.large(0, database.arena, ref, value);
  expect(large.step(10)).toBe(true);
  expect(encoder.heldBytes).toBe(0);
  encoder.entry(0, database.arena, refOf("small"));
  expect(encoder.heldBytes).toBe(11);
  while (large.step(10));
  expect(encoder.heldBytes).toBe(0);
  value.thaw();
  encoder.end();
  const file = bytes();
  expect(file.indexOf("small")).toBeGreaterThan(file.lastIndexOf("member "));
  expect(file.indexOf("large")).toBeLessThan(file.indexOf("member "));
});
