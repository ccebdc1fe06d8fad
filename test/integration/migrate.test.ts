/** MIGRATE against a target that says and does what each test needs. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import {
  type Answer,
  CLOSE,
  ScriptedTarget,
  SILENCE,
  type TargetRequest,
} from "../support/scripted-target.ts";
import { freePort, type ServerProcess, startServer } from "../support/server.ts";

setDefaultTimeout(60_000);

const TIMEOUT = "IOERR error or timeout reading to target instance";
const LONG = "a value of some length, so that it is more than twelve bytes";

interface Scene extends AsyncDisposable {
  readonly server: ServerProcess;
  readonly target: ScriptedTarget;
  readonly client: RespClient;
  /** Runs MIGRATE to the target; `rest` begins with the key. */
  readonly migrate: (rest: string) => Promise<unknown>;
}

async function setUp(
  answer?: (request: TargetRequest) => Answer,
  directives: readonly string[] = [],
): Promise<Scene> {
  const target = new ScriptedTarget(answer);
  const server = await startServer({ directives: ['save ""', ...directives] });
  const client = await server.connect();
  return {
    server,
    target,
    client,
    migrate: (rest) => client.value(`MIGRATE 127.0.0.1 ${target.port} ${rest}`),
    async [Symbol.asyncDispose]() {
      await client.close();
      await server[Symbol.asyncDispose]();
      target[Symbol.dispose]();
    },
  };
}

/** The request lines of the append-only file. */
function fileOf(server: ServerProcess): string[] {
  const dir = join(server.dir, "appendonlydir");
  const name = readdirSync(dir).find((file) => file.endsWith(".incr.aof"));
  const words = readFileSync(join(dir, name ?? ""), "latin1").split("\r\n");
  const lines: string[] = [];
  for (let at = 0; words[at]?.startsWith("*");) {
    const count = Number(words[at].slice(1));
    lines.push(Array.from({ length: count }, (_, i) => words[at + 2 + 2 * i]).join(" "));
    at += 1 + 2 * count;
  }
  return lines;
}

const error = (message: string): ReplyError => new ReplyError(message);

describe("what the target is sent", () => {
  test("AUTH, SELECT, then a RESTORE for each key with what is left of its time", async () => {
    await using scene = await setUp();
    const { client, target, migrate } = scene;
    await client.do(`MSET a ${LONG.slice(0, 30).replaceAll(" ", "_")} b 1 c 2`);
    await client.do("PEXPIRE b 100000");
    expect(await migrate('"" 9 10000 AUTH secret KEYS a none b')).toBe("OK");
    expect(target.requests.slice(0, 3)).toEqual(["AUTH secret", "SELECT 9", "RESTORE a 0 …"]);
    const [, , ttl] = target.requests[3].split(" ");
    expect(Number(ttl)).toBeWithin(90_000, 100_001);
    expect(await client.value("KEYS *")).toEqual(["c"]);
  });

  test("a user with the password, and REPLACE", async () => {
    await using scene = await setUp();
    await scene.client.do("SET a 1");
    expect(await scene.migrate("a 0 10000 REPLACE AUTH2 user secret")).toBe("OK");
    expect(scene.target.requests).toEqual([
      "AUTH user secret",
      "SELECT 0",
      "RESTORE a 0 … REPLACE",
    ]);
  });

  test("a connection is kept, with the database that is selected there", async () => {
    await using scene = await setUp();
    const { client, target, migrate } = scene;
    await client.do("MSET a 1 b 2 c 3 d 4");
    expect(await client.text("INFO stats")).toContain("migrate_cached_sockets:0");
    expect(await migrate("a 3 10000")).toBe("OK");
    expect(await client.text("INFO stats")).toContain("migrate_cached_sockets:1");
    expect(await migrate("b 3 10000 COPY")).toBe("OK");
    expect(await migrate("b 3 10000")).toBe("OK");
    expect(await migrate("c 4 10000")).toBe("OK");
    expect(target.connections).toBe(1);
    expect(target.requests.map((request) => request.split(" ").slice(0, 2).join(" "))).toEqual([
      "SELECT 3",
      "RESTORE a",
      "RESTORE b",
      "RESTORE b",
      "SELECT 4",
      "RESTORE c",
    ]);
    expect(await client.value("KEYS *")).toEqual(["d"]);
  });

  test("no connection is kept that the target has closed", async () => {
    await using scene = await setUp();
    await scene.client.do("MSET a 1 b 2");
    expect(await scene.migrate("a 3 10000")).toBe("OK");
    scene.target.hangUp();
    while ((await scene.client.text("INFO stats")).includes("cached_sockets:1")) await Bun.sleep(1);
    expect(await scene.migrate("b 3 10000")).toBe("OK");
    expect(scene.target.connections).toBe(2);
  });

  test("nothing, where there is no such key", async () => {
    await using scene = await setUp();
    expect(await scene.migrate("a 3 10000")).toBe("NOKEY");
    expect(await scene.migrate('"" 3 10000 KEYS a b')).toBe("NOKEY");
    expect(await scene.migrate('"" 3 10000')).toBe("NOKEY");
    expect(scene.target.connections).toBe(0);
  });
});

