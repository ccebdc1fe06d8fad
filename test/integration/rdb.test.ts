/** The snapshot file of a real server: saved, loaded, and written when the server ends. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOracle } from "../support/oracle.ts";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import { PEDIS, runToExit, type ServerProcess, startServer } from "../support/server.ts";
import { compare } from "../support/transcript.ts";

const oracle = findOracle();
const NEVER = 'save ""';
/** Save points that are there, but not reached within a test. */
const RARELY = "save 9000 1";
const DEBUG = "enable-debug-command yes";

/** Keys of several types and databases. */
async function fill(client: RespClient): Promise<void> {
  await client.pipeline([
    ["SET", "text", "a\r\nb\0\xff"],
    ["SET", "number", "-9223372036854775808"],
    ["SET", "large", "x".repeat(3 << 20)],
    ["SET", "expiring", "1", "PX", "100000000"],
    ["RPUSH", "list", "a", "1", "c".repeat(100)],
    ["SADD", "numbers", "1", "2", "300000"],
    ["SADD", "set", "a", "b", "1"],
    ["HSET", "hash", "f", "v", "g", "2"],
    ["ZADD", "zset", "1.5", "a", "-inf", "b"],
    ["XADD", "stream", "1-1", "f", "v"],
    ["XGROUP", "CREATE", "stream", "g", "0"],
    ["SELECT", "9"],
    ["SET", "other", "9"],
    ["SELECT", "0"],
  ]);
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error(`Not a text: ${JSON.stringify(value)}`);
  return value;
}

const digest = async (client: RespClient): Promise<string> =>
  textOf(await client.value("DEBUG DIGEST"));

async function field(client: RespClient, name: string): Promise<string> {
  const info = textOf(await client.value("INFO persistence"));
  return new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1] ?? "";
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("It never came to pass");
    await Bun.sleep(5);
  }
}

const isSaved = async (client: RespClient): Promise<boolean> =>
  (await field(client, "rdb_bgsave_in_progress")) === "0";

const temporary = (server: ServerProcess): string[] =>
  readdirSync(server.dir).filter((name) => name.startsWith("temp-"));

/** A connection to a server that is still loading. */
async function whileLoading(server: ServerProcess): Promise<RespClient> {
  let client: RespClient | null = null;
  await until(async () => {
    client = await server.connect().catch(() => null);
    return client !== null;
  });
  if (client === null) throw new Error("no connection");
  return client;
}

function makeDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "pedis-rdb-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

compare(
  "replies and errors of saving are Redis's",
  `
  SAVE x
  BGSAVE x
  BGSAVE SCHEDULE x
  LASTSAVE x
  MULTI
  SAVE
  DISCARD
  SAVE
  DEBUG RELOAD x
  DEBUG RELOAD MERGE NOFLUSH x
  CONFIG GET rdbcompression
  `,
);

