/** Digests that redis-server 7.0.15 gave for the same data. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { type Database } from "../../../src/keyspace/database.ts";
import { NO_EXPIRY } from "../../../src/keyspace/entry-store.ts";
import { datasetDigest, valueDigest } from "../../../src/keyspace/digest.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { NULL_REF } from "../../../src/memory/arena.ts";

function setUp() {
  const clock = new ManualClock(1_700_000_000_000);
  return new Keyspace(new KeyspaceContext(clock, new Random(1)), 16);
}

function store(
  keyspace: Keyspace,
  index: number,
  key: string,
  text: string,
  expiry: number,
): string {
  const database: Database = keyspace.database(index);
  const keyBytes = bytesOf(key);
  const value = bytesOf(text);
  const { length } = keyBytes;
  database.write(keyBytes, 0, length);
  const ref = database.storeString(NULL_REF, keyBytes, 0, length, value, 0, value.length, expiry);
  return valueDigest(keyspace, database, ref);
}

test("values and datasets have redis-server's digests", () => {
  const keyspace = setUp();
  expect(datasetDigest(keyspace)).toBe("0".repeat(40));
  expect(valueDigest(keyspace, keyspace.database(0), NULL_REF)).toBe("0".repeat(40));
  const text = store(keyspace, 0, "text", "hello", NO_EXPIRY);
  expect(text).toBe("36b23a1456b2dce2c3ed252c456761301dba8060");
  const number = store(keyspace, 0, "number", "12345", 33177117420000);
  expect(number).toBe("074a6e8892a0b0b4fcf085794cb69322c36c9d00");
  expect(datasetDigest(keyspace)).toBe("85cd7a6b51ab44026aa3be2b79cc6f425e119f52");
  store(keyspace, 3, "text", "hello", NO_EXPIRY);
  expect(datasetDigest(keyspace)).toBe("4804a609c72c2eb327986721ec3a26175cd49033");
});

test("the order of keys and the table's size do not matter", () => {
  const fill = (order: readonly number[]): string => {
    const keyspace = setUp();
    for (const i of order) store(keyspace, 0, `key:${i}`, `value ${i}`, NO_EXPIRY);
    return datasetDigest(keyspace);
  };
  const order = Array.from({ length: 500 }, (_, i) => i);
  expect(fill(order)).toBe(fill(order.toReversed()));
  expect(fill(order)).not.toBe(fill(order.slice(1)));
});