describe("what the target refuses", () => {
  test("stays, and the first error is told; the rest has gone", async () => {
    await using scene = await setUp(
      ({ args }) => (["b", "d"].includes(args[1]) ? `-BUSYKEY ${args[1]} is there` : "+OK"),
      ["appendonly yes"],
    );
    const { client, server, migrate } = scene;
    await client.do("MSET a 1 b 2 c 3 d 4 e 5");
    await client.do("CONFIG SET notify-keyspace-events Kg");
    await using listener = await server.connect();
    await listener.do("PSUBSCRIBE *");
    expect(await migrate('"" 3 10000 KEYS a b c d e')).toEqual(
      error("ERR Target instance replied with error: BUSYKEY b is there"),
    );
    expect((await client.value("KEYS *")) as string[]).toEqual(
      expect.arrayContaining(["b", "d"]) as unknown as string[],
    );
    expect(await client.value("DBSIZE")).toBe(2);
    // What was confirmed together is deleted together, however often that is.
    const deleted = fileOf(server)
      .filter((line) => line.startsWith("DEL "))
      .flatMap((line) => line.split(" ").slice(1));
    expect(deleted).toEqual(["a", "c", "e"]);
    for (const key of deleted) {
      const event = await listener.next();
      expect(event.value).toEqual(["pmessage", "*", `__keyspace@0__:${key}`, "del"]);
    }
  });

  test.each(["AUTH", "SELECT"])("where it refuses %s it is sent no key", async (refused) => {
    await using scene = await setUp(({ name }) => (name === refused ? "-ERR no" : "+OK"));
    await scene.client.do("SET a 1");
    const told = error("ERR Target instance replied with error: ERR no");
    expect(await scene.migrate("a 3 10000 AUTH secret")).toEqual(told);
    expect(scene.target.requests).toEqual(["AUTH secret", "SELECT 3"]);
    expect(await scene.client.value("GET a")).toBe("1");
    // The connection is fit for more.
    expect(await scene.migrate("a 3 10000 AUTH secret")).toEqual(told);
    expect(scene.target.connections).toBe(1);
  });
});