describe("Saving and loading", () => {
  test("everything is there after DEBUG RELOAD, in whatever version", async () => {
    await using server = await startServer({ directives: [NEVER, DEBUG] });
    await using client = await server.connect();
    await fill(client);
    const before = await digest(client);
    for (const version of ["10", "11", "12"]) {
      await client.do("CONFIG", "SET", "rdb-version", version);
      expect(await client.value("DEBUG RELOAD")).toBe("OK");
      expect(await digest(client)).toBe(before);
      expect(readFileSync(join(server.dir, "dump.rdb"), "latin1").slice(0, 9)).toBe(
        `REDIS00${version}`,
      );
    }
    expect(await field(client, "rdb_last_load_keys_loaded")).toBe("11");
    expect(await client.value("TTL expiring")).toBeGreaterThan(90_000);
    await client.do("SET new 1");
    expect(await client.value("DEBUG RELOAD NOSAVE NOFLUSH")).toBeInstanceOf(ReplyError);
    expect(await client.value("DEBUG RELOAD NOSAVE NOFLUSH MERGE")).toBe("OK");
    expect(await client.value("GET new")).toBe("1");
    expect(await client.value("DEBUG RELOAD NOSAVE")).toBe("OK");
    expect(await client.value("EXISTS new")).toBe(0);
  });

  test("a restart loads what BGSAVE and SIGTERM saved", async () => {
    await using server = await startServer({ directives: [RARELY, DEBUG] });
    let before = "";
    await server.withClient(async (client) => {
      await fill(client);
      before = await digest(client);
      expect(await client.value("BGSAVE")).toBe("Background saving started");
      await until(() => isSaved(client));
    });
    await server.kill9();
    await server.start();
    await server.withClient(async (client) => {
      expect(await digest(client)).toBe(before);
      expect(await client.value("DEBUG LOG x")).toBe("OK");
      await client.do("SET late 1");
      before = await digest(client);
    });
    expect(await server.stop()).toBe(0);
    await server.start();
    await using client = await server.connect();
    expect(await digest(client)).toBe(before);
    await server.waitForLog(/Done loading RDB, keys loaded: 12, keys expired: 0\./);
    await server.waitForLog(/DB loaded from disk: \d+\.\d{3} seconds/);
  });

  test("keys that expired meanwhile are not loaded", async () => {
    await using server = await startServer({ directives: [NEVER, DEBUG] });
    await server.withClient(async (client) => {
      await client.do("DEBUG SET-ACTIVE-EXPIRE 0");
      await client.do("SET short 1 PX 30");
      await client.do("SET long 1 PX 1000000");
      await client.do("SAVE");
    });
    await Bun.sleep(40);
    await server.restart();
    await using client = await server.connect();
    expect(await client.value("DBSIZE")).toBe(1);
    expect(await field(client, "rdb_last_load_keys_expired")).toBe("1");
  });

  test.skipIf(oracle === null)("redis-server takes our file, and we take its", async () => {
    if (oracle === null) return;
    using dir = makeDirectory();
    let before = "";
    const directives = [NEVER, DEBUG];
    for (const [program, extra] of [
      [PEDIS, ["rdb-version 10"]],
      [oracle, []],
      [PEDIS, []],
    ] as const) {
      await using server = await startServer({
        program,
        dir: dir.path,
        directives: [...directives, ...extra],
      });
      await using client = await server.connect();
      if (before === "") await fill(client);
      else expect(await digest(client)).toBe(before);
      before = await digest(client);
      expect(await client.value("SAVE")).toBe("OK");
    }
  });

  test("clients hear LOADING meanwhile, and INFO shows the progress", async () => {
    await using server = await startServer({ directives: [NEVER, DEBUG] });
    await server.withClient(async (client) => {
      await client.do("DEBUG POPULATE 2000 key 100");
      await client.do("SAVE");
    });
    await server.stop();
    const started = server.start(["key-load-delay 2000"]);
    await using client = await whileLoading(server);
    await until(async () => (await field(client, "loading")) === "1");
    const refused = await client.value("GET key:1");
    expect(refused).toBeInstanceOf(ReplyError);
    expect(refused instanceof ReplyError ? refused.message : "").toStartWith("LOADING ");
    expect(Number(await field(client, "loading_total_bytes"))).toBeGreaterThan(10_000);
    expect(await client.value("BGSAVE")).toBeInstanceOf(ReplyError);
    expect(await client.value("DEBUG LOG still-here")).toBe("OK");
    await client.do("CONFIG SET key-load-delay 0");
    await until(async () => (await field(client, "loading")) === "0");
    await started;
    expect(await client.value("DBSIZE")).toBe(2000);
  });

  test("the end while loading saves nothing", async () => {
    await using server = await startServer({ directives: [RARELY, DEBUG] });
    await server.withClient(async (client) => {
      await client.do("DEBUG POPULATE 2000");
      await client.do("SAVE");
    });
    await server.stop();
    const file = readFileSync(join(server.dir, "dump.rdb"));
    const started = server.start(["key-load-delay 2000"]).catch(() => {});
    await using client = await whileLoading(server);
    await until(async () => (await field(client, "loading")) === "1");
    process.kill(server.pid, "SIGTERM");
    await client.closed;
    await started;
    expect(server.log).toContain("Received shutdown signal during loading, scheduling shutdown.");
    expect(readFileSync(join(server.dir, "dump.rdb")).equals(file)).toBe(true);
  });

  test("a damaged file refuses the start and stays as it is", async () => {
    await using server = await startServer({ directives: [NEVER] });
    await server.withClient(async (client) => {
      await fill(client);
      await client.do("SAVE");
    });
    await server.stop();
    const path = join(server.dir, "dump.rdb");
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 1] ^= 1;
    for (const [bytes, reason] of [
      [damaged, /RDB CRC error reading offset \d+: Wrong RDB checksum/],
      [whole.subarray(0, 1000), /reading offset \d+: Unexpected EOF/],
      [Buffer.from("nonsense that is long enough"), /reading offset 0: Wrong signature/],
      [Buffer.alloc(0), /reading offset 0: Unexpected EOF/],
    ] as const) {
      writeFileSync(path, bytes);
      const args = ["--port", "0", "--unixsocket", join(server.dir, "s"), "--dir", server.dir];
      const { exitCode, stdout } = await runToExit(args);
      expect(stdout).toMatch(reason);
      expect(stdout).toContain("Fatal error loading the DB, check server logs. Exiting.");
      expect(exitCode).toBe(1);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
  });

  test("save points are reached while the server runs", async () => {
    await using server = await startServer({ directives: ["save 1 2"] });
    await using client = await server.connect();
    await client.do("MSET a 1 b 2");
    await server.waitForLog(/2 changes in 1 seconds\. Saving\.\.\./);
    await server.waitForLog(/Background saving terminated with success/);
    expect(await field(client, "rdb_changes_since_last_save")).toBe("0");
  });

  test("what changes while it is being saved is not in it", async () => {
    await using server = await startServer({ directives: [NEVER, DEBUG] });
    let before = "";
    await server.withClient(async (client) => {
      await client.do("DEBUG POPULATE 500");
      await fill(client);
      before = await digest(client);
      await client.do("CONFIG SET rdb-key-save-delay 1000");
      await client.do("BGSAVE");
      for (let i = 0; i < 500; i += 2) {
        await client.pipeline([`SET key:${i} new`, `DEL key:${i + 1}`, `SET new:${i} 1`]);
      }
      await client.do("RPUSH list more");
      await client.do("DEL hash");
      await client.do("CONFIG SET rdb-key-save-delay 0");
      await until(() => isSaved(client));
    });
    await server.kill9();
    await server.start();
    await using client = await server.connect();
    expect(await digest(client)).toBe(before);
  });
});

