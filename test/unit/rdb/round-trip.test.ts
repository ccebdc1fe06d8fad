/** What is written is loaded again, in every version, with the encodings that it had. */
import { expect, test } from "bun:test";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import type { RdbVersion } from "../../../src/rdb/rdb-version.ts";
import { RdbLoader } from "../../../src/rdb/rdb-loader.ts";
import type { LocalEngine } from "../../support/local-engine.ts";
import { sourceOf } from "../../support/rdb-bytes.ts";
import { emptyEngine, fileOf, keyCopies, PLAIN_OPTIONS, populate } from "./_content.ts";

const VERSIONS: readonly RdbVersion[] = [10, 11, 12];

test.each(VERSIONS)("version %d", (version) => {
  const written = emptyEngine();
  populate(written);
  addSmallSets(written, version);
  if (version === 12) addExpiringFields(written);
  const loaded = loadedFrom(fileOf(written, { ...PLAIN_OPTIONS, version }));
  for (const index of [0, 3, 15, 5]) {
    written.do(`SELECT ${index}`);
    loaded.do(`SELECT ${index}`);
    const keys = keyCopies(written.database(index));
    expect(loaded.do("DBSIZE")).toBe(keys.length);
    for (const key of keys) {
      for (const question of [["OBJECT", "ENCODING"], ["PEXPIRETIME"], ["TYPE"]]) {
        expect(loaded.do(...question, key)).toEqual(written.do(...question, key));
      }
    }
    for (const question of [
      "XINFO GROUPS x:nodes",
      "XINFO STREAM x:empty",
      "HPEXPIRETIME e FIELDS 2 a b",
    ]) {
      expect(loaded.do(question)).toEqual(written.do(question));
    }
  }
  expect(datasetDigest(loaded.engine.keyspace)).toBe(datasetDigest(written.engine.keyspace));
});

function loadedFrom(file: Buffer): LocalEngine {
  const local = emptyEngine();
  const { keyspace, values } = local.engine;
  const loader = new RdbLoader(keyspace, sourceOf(file), {
    limits: values,
    checksums: true,
    keepsExpired: false,
    replaces: false,
    warn: (message) => {
      throw new Error(message);
    },
  });
  while (loader.step(10_000));
  expect(loader.position).toBe(file.length);
  expect(loader.aux.get("redis-bits")).toBe("64");
  return local;
}

/** Version 10 has them as elements, of which integers alone make an intset. */
function addSmallSets(engine: LocalEngine, version: RdbVersion): void {
  engine.do("SELECT 5");
  engine.do("SADD s:text a b c");
  engine.do("SADD s:mixed 1 2 text");
  if (version > 10) {
    engine.do("SADD s:was-mixed 1 text");
    engine.do("SREM s:was-mixed text");
  }
  engine.do("SELECT 0");
}

function addExpiringFields(engine: LocalEngine): void {
  engine.do("SELECT 5");
  engine.do("HSET e a 1 b 2 c 3");
  engine.do("HPEXPIREAT e 9000000000000 FIELDS 1 a");
  engine.do("HPEXPIREAT e 9000000000500 FIELDS 1 b");
  for (let i = 0; i < 1000; i++) {
    engine.do("HSET", "e:large", `field ${i}`, "v");
    if (i % 3 > 0) engine.do("HEXPIREAT", "e:large", 9_000_000_000 + i, "FIELDS", 1, `field ${i}`);
  }
  engine.do("SELECT 0");
}
