/** Payloads that redis-server restores. */
import { expect, test } from "bun:test";
import { valueDigest } from "../../../src/keyspace/digest.ts";
import { DumpEncoder } from "../../../src/rdb/dump-payload.ts";
import { findOracle } from "../../support/oracle.ts";
import { startServer } from "../../support/server.ts";
import { emptyEngine, keyCopies, populate } from "./_content.ts";

const TIMEOUT_MS = 60_000;

test.skipIf(findOracle() === null)(
  "redis-server (where installed) restores a payload of every type and encoding",
  async () => {
    const local = emptyEngine();
    populate(local);
    const { engine } = local;
    const database = local.database(0);
    const encoder = DumpEncoder.of(engine.context);
    const program = findOracle();
    if (program === null) throw new Error("redis-server is not installed");
    await using server = await startServer({
      program,
      directives: ['save ""', "enable-debug-command yes", "sanitize-dump-payload yes"],
    });
    await using client = await server.connect();
    for (const compresses of [true, false]) {
      await client.do("FLUSHALL");
      for (const key of keyCopies(database)) {
        const ref = database.read(key, 0, key.length);
        encoder.encode(database.arena, ref, 10, compresses);
        const payload = encoder.bytes.slice(0, encoder.length);
        const ttlMs = database.hasExpiry(ref) ? 3_600_000 : 0;
        const restored = await client.value("RESTORE", key, ttlMs, payload);
        const digest = await client.value("DEBUG", "DIGEST-VALUE", key);
        const expected = valueDigest(engine.keyspace, database, database.read(key, 0, key.length));
        expect([restored, digest]).toEqual(["OK", [expected]]);
      }
      expect(await client.value("DBSIZE")).toBe(database.size);
    }
  },
  TIMEOUT_MS,
);

test("A payload ends with its version and the checksum of all before", () => {
  const local = emptyEngine();
  local.do("SET k v");
  const database = local.database(0);
  const encoder = new DumpEncoder(local.engine.context);
  const key = Buffer.from("k");
  for (let i = 0; i < 2; i++) {
    encoder.encode(database.arena, database.read(key, 0, 1), 10, true);
    const payload = Buffer.from(encoder.bytes.subarray(0, encoder.length));
    expect(payload.toString("hex")).toBe("0001760a009108ceb219388ace");
  }
});