describe("FLUSHALL", () => {
  test("aborts a save, and the server stays writable", async () => {
    await using server = await startServer({
      directives: [NEVER, DEBUG, "rdb-key-save-delay 1000"],
    });
    await using client = await server.connect();
    await client.do("DEBUG POPULATE 5000");
    await client.do("BGSAVE");
    expect(temporary(server)).toEqual([`temp-${server.pid}.rdb`]);
    await client.do("FLUSHALL");
    expect(await isSaved(client)).toBe(true);
    expect(temporary(server)).toEqual([]);
    expect(await client.value("SET x 1")).toBe("OK");
  });
});

describe("SHUTDOWN", () => {
  test.each([
    ["SHUTDOWN", RARELY, true],
    ["SHUTDOWN", NEVER, false],
    ["SHUTDOWN SAVE", NEVER, true],
    ["SHUTDOWN NOSAVE", RARELY, false],
    ["SHUTDOWN SAVE NOW FORCE", NEVER, true],
  ])("%s with %s", async (command, directive, saves) => {
    await using server = await startServer({ directives: [directive] });
    await using client = await server.connect();
    await client.do("SET a 1");
    client.begin(command);
    expect(await server.exited()).toBe(0);
    expect(readdirSync(server.dir).includes("dump.rdb")).toBe(saves);
    expect(server.log).toContain("User requested shutdown...");
    expect(server.log).toContain("Redis is now ready to exit, bye bye...");
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s goes by its directive", async (signal) => {
    for (const [words, saves] of [
      ["default", true],
      ["nosave", false],
      ["nosave now force", false],
    ] as const) {
      const directives = [RARELY, `shutdown-on-${signal.toLowerCase()} ${words}`];
      await using server = await startServer({ directives });
      await server.withClient((client) => client.do("SET a 1"));
      expect(await server.stop(signal)).toBe(0);
      expect(readdirSync(server.dir).includes("dump.rdb")).toBe(saves);
    }
  });

  test("serves nobody while it saves, and a second SIGINT ends it at once", async () => {
    await using server = await startServer({ directives: [RARELY, DEBUG] });
    await using client = await server.connect();
    await client.do("DEBUG POPULATE 20");
    await client.do("CONFIG SET rdb-key-save-delay 1000000");
    process.kill(server.pid, "SIGINT");
    await until(() => temporary(server).length > 0);
    let hasAnswered = false;
    void client.do("PING").then(
      () => (hasAnswered = true),
      () => {},
    );
    await Bun.sleep(100);
    expect(hasAnswered).toBe(false);
    process.kill(server.pid, "SIGINT");
    expect(await server.exited()).toBe(1);
    expect(server.log).toContain("You insist... exiting now.");
    expect(readdirSync(server.dir)).toEqual([]);
  });

  test("SHUTDOWN ABORT takes a signal back, before and while it saves", async () => {
    await using server = await startServer({ directives: [RARELY, DEBUG] });
    await using client = await server.connect();
    await using other = await server.connect();
    expect(await client.value("SHUTDOWN ABORT")).toMatchObject({
      message: "ERR No shutdown in progress.",
    });
    await client.do("DEBUG PAUSE-CRON 1");
    process.kill(server.pid, "SIGTERM");
    await server.waitForLog(/Received SIGTERM/);
    expect(await client.value("SHUTDOWN ABORT")).toBe("OK");
    await server.waitForLog(/Shutdown manually aborted\./);
    await client.do("DEBUG PAUSE-CRON 0");
    await client.do("DEBUG POPULATE 20");
    await client.do("CONFIG SET rdb-key-save-delay 1000000");
    const shutdown = client.value("SHUTDOWN");
    await until(() => temporary(server).length > 0);
    expect(await other.value("SHUTDOWN ABORT")).toBe("OK");
    expect(await shutdown).toMatchObject({
      message: "ERR Errors trying to SHUTDOWN. Check logs.",
    });
    expect(await client.value("SET a 1")).toBe("OK");
    expect(temporary(server)).toEqual([]);
  });

  test("goes on where it can't save, unless forced", async () => {
    await using server = await startServer({ directives: [RARELY] });
    await using client = await server.connect();
    await client.do("SET a 1");
    mkdirSync(join(server.dir, "dump.rdb"));
    const [before, refused, after] = await Promise.all([
      client.value("INCR a"),
      client.value("SHUTDOWN"),
      client.value("INCR a"),
    ]);
    expect(before).toBe(2);
    expect(refused).toMatchObject({ message: "ERR Errors trying to SHUTDOWN. Check logs." });
    expect(after).toBe(3);
    await server.waitForLog(/Error trying to save the DB, can't exit\./);
    process.kill(server.pid, "SIGTERM");
    await server.waitForLog(/Errors trying to shut down the server[^]*Errors trying to shut down/);
    expect(await client.value("INCR a")).toBe(4);
    client.begin("SHUTDOWN FORCE");
    expect(await server.exited()).toBe(0);
    expect(server.log).toContain("Error trying to save the DB. Exit anyway.");
  });

  test("ends a save that runs, and leaves nothing of it", async () => {
    await using server = await startServer({ directives: [NEVER, DEBUG] });
    await using client = await server.connect();
    await client.do("DEBUG POPULATE 20");
    await client.do("CONFIG SET rdb-key-save-delay 1000000");
    await client.do("BGSAVE");
    client.begin("SHUTDOWN");
    expect(await server.exited()).toBe(0);
    expect(readdirSync(server.dir)).toEqual([]);
  });

  test("clients that are blocked do not keep it", async () => {
    await using server = await startServer({ directives: [RARELY] });
    await using blocked = await server.connect();
    await using client = await server.connect();
    blocked.begin("BLPOP list 0");
    await until(async () =>
      textOf(await client.value("INFO clients")).includes("blocked_clients:1"),
    );
    client.begin("SHUTDOWN");
    expect(await server.exited()).toBe(0);
    await blocked.closed;
  });
});
