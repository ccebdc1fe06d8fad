/** 50 clients that SET random keys of those there are, one request each at a time, until told. */
import { join } from "node:path";
import type { ServerProcess } from "../../test/support/server.ts";
import type { CyclePlan } from "./generator.ts";
import { spawnOwned } from "./lifetime.ts";

export interface Writers {
  end(): Promise<void>;
}

const CLIENTS = 50;
/** More than are ever sent. */
const ENDLESS = 1e12;
const LIMIT_MS = 300_000;
/** Keys and values of 16 and 32 bytes. */
const WRITE = ["SET", "key:{r}", "user={r};token=12345678"];
const GENERATOR = join(import.meta.dir, "generator.ts");

export function startWriters(server: ServerProcess, keys: number): Writers {
  const plan: CyclePlan = {
    cycle: [WRITE],
    pipeline: 1,
    clients: CLIENTS,
    requests: ENDLESS,
    range: keys,
  };
  const command = [process.execPath, GENERATOR, String(server.port), JSON.stringify(plan)];
  const generator = spawnOwned(command, LIMIT_MS);
  return {
    async end() {
      if (generator.exitCode !== null) {
        throw new Error(`The writers ended: ${await generator.stderr.text()}`);
      }
      generator.kill("SIGKILL");
      await generator.exited;
    },
  };
}