describe("a target that fails", () => {
  test("nobody listens", async () => {
    await using scene = await setUp();
    const port = await freePort();
    await scene.client.do("SET a 1");
    for (const [place, told] of [
      [`127.0.0.1 ${port}`, "writing to target instance"],
      ["127.0.0.1 notaport", "writing to target instance"],
      ["127.0.0.1 99999", "connecting to the client"],
      ["no.such.host.invalid 1", "connecting to the client"],
    ]) {
      expect(await scene.client.value(`MIGRATE ${place} a 0 15000`)).toEqual(
        error(`IOERR error or timeout ${told}`),
      );
    }
    expect(await scene.client.value("GET a")).toBe("1");
    expect(await scene.client.value("SET a 2")).toBe("OK");
  });

  test("it closes before it has confirmed anything: once more", async () => {
    await using scene = await setUp(({ name, connection }) =>
      name === "RESTORE" && connection === 1 ? CLOSE : "+OK",
    );
    await scene.client.do("SET a 1");
    expect(await scene.migrate("a 0 10000")).toBe("OK");
    expect(scene.target.requests).toEqual([
      "SELECT 0",
      "RESTORE a 0 …",
      "SELECT 0",
      "RESTORE a 0 …",
    ]);
    expect(await scene.client.value("DBSIZE")).toBe(0);
  });

  test("but not a third time", async () => {
    await using scene = await setUp(() => CLOSE);
    await scene.client.do("SET a 1");
    expect(await scene.migrate("a 0 10000")).toEqual(error(TIMEOUT));
    expect(scene.target.connections).toBe(2);
    expect(await scene.client.value("GET a")).toBe("1");
  });

  test("it closes in the middle: what it has confirmed is gone, the rest stays", async () => {
    await using scene = await setUp(
      ({ args }) => (args[1] === "c" ? CLOSE : "+OK"),
      ["appendonly yes"],
    );
    const { client, server, target } = scene;
    await client.do("MSET a 1 b 2 c 3 d 4");
    expect(await scene.migrate('"" 0 10000 KEYS a b c d')).toEqual(error(TIMEOUT));
    expect(target.connections).toBe(1);
    expect(await client.value("MGET a b c d")).toEqual([null, null, "3", "4"]);
    const deleted = fileOf(server).filter((line) => line.startsWith("DEL "));
    expect(deleted.join(" ").replaceAll("DEL ", "")).toBe("a b");
  });

  test("it says nothing: the time is up", async () => {
    await using scene = await setUp(() => SILENCE);
    await scene.client.do("SET a 1");
    const startedMs = performance.now();
    expect(await scene.migrate("a 0 150")).toEqual(error(TIMEOUT));
    expect(performance.now() - startedMs).toBeWithin(149, 10_000);
    // A second connection would have been as silent.
    expect(scene.target.connections).toBe(1);
    expect(await scene.client.text("INFO stats")).toContain("migrate_cached_sockets:0");
    expect(await scene.client.value("SET a 2")).toBe("OK");
  });

  test("the time begins anew with whatever comes", async () => {
    await using scene = await setUp(({ name }) => (name === "SELECT" ? "+OK" : SILENCE));
    await scene.client.do("MSET a 1 b 2 c 3 d 4");
    const startedMs = performance.now();
    const migrated = scene.migrate('"" 0 1500 KEYS a b c d');
    await scene.target.until(5);
    for (let i = 0; i < 4; i++) {
      await Bun.sleep(400);
      scene.target.say("+OK");
    }
    expect(await migrated).toBe("OK");
    expect(performance.now() - startedMs).toBeGreaterThan(1500);
  });

  test("it does not read", async () => {
    using listener = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          socket.write("+OK\r\n");
          socket.pause();
        },
      },
    });
    await using server = await startServer({ directives: ['save ""', "rdbcompression no"] });
    await using client = await server.connect();
    await client.do(`SETRANGE a ${(40 << 20) - 1} x`);
    expect(await client.value(`MIGRATE 127.0.0.1 ${listener.port} a 0 800`)).toEqual(
      error("IOERR error or timeout writing to target instance"),
    );
    expect(await client.value("STRLEN a")).toBe(40 << 20);
    listener.stop(true);
  });
});

