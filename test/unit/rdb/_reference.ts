/** What redis-server and redis-check-rdb make of a file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOracle } from "../../support/oracle.ts";
import type { RespClient } from "../../support/resp-client.ts";
import { startServer } from "../../support/server.ts";

const checker = Bun.which("redis-check-rdb");

/** For describe.skipIf. */
export const referenceMissing = findOracle() === null || checker === null;

/** Lets the checker read the file, loads it into the oracle and runs `use` there. */
export async function loadedByOracle<T>(
  file: Uint8Array,
  use: (client: RespClient) => Promise<T>,
  more: readonly string[] = [],
): Promise<T> {
  const program = findOracle();
  if (program === null || checker === null) throw new Error("redis-server is not installed");
  const dir = mkdtempSync(join(tmpdir(), "pedis-rdb-"));
  try {
    const path = join(dir, "dump.rdb");
    writeFileSync(path, file);
    const check = Bun.spawnSync([checker, path]);
    const report = check.stdout.toString();
    if (check.exitCode !== 0 || !report.includes("RDB looks OK!")) throw new Error(report);
    const usual = ['save ""', "enable-debug-command yes", "sanitize-dump-payload yes"];
    const directives = [...usual, ...more];
    await using server = await startServer({ program, dir, directives });
    return await server.withClient(use);
  } finally {
    rmSync(dir, { recursive: true });
  }
}
