/**
 * A replica that is cut off, made a primary and a replica again at any moment, in the middle of
 * synchronisations too: in the end it has what its primary has, and so has its own replica.
 */
import { expect, setDefaultTimeout, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";

setDefaultTimeout(180_000);

const oracle = findOracle();
const BASE = ['save ""', "enable-debug-command yes", "repl-diskless-sync-delay 0"];
const WAIT_MS = 60_000;
const FLIPS = 25;
const KEYS = 20_000;
const KEYS_PER_REQUEST = 500;

async function fill(client: RespClient): Promise<void> {
  for (let from = 0; from < KEYS; from += KEYS_PER_REQUEST) {
    const pairs = Array.from({ length: KEYS_PER_REQUEST }, (_, i) => [
      `key:${from + i}`,
      `value of ${from + i}`.repeat(5),
    ]);
    await client.do("MSET", ...pairs.flat());
  }
}

async function isAlike(primary: RespClient, replica: RespClient): Promise<boolean> {
  const role = (await replica.value("ROLE")) as unknown[];
  if (role[3] !== "connected") return false;
  const digest = await primary.value("DEBUG DIGEST");
  return digest === (await replica.value("DEBUG DIGEST"));
}

async function expectAlike(primary: RespClient, replica: RespClient): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isAlike(primary, replica))) {
    if (Date.now() > deadline) throw new Error("The two never became alike");
    await Bun.sleep(50);
  }
}

async function flip(mode: string, program: Program): Promise<void> {
  const random = seededRandom(`flips, ${mode}, ${program.name}`);
  await using primary = await startServer({ program, directives: BASE });
  await using from = await primary.connect();
  await fill(from);
  const directives = [...BASE, `repl-diskless-load ${mode}`];
  await using replica: ServerProcess = await startServer({ directives });
  await using to = await replica.connect();
  await using third = await startServer({ directives });
  await using last = await third.connect();
  await last.do("REPLICAOF", "127.0.0.1", replica.port);
  for (let i = 0; i < FLIPS; i++) {
    await to.do("REPLICAOF", "127.0.0.1", primary.port);
    await from.pipeline([`INCR counter:${i % 3}`, `SET key:${random.below(KEYS)} ${i}`]);
    await Bun.sleep(random.below(120));
    const what = random.below(4);
    if (what === 0) await from.do("CLIENT KILL TYPE replica");
    if (what === 1) await to.do("CLIENT KILL TYPE master");
    if (what === 2) await to.do("CLIENT KILL TYPE replica");
    if (what === 3) await to.pipeline(["REPLICAOF NO ONE", `SET own ${i}`]);
  }
  await to.do("REPLICAOF", "127.0.0.1", primary.port);
  await from.do("SET last word");
  await expectAlike(from, to);
  await expectAlike(from, last);
  expect(await last.value("GET last")).toBe("word");
  expect(await to.value("EXISTS own")).toBe(0);
}

for (const mode of ["disabled", "on-empty-db", "swapdb"]) {
  test(`of Pedis (repl-diskless-load ${mode})`, () => flip(mode, PEDIS));
  test.skipIf(oracle === null)(`of redis-server (repl-diskless-load ${mode})`, () =>
    flip(mode, oracle ?? PEDIS),
  );
}
