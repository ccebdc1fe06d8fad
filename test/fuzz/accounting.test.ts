/**
 * What databases count as used, after random changes of all types: the running count is the sum
 * of its parts, what MEMORY USAGE says of each key adds up to it, and nothing of it is left once
 * the keys are gone, whichever way they go.
 */
import { expect, test } from "bun:test";
import { KeyView } from "../../src/keyspace/entries.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { TableWalk } from "../../src/memory/byte-table.ts";
import { changes, filling } from "../support/changes.ts";
import { makeDataset } from "../support/dataset.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { type Random, randomFrom, scale, seededRandom } from "../support/random.ts";

const OPTIONS = { keys: 8, hugeSize: 3000, databases: 3, hasFieldExpiry: true };
const CHANGES = scale(1500);
const THRESHOLDS = [
  [],
  ["hash-max-listpack-entries 8", "zset-max-listpack-entries 8", "set-max-listpack-entries 8"],
  ["list-max-listpack-size 5", "stream-node-max-entries 7", "set-max-intset-entries 8"],
  ["hash-max-listpack-value 20", "zset-max-listpack-value 10", "list-max-listpack-size -1"],
];

const { seed } = seededRandom("accounting");

/** Ways in which all keys go. */
const ENDS: readonly ((local: LocalEngine, random: Random) => void)[] = [
  (local) => local.do("FLUSHALL"),
  (local) => eachKey(local, (key) => local.do("DEL", key)),
  (local) => eachKey(local, (key) => local.do("UNLINK", key)),
  (local) => {
    eachKey(local, (key) => local.do("PEXPIRE", key, "1"));
    local.pass(1000);
    local.expire();
    // The cycle may leave some to those who look them up.
    eachKey(local, (key) => local.do("EXISTS", key));
  },
  (local) => {
    local.do("SWAPDB 0 2");
    local.do("SWAPDB 1 2");
    eachKey(local, (key) => local.do("DEL", key));
  },
  (local) =>
    eachKey(local, (key) => {
      local.do("SET", key, "1");
      local.do("GETDEL", key);
    }),
  (local) =>
    eachKey(local, (key) => {
      local.do("RENAME", key, "renamed");
      local.do("DEL renamed");
    }),
  (local) => {
    local.do("SELECT 9");
    local.do("SET ends here");
    for (let i = 0; i < OPTIONS.databases; i++) {
      eachKeyOf(local, i, (key) => {
        local.do("COPY", key, "copied", "DB", "9", "REPLACE");
        if (local.do("MOVE", key, "9") === 0) local.do("DEL", key);
      });
    }
    local.do("SELECT 9");
    local.do("FLUSHDB");
  },
  (local) =>
    eachKey(local, (key) => {
      const payload = local.dump(Buffer.from(key).toString("latin1"));
      local.do("SET other value");
      if (payload !== null) local.do("RESTORE", "other", "0", payload, "REPLACE");
      local.do("DEL", key, "other");
    }),
];

test.each(ENDS.map((end, i) => [i, end] as const))("end %d", (number, end) => {
  const random = randomFrom(seed + number);
  const local = new LocalEngine();
  local.engine.allowsProtected = () => true;
  const before = netBytes(local);
  for (const line of random.pick(THRESHOLDS)) local.do(`CONFIG SET ${line}`);
  for (const command of filling(random, OPTIONS)) local.do(...command);
  if (random.chance(0.5)) {
    for (const command of makeDataset(random, { isSmall: true }).commands) local.do(...command);
  }
  const stream = changes(random, OPTIONS);
  for (let i = 0; i < CHANGES; i++) {
    local.do(...stream.next().value);
    if (random.chance(0.01)) local.pass(random.below(100));
    if (random.chance(0.01)) local.expire();
    if (i % 100 === 0) expectSums(local);
  }
  expectSums(local);
  for (let i = 3; i < 16; i++) {
    local.do(`SELECT ${i}`);
    local.do("FLUSHDB");
  }
  end(local, random);
  reclaim(local);
  expect(local.engine.keyspace.keyCount).toBe(0);
  expect(netBytes(local)).toBe(before);
});

/** The running count, its parts, and what keys are said to take. */
function expectSums(local: LocalEngine): void {
  reclaim(local);
  const { context, keyspace } = local.engine;
  let sum = 0;
  for (const database of keyspace.databases) {
    sum += database.usedBytes;
    const { arena, table } = database;
    const valueBytes = arena.usedBytes + arena.objects.sizeBytes;
    const { bytes, keys } = sizesOf(database);
    const slotBytes = keys * Math.min(Math.ceil(table.sizeBytes / Math.max(1, keys)), 24);
    const rest = valueBytes - (bytes - slotBytes);
    expect(rest).toBe(expiringBytes(database));
  }
  expect(context.memory.bytes).toBe(sum);
}

/** What is used, but for what stays of the order of hashes whose fields expire. */
function netBytes({ engine }: LocalEngine): number {
  let bytes = engine.context.memory.bytes;
  for (const database of engine.keyspace.databases) bytes -= expiringBytes(database);
  return bytes;
}

function expiringBytes({ expiringHashes }: Database): number {
  return expiringHashes === null ? 0 : expiringHashes.sizeBytes;
}

function sizesOf(database: Database): { bytes: number; keys: number } {
  const walk = new TableWalk();
  let bytes = 0;
  let keys = 0;
  for (;;) {
    const ref = database.table.walk(walk);
    if (ref === NULL_REF) return { bytes, keys };
    bytes += database.sizeOf(ref, 0);
    keys++;
  }
}

function reclaim(local: LocalEngine): void {
  const { reclaimer } = local.engine.context;
  while (!reclaimer.isEmpty) reclaimer.run(1000);
}

function eachKey(local: LocalEngine, use: (key: Uint8Array) => void): void {
  for (let i = 0; i < OPTIONS.databases; i++) eachKeyOf(local, i, use);
}

function eachKeyOf(local: LocalEngine, index: number, use: (key: Uint8Array) => void): void {
  const { arena, table } = local.database(index);
  const view = new KeyView();
  const walk = new TableWalk();
  const keys: Uint8Array[] = [];
  for (;;) {
    const ref = table.walk(walk);
    if (ref === NULL_REF) break;
    view.read(arena, ref);
    keys.push(view.bytes.slice(view.start, view.start + view.length));
  }
  for (const key of keys) {
    local.do(`SELECT ${index}`);
    use(key);
  }
}