describe("while it runs", () => {
  /** A target that keeps the MIGRATE of key `a` waiting until it says so. */
  async function waiting(directives: readonly string[] = []): Promise<Scene> {
    const scene = await setUp(({ name }) => (name === "SELECT" ? "+OK" : SILENCE), directives);
    await scene.client.do("SET a 1");
    return scene;
  }

  test("others read, and whoever writes waits for its end", async () => {
    await using scene = await waiting();
    const { server, target } = scene;
    await using reader = await server.connect();
    await using writer = await server.connect();
    const migrated = scene.migrate("a 0 15000");
    await target.until(2);
    expect(await reader.value("GET a")).toBe("1");
    writer.begin("APPEND a x");
    const transaction = reader.pipeline(["MULTI", "APPEND a y", "EXEC"]);
    await Bun.sleep(50);
    expect(writer.unasked).toEqual([]);
    target.say("+OK");
    expect(await migrated).toBe("OK");
    // The key had gone before the first of them wrote, whichever that was.
    const lengths = [(await writer.next()).value, (await transaction)[2].value];
    expect(JSON.stringify(lengths)).toBeOneOf(["[1,[2]]", "[2,[1]]"]);
    expect(await reader.value("GET a")).toBeOneOf(["xy", "yx"]);
  });

  test("CLIENT UNPAUSE does not end that, nor does CLIENT PAUSE", async () => {
    await using scene = await waiting();
    await using other = await scene.server.connect();
    await using writer = await scene.server.connect();
    const migrated = scene.migrate("a 0 15000");
    await scene.target.until(2);
    writer.begin("SET b 1");
    expect(await other.value("CLIENT PAUSE 1 WRITE")).toBe("OK");
    await Bun.sleep(250);
    expect(await other.value("CLIENT UNPAUSE")).toBe("OK");
    await Bun.sleep(50);
    expect(writer.unasked).toEqual([]);
    scene.target.say("+OK");
    expect(await migrated).toBe("OK");
    expect((await writer.next()).value).toBe("OK");
  });

  test("CLIENT PAUSE goes on after it", async () => {
    await using scene = await waiting();
    await using other = await scene.server.connect();
    await using writer = await scene.server.connect();
    const migrated = scene.migrate("a 0 15000");
    await scene.target.until(2);
    expect(await other.value("CLIENT PAUSE 60000 WRITE")).toBe("OK");
    writer.begin("SET b 1");
    scene.target.say("+OK");
    expect(await migrated).toBe("OK");
    await Bun.sleep(50);
    expect(writer.unasked).toEqual([]);
    await other.do("CLIENT UNPAUSE");
    expect((await writer.next()).value).toBe("OK");
  });

  test("one follows the other, in the order in which they came", async () => {
    await using scene = await waiting();
    const { server, target, client } = scene;
    await client.do("MSET b 2 c 3");
    await using second = await server.connect();
    await using third = await server.connect();
    await using observer = await server.connect();
    const migrated = [scene.migrate("a 0 15000")];
    await target.until(2);
    const id = Number(await second.value("CLIENT ID"));
    migrated.push(second.value(`MIGRATE 127.0.0.1 ${target.port} b 0 5000`));
    while (!(await observer.text(`CLIENT LIST ID ${id}`)).includes("cmd=migrate ")) {
      await Bun.sleep(5);
    }
    migrated.push(third.value(`MIGRATE 127.0.0.1 ${target.port} c 0 5000`));
    for (const count of [2, 3, 4]) {
      await target.until(count);
      await Bun.sleep(20);
      expect(target.requests.length).toBe(count);
      target.say("+OK");
    }
    expect(await Promise.all(migrated)).toEqual(["OK", "OK", "OK"]);
    expect(target.requests.slice(1)).toEqual(["RESTORE a 0 …", "RESTORE b 0 …", "RESTORE c 0 …"]);
  });

  test("a key that expires meanwhile is gone in the end", async () => {
    await using scene = await waiting(["appendonly yes"]);
    await using reader = await scene.server.connect();
    await scene.client.do("PEXPIRE a 1500");
    const migrated = scene.migrate("a 0 15000");
    await scene.target.until(2);
    while ((await reader.value("GET a")) !== null) await Bun.sleep(10);
    expect(await reader.value("DBSIZE")).toBe(1);
    scene.target.say("+OK");
    expect(await migrated).toBe("OK");
    expect(await reader.value("DBSIZE")).toBe(0);
    expect(fileOf(scene.server).at(-1)).toBe("DEL a");
  });

  test("the client's next requests wait, and a client that sends no more is answered", async () => {
    await using scene = await waiting();
    const { client, target } = scene;
    client.send(`MIGRATE 127.0.0.1 ${target.port} a 0 5000\r\nEXISTS a\r\nPING\r\n`);
    client.halfClose();
    await target.until(2);
    await Bun.sleep(20);
    expect(client.unasked).toEqual([]);
    target.say("+OK");
    expect((await client.next()).value).toBe("OK");
    expect((await client.next()).value).toBe(0);
    expect((await client.next()).value).toBe("PONG");
    await client.closed;
  });

  test("it is shown once, counted once, and can't be unblocked", async () => {
    await using scene = await waiting();
    const { client, server, target } = scene;
    await using other = await server.connect();
    await using monitor = await server.connect();
    await monitor.do("MONITOR");
    const id = Number(await client.value("CLIENT ID"));
    const migrated = scene.migrate("a 0 15000 AUTH secret");
    await target.until(1);
    target.say("+OK");
    await target.until(3);
    expect(await other.value(`CLIENT UNBLOCK ${id}`)).toBe(0);
    expect(await other.text("INFO clients")).toContain("blocked_clients:0");
    expect(await other.text(`CLIENT LIST ID ${id}`)).toContain(" flags=b ");
    expect(await other.text("INFO commandstats")).not.toContain("cmdstat_migrate");
    target.say("+OK");
    expect(await migrated).toBe("OK");
    expect(await other.text("INFO commandstats")).toMatch(/cmdstat_migrate:calls=1,.*calls=0/);
    await client.do("ECHO over");
    const lines: string[] = [];
    while (!lines.some((line) => line.includes("over"))) {
      const { value } = await monitor.next();
      if (typeof value === "string") lines.push(value);
    }
    const shown = lines.filter((line) => line.includes('"MIGRATE"'));
    expect(shown.length).toBe(1);
    expect(shown[0]).toContain('"AUTH" "(redacted)"');
  });

  test.each(["killed", "gone"])("a client that is %s: the key leaves all the same", async (how) => {
    await using scene = await waiting();
    const { client, server, target } = scene;
    await using other = await server.connect();
    const id = Number(await client.value("CLIENT ID"));
    client.begin(`MIGRATE 127.0.0.1 ${target.port} a 0 5000`);
    await target.until(2);
    if (how === "killed") expect(await other.value(`CLIENT KILL ID ${id}`)).toBe(1);
    else await client.close();
    other.begin("SET b 1");
    await Bun.sleep(20);
    expect(other.unasked).toEqual([]);
    target.say("+OK");
    expect((await other.next()).value).toBe("OK");
    expect(await other.value("KEYS *")).toEqual(["b"]);
  });
});

