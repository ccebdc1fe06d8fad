/**
 * What takes a payload or the stream without being a server: redis-cli --rdb and --replica, and
 * SYNC and PSYNC by hand.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Content, contentOf, differences } from "../support/content.ts";
import { makeDataset } from "../support/dataset.ts";
import { findOracle } from "../support/oracle.ts";
import { seededRandom } from "../support/random.ts";
import { infoOf, waitForInfo, waitUntil } from "../support/replication.ts";
import { checkFile, sendAll, withDirectory } from "../support/saving.ts";
import { PEDIS, type ServerProcess, startServer } from "../support/server.ts";
import { RawReplica } from "./_raw-replica.ts";

const DIRECTIVES = [
  'save ""',
  "enable-debug-command yes",
  "repl-diskless-sync-delay 0",
  "repl-ping-replica-period 3600",
];
const oracle = findOracle();
const cli = Bun.which("redis-cli");
if (oracle === null) console.log("Payloads are not loaded by redis-server: it is not installed.");
if (cli === null) console.log("redis-cli is not installed: it takes no payloads here.");

/** redis-server itself, to prove the tests, when PEDIS_LONG is set. */
const programs =
  oracle !== null && process.env["PEDIS_LONG"] !== undefined ? [PEDIS, oracle] : [PEDIS];
const loaders = oracle === null ? [PEDIS] : [PEDIS, oracle];
const cases = programs.flatMap((program) =>
  ["yes", "no"].map((diskless) => ({ program, diskless, name: `${program.name}, ${diskless}` })),
);

/** Loads the file, and compares with what was in the server that made it. */
async function expectLoads(rdb: Uint8Array, before: Content, by = loaders): Promise<void> {
  for (const program of by) {
    await withDirectory(async (dir) => {
      const file = join(dir, "dump.rdb");
      writeFileSync(file, rdb);
      const checked = checkFile("redis-check-rdb", file);
      if (checked !== null) expect(checked.output).toContain("RDB looks OK!");
      await using server = await startServer({ program, dir, directives: DIRECTIVES });
      const loaded = await server.withClient((client) => contentOf(client));
      expect(differences(loaded, before, true)).toEqual([]);
      await server.kill9();
    });
  }
}

