/** Files that redis-server loads: of every type and encoding, in several databases. */
import { describe, expect, test } from "bun:test";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import { emptyEngine, fileOf, PLAIN_OPTIONS, populate } from "./_content.ts";
import { loadedByOracle, referenceMissing } from "./_reference.ts";

const TIMEOUT_MS = 60_000;

describe.skipIf(referenceMissing)("redis-server loads what is written (where installed)", () => {
  for (const compresses of [true, false]) {
    for (const checksums of [true, false]) {
      const title = `${compresses ? "" : "un"}compressed, with${checksums ? "" : "out"} checksum`;
      test(title, () => loadsAlike({ compresses, checksums }), TIMEOUT_MS);
    }
  }
});

async function loadsAlike(changes: { compresses: boolean; checksums: boolean }): Promise<void> {
  const engine = emptyEngine();
  populate(engine);
  const { keyspace } = engine.engine;
  const file = fileOf(engine, { ...PLAIN_OPTIONS, ...changes });
  await loadedByOracle(file, async (client) => {
    expect(await client.value("DEBUG DIGEST")).toBe(datasetDigest(keyspace));
  });
}