describe("what it can't do", () => {
  test("wait within a transaction", async () => {
    await using scene = await setUp();
    const { client, target } = scene;
    await client.do("SET a 1");
    const migrate = `MIGRATE 127.0.0.1 ${target.port} a 0 1000`;
    const replies = await client.pipeline(["MULTI", migrate, "SET b 1", "EXEC"]);
    expect(replies[3].value).toEqual([
      error("ERR MIGRATE is not possible within a transaction or a script"),
      "OK",
    ]);
    expect(target.connections).toBe(0);
    expect(await client.value("GET a")).toBe("1");
  });

  test("a key is named in one place only", async () => {
    await using scene = await setUp();
    expect(await scene.migrate("a 0 10000 KEYS a")).toEqual(
      error("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"),
    );
  });
});

test("a large value, and many small ones", async () => {
  await using scene = await setUp();
  const { client, target, migrate } = scene;
  await client.do(`SETRANGE large ${(20 << 20) - 1} x`);
  expect(await migrate("large 0 10000")).toBe("OK");
  expect(await client.value("EXISTS large")).toBe(0);
  const keys = Array.from({ length: 20_000 }, (_, i) => `key:${i}`);
  await client.do("MSET", ...keys.flatMap((key) => [key, `${key}:${LONG}`]));
  expect(
    await client.value("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", ...keys),
  ).toBe("OK");
  expect(await client.value("DBSIZE")).toBe(0);
  expect(target.requests.slice(2)).toEqual(keys.map((key) => `RESTORE ${key} 0 …`));
});