describe.each(cases)("Without a server as replica (repl-diskless-sync): $name", (options) => {
  const { program, diskless } = options;
  let server: ServerProcess;
  let content: Content;

  beforeAll(async () => {
    const version = program === PEDIS ? ["rdb-version 10"] : [];
    const directives = [...DIRECTIVES, ...version, `repl-diskless-sync ${diskless}`];
    server = await startServer({ program, directives });
    const random = seededRandom(`payload of ${program.name}`);
    const { commands } = makeDataset(random, { forRdb: true, isSmall: diskless === "yes" });
    await server.withClient((client) => sendAll(client, commands));
  });

  beforeEach(async () => {
    await waitForInfo(server, "replication", "connected_slaves", "0");
    content = await server.withClient((client) => contentOf(client));
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  /** What redis-cli says, having fetched a file with these arguments. */
  async function fetchFile(...args: readonly string[]): Promise<string> {
    const command = [cli ?? "", "-p", String(server.port), ...args];
    const run = Bun.spawn(command, { stdout: "ignore", stderr: "pipe" });
    const said = await run.stderr.text();
    expect(await run.exited, said).toBe(0);
    return said;
  }

  test.skipIf(cli === null)("redis-cli --rdb fetches a file that loads", async () => {
    await withDirectory(async (dir) => {
      const file = join(dir, "fetched.rdb");
      expect(await fetchFile("--rdb", file)).toContain("Transfer finished with success");
      await expectLoads(await Bun.file(file).bytes(), content);
    });
  });

  test.skipIf(cli === null)("redis-cli --functions-rdb fetches no keys", async () => {
    await withDirectory(async (dir) => {
      const file = join(dir, "functions.rdb");
      await fetchFile("--functions-rdb", file);
      const checked = checkFile("redis-check-rdb", file);
      if (checked !== null) expect(checked.output).toContain("0 keys read");
    });
  });

  test.skipIf(cli === null)("redis-cli --replica shows the stream", async () => {
    const command = [cli ?? "", "-p", String(server.port), "--replica"];
    const run = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
    let shown = "";
    const read = async (): Promise<void> => {
      const decoder = new TextDecoder();
      for await (const chunk of run.stdout) shown += decoder.decode(chunk, { stream: true });
    };
    const reading = read();
    try {
      await waitForInfo(server, "replication", "connected_slaves", "1");
      await server.withClient(async (client) => {
        await client.pipeline(["SELECT 3", "SET shown 1", "INCRBYFLOAT shown 0.5", "GET shown"]);
        await client.pipeline(["MULTI", "RPUSH queue a b", "SPOP nothing", "EXEC", "LPOP queue"]);
        await client.do("SET last last");
      });
      await waitUntil(
        async () => shown.includes('"last","last"'),
        () => `--replica shows ${shown}`,
      );
    } finally {
      run.kill();
      await reading;
    }
    const lines = shown.slice(shown.indexOf('"SET","shown"')).trimEnd().split("\n");
    expect(lines).toEqual([
      '"SET","shown","1"',
      '"SET","shown","1.5","KEEPTTL"',
      '"RPUSH","queue","a","b"',
      '"LPOP","queue"',
      '"SET","last","last"',
    ]);
  });

  test("SYNC gives a payload, then commands", async () => {
    await using replica = await RawReplica.connect(server.port);
    replica.sendLine("SYNC");
    await expectLoads(await replica.payload(), content, loaders.slice(-1));
    await server.withClient((client) => client.pipeline(["SELECT 2", "SET a 1", "SET done 1"]));
    const { commands } = await replica.streamUntil("done\r\n$1\r\n1");
    expect(commands).toEqual([
      ["SELECT", "2"],
      ["SET", "a", "1"],
      ["SET", "done", "1"],
    ]);
  });

  test("PSYNC gives a payload, and later what was missed", async () => {
    const replica = await RawReplica.connect(server.port);
    await using _replica = replica;
    replica.send("REPLCONF", "listening-port", "7777", "capa", "eof", "capa", "psync2");
    expect(await replica.line()).toBe("+OK");
    replica.send("PSYNC", "?", "-1");
    const [word, id, offset] = (await replica.line()).split(" ");
    expect(word).toBe("+FULLRESYNC");
    expect(id).toBe((await infoOf(server, "replication"))["master_replid"]);
    await expectLoads(await replica.payload(), content, loaders.slice(-1));
    replica.send("REPLCONF", "ACK", offset);
    await server.withClient((client) => client.do("SET first 1"));
    const first = await replica.streamUntil("first\r\n$1\r\n1");
    expect(first.commands.at(-1)).toEqual(["SET", "first", "1"]);
    const next = Number(offset) + first.bytes.length + 1;
    const info = await infoOf(server, "replication");
    expect(info["master_repl_offset"]).toBe(String(next - 1));
    expect(info["slave0"]).toMatch(/^ip=127\.0\.0\.1,port=7777,state=online,/);
    await replica[Symbol.asyncDispose]();

    await server.withClient((client) => client.do("SET second 2"));
    await using later = await RawReplica.connect(server.port);
    later.send("REPLCONF", "capa", "psync2");
    expect(await later.line()).toBe("+OK");
    later.send("PSYNC", id, String(next));
    expect(await later.line()).toBe(`+CONTINUE ${id}`);
    const second = await later.streamUntil("second\r\n$1\r\n2");
    expect(second.commands).toEqual([["SET", "second", "2"]]);
  });

  test("PSYNC to a place that the backlog has not gives a payload", async () => {
    await using first = await RawReplica.connect(server.port);
    const before = await infoOf(server, "stats");
    first.send("PSYNC", "?", "-1");
    const [, id, offset] = (await first.line()).split(" ");
    await first.payload();
    for (const place of [`${"a".repeat(40)} ${offset}`, `${id} ${Number(offset) + 1000}`]) {
      await using other = await RawReplica.connect(server.port);
      other.send("PSYNC", ...place.split(" "));
      expect(await other.line()).toMatch(new RegExp(`^\\+FULLRESYNC ${id} \\d+$`));
      expect((await other.payload()).subarray(0, 5).toString()).toBe("REDIS");
    }
    expect(await infoOf(server, "stats")).toMatchObject({
      sync_full: String(Number(before["sync_full"]) + 3),
      sync_partial_err: String(Number(before["sync_partial_err"]) + 2),
    });
  });
});

test("A payload that is written to its end at once is sent to its end all the same", async () => {
  await using server = await startServer({ directives: [...DIRECTIVES, "rdb-key-save-delay 200"] });
  await server.withClient((client) => client.do("DEBUG POPULATE 20000 key 100"));
  await using replica = await RawReplica.connect(server.port);
  replica.send("REPLCONF", "capa", "eof");
  expect(await replica.line()).toBe("+OK");
  replica.send("PSYNC", "?", "-1");
  expect(await replica.line()).toStartWith("+FULLRESYNC");
  await server.withClient(async (client) => {
    await client.do("CONFIG SET rdb-key-save-delay 0");
    expect(await client.value("DEBUG RELOAD")).toBe("OK");
  });
  expect((await replica.payload()).toString("latin1")).toStartWith("REDIS");
  replica.send("REPLCONF", "ACK", "0");
  await server.withClient((client) => client.do("SET last marker"));
  expect((await replica.streamUntil("marker")).commands.at(-1)).toEqual(["SET", "last", "marker"]);
});
