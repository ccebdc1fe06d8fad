import { expect, test } from "bun:test";
import { isRdb, readEmptyRdb, writeEmptyRdb } from "../../../src/persistence/empty-rdb.ts";

const FIELDS = [
  ["redis-ver", "7.0.15"],
  ["redis-bits", 64],
  ["ctime", 1_700_000_000],
  ["used-mem", 30_000],
  ["far", 5_000_000_000],
  ["aof-base", 1],
] as const;

test("What is written is read back, field by field, up to its last byte", () => {
  const file = writeEmptyRdb(FIELDS);
  expect(isRdb(file)).toBe(true);
  const read = readEmptyRdb(Buffer.concat([file, Buffer.from("tail")]));
  expect(read).toEqual({
    endsAt: file.length,
    fields: new Map(FIELDS.map(([name, value]) => [name, String(value)])),
  });
});

test("A changed byte anywhere behind the version is noticed", () => {
  const file = writeEmptyRdb(FIELDS);
  for (let at = 9; at < file.length; at++) {
    const changed = file.slice();
    changed[at] ^= 1;
    expect(readEmptyRdb(changed)).toHaveProperty("problem");
  }
});

test("Every length but the whole one is too short", () => {
  const file = writeEmptyRdb(FIELDS);
  for (let length = 9; length < file.length; length++) {
    expect(readEmptyRdb(file.subarray(0, length))).toHaveProperty("problem");
  }
});

test("A missing checksum is accepted, data is not", () => {
  const file = writeEmptyRdb(FIELDS);
  const unchecked = file.slice();
  unchecked.fill(0, file.length - 8);
  expect(readEmptyRdb(unchecked)).toHaveProperty("endsAt", file.length);
  const withKeys = file.slice();
  withKeys[file.length - 9] = 0xfe;
  expect(readEmptyRdb(withKeys)).toEqual({
    problem: "It holds data, and RDB data cannot be loaded yet",
    offset: file.length - 9,
  });
});

test("Versions from 1 to 12 are read, those before 5 without a checksum", () => {
  const header = (version: string): Uint8Array => Buffer.from(`REDIS${version}\xff`, "latin1");
  expect(readEmptyRdb(header("0004"))).toHaveProperty("endsAt", 10);
  expect(readEmptyRdb(header("0005"))).toHaveProperty("problem");
  for (const version of ["0000", "0013", "00x1", "9999"]) {
    expect(readEmptyRdb(header(version))).toHaveProperty("offset", 5);
  }
});
