/**
 * A replica whose primary is redis-server: how it joins, what it applies, what it shows to its
 * clients, and how it goes on when the link breaks or the roles change.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { ReplyError, type ReplyValue, type RespClient } from "../support/resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";

setDefaultTimeout(60_000);

const oracle = findOracle();
const WAIT_MS = 20_000;
const PRIMARY = [
  'save ""',
  "repl-diskless-sync-delay 0",
  "enable-debug-command yes",
  // One that comes between two changes of roles would need a snapshot.
  "repl-ping-replica-period 3600",
];
const REPLICA = PRIMARY;

/** Waits until the test passes. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It never came to this: ${what}`);
    await Bun.sleep(10);
  }
}

function said(value: ReplyValue): string {
  if (typeof value !== "string") throw new Error("a text was expected");
  return value;
}

async function info(client: RespClient, section: string): Promise<Map<string, string>> {
  const lines = said(await client.value("INFO", section)).split("\r\n");
  return new Map(lines.map((line) => [line.split(":")[0], line.slice(line.indexOf(":") + 1)]));
}

/** Waits until `replica` has all that `primary` has. */
async function inSync(primary: RespClient, replica: RespClient): Promise<void> {
  await until("the data is the same", async () => {
    const role = (await replica.value("ROLE")) as string[];
    if (role[0] === "slave" && role[3] !== "connected") return false;
    return (await primary.value("DEBUG DIGEST")) === (await replica.value("DEBUG DIGEST"));
  });
}

/** The error that a command is refused with. */
async function refusal(client: RespClient, ...command: string[]): Promise<string> {
  const reply = await client.value(...command);
  if (!(reply instanceof ReplyError)) throw new Error(`${command.join(" ")} was not refused`);
  return reply.message;
}

async function fill(client: RespClient): Promise<void> {
  await client.pipeline([
    "SET string value",
    "SET number 12345",
    "RPUSH list a b c",
    "SADD set 1 2 3 x",
    "ZADD scores 1 one 2 two",
    "HSET hash f v g w",
    "XADD stream 1-1 f v",
    "SET passing value PX 10000000",
    "SELECT 9",
    "SET elsewhere value",
    "SELECT 0",
  ]);
}

interface Pair extends AsyncDisposable {
  readonly primary: ServerProcess;
  readonly replica: ServerProcess;
  readonly from: RespClient;
  readonly to: RespClient;
}

async function startPair(options: {
  readonly program: Program;
  readonly primary?: readonly string[];
  readonly replica?: readonly string[];
  readonly data?: boolean;
}): Promise<Pair> {
  const primary = await startServer({
    program: options.program,
    directives: [...PRIMARY, ...(options.primary ?? [])],
  });
  const from = await primary.connect();
  if (options.data !== false) await fill(from);
  const replica = await startServer({
    program: PEDIS,
    directives: [...REPLICA, `replicaof 127.0.0.1 ${primary.port}`, ...(options.replica ?? [])],
  });
  const to = await replica.connect();
  return {
    primary,
    replica,
    from,
    to,
    async [Symbol.asyncDispose]() {
      await replica[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
}

/** Without redis-server there is no primary to follow. */
const withOracle = describe.skipIf(oracle === null);
const program = oracle ?? PEDIS;

withOracle("a replica of redis-server", () => {
  for (const diskless of ["yes", "no"]) {
    test(`takes its data over, then its stream (repl-diskless-sync ${diskless})`, async () => {
      await using pair = await startPair({
        program,
        primary: [`repl-diskless-sync ${diskless}`],
      });
      const { from, to } = pair;
      await inSync(from, to);
      await from.pipeline([
        "APPEND string more",
        "INCR number",
        "LPOP list",
        "MULTI",
        "SELECT 3",
        "SET inside 1",
        "INCR inside",
        "EXEC",
        "LPUSH late 1",
        "SPOP set",
        "FLUSHALL",
        "SELECT 9",
        "SET again value",
      ]);
      await inSync(from, to);
      await to.do("SELECT 9");
      expect(await to.value("GET again")).toBe("value");
    });
  }

  for (const mode of ["disabled", "on-empty-db", "swapdb"]) {
    test(`has the primary's data and nothing else (repl-diskless-load ${mode})`, async () => {
      await using pair = await startPair({ program, replica: [`repl-diskless-load ${mode}`] });
      const { from, to, primary, replica } = pair;
      await inSync(from, to);
      await to.do("REPLICAOF NO ONE");
      await to.pipeline(["SET own value", "SELECT 12", "SET own value", "SELECT 0"]);
      await from.do("SET more value");
      await to.do("REPLICAOF", "127.0.0.1", primary.port);
      await inSync(from, to);
      await from.do("SET at end");
      await inSync(from, to);
      const expected = { disabled: 0, "on-empty-db": 1, swapdb: 2 }[mode] ?? Number.NaN;
      const streamed = (): number => replica.log.match(/with EOF to parser/g)?.length ?? 0;
      await until(`${expected} snapshots in the log`, async () => streamed() >= expected);
      expect(streamed()).toBe(expected);
    });
  }

  test("keeps what its primary has, though it is beyond maxmemory", async () => {
    await using pair = await startPair({ program, replica: ["maxmemory-policy allkeys-lru"] });
    const { from, to } = pair;
    await inSync(from, to);
    await to.do("CONFIG SET maxmemory 1");
    await from.do("SET", "large", "x".repeat(100_000));
    await inSync(from, to);
    expect((await info(to, "stats")).get("evicted_keys")).toBe("0");
    // Otherwise it evicts by itself, and the two differ.
    await to.do("CONFIG SET replica-ignore-maxmemory no");
    await from.do("SET one more");
    await until("something was evicted", async () => {
      return (await info(to, "stats")).get("evicted_keys") !== "0";
    });
  });

  test("goes on where it was after a restart", async () => {
    await using pair = await startPair({ program });
    const { from, to, replica } = pair;
    await from.pipeline(["SELECT 6", "SET k 0"]);
    await inSync(from, to);
    await from.do("INCR k");
    await inSync(from, to);
    await replica.restart(["save 3600 1"]);
    await from.do("INCR k");
    await using again = await replica.connect();
    await inSync(from, again);
    // From the file that the synchronisation has left.
    expect((await info(from, "stats")).get("sync_partial_ok")).toBe("1");
    await again.do("SAVE");
    await replica.restart(["save 3600 1"]);
    await from.do("INCR k");
    await using last = await replica.connect();
    await inSync(from, last);
    expect((await info(from, "stats")).get("sync_full")).toBe("1");
    expect((await info(from, "stats")).get("sync_partial_ok")).toBe("2");
  });

  test("tells how far it is, and that on demand", async () => {
    await using pair = await startPair({ program });
    const { from, to } = pair;
    await inSync(from, to);
    for (let i = 0; i < 20; i++) {
      await from.do("SET", "k", String(i));
      expect(await from.value("WAIT", "1", "5000")).toBe(1);
    }
    const lines = await info(from, "replication");
    const [, offset] = /offset=(\d+)/.exec(lines.get("slave0") ?? "") ?? [];
    expect(Number(lines.get("master_repl_offset")) - Number(offset)).toBeLessThan(100);
    const role = (await to.value("ROLE")) as unknown[];
    expect(role.slice(0, 4)).toEqual(["slave", "127.0.0.1", pair.primary.port, "connected"]);
  });

  test("goes on where it was when the link was cut, on either side", async () => {
    await using pair = await startPair({ program });
    const { from, to } = pair;
    await inSync(from, to);
    for (let i = 0; i < 5; i++) {
      await from.pipeline(["SELECT 4", "INCR counter", "CLIENT KILL TYPE replica", "INCR counter"]);
      await inSync(from, to);
      await from.do("RPUSH", "cuts", String(i));
      await to.do("CLIENT KILL TYPE master");
      await from.do("INCR counter");
      await inSync(from, to);
    }
    const stats = await info(from, "stats");
    expect(stats.get("sync_full")).toBe("1");
    expect(Number(stats.get("sync_partial_ok"))).toBe(10);
  });

  test("applies what is larger than a chunk, and a transaction in many chunks", async () => {
    await using pair = await startPair({ program, data: false });
    const { from, to } = pair;
    await inSync(from, to);
    const large = "x".repeat(3_000_000);
    await from.do("SET", "large", large);
    await from.do("MULTI");
    for (let i = 0; i < 2000; i++) from.begin("RPUSH", "list", `${i}:${"y".repeat(200)}`);
    for (let i = 0; i < 2000; i++) await from.next();
    await from.do("EXEC");
    await from.do("SET end here");
    await inSync(from, to);
    expect(await to.value("STRLEN large")).toBe(large.length);
    expect(await to.value("LLEN list")).toBe(2000);
    expect(await from.value("WAIT", "1", "5000")).toBe(1);
  });

  test("refuses writes of clients, unless it may take them", async () => {
    await using pair = await startPair({ program });
    const { from, to } = pair;
    await inSync(from, to);
    const readOnly = "READONLY You can't write against a read only replica.";
    expect(await refusal(to, "SET", "a", "b")).toBe(readOnly);
    expect(await refusal(to, "BLPOP", "nothing", "0")).toBe(readOnly);
    await to.do("MULTI");
    expect(await refusal(to, "SET", "a", "b")).toBe(readOnly);
    expect(await refusal(to, "EXEC")).toStartWith("EXECABORT");
    await to.do("CONFIG SET replica-read-only no");
    expect(await to.value("SET a b")).toBe("OK");
    expect(await from.value("EXISTS a")).toBe(0);
  });

  test("leaves expiry to its primary, and hides what has expired", async () => {
    await using pair = await startPair({ program, data: false });
    const { from, to } = pair;
    await from.do("DEBUG SET-ACTIVE-EXPIRE 0");
    await from.do("SET", "short", "value", "PX", "100000");
    await from.do("SET kept value");
    await inSync(from, to);
    expect(await to.value("GET short")).toBe("value");
    await from.do("PEXPIRE short 20");
    await until("it has expired", async () => (await to.value("GET short")) === null);
    expect(await to.value("EXISTS short")).toBe(0);
    expect(await to.value("DBSIZE")).toBe(2);
    // To what the primary sends, the key is still there.
    await from.do("CONFIG SET lazyfree-lazy-expire no");
    expect(await from.value("EXISTS short")).toBe(0);
    await until("the key is deleted", async () => (await to.value("DBSIZE")) === 1);
  });

  test("deletes by itself what its own clients gave an expiry to", async () => {
    await using pair = await startPair({ program, data: false, replica: ["replica-read-only no"] });
    const { from, to } = pair;
    await from.do("DEBUG SET-ACTIVE-EXPIRE 0");
    await from.do("SET", "theirs", "value", "PX", "100");
    await inSync(from, to);
    // In one turn, so that none of it is over before it is looked at.
    const replies = await to.pipeline([
      "SET own value PX 100",
      "SET lasting value",
      "PEXPIRE lasting 100",
      "DBSIZE",
      "INFO stats",
    ]);
    expect(replies[3].value).toBe(3);
    expect(replies[4].value).toContain("slave_expires_tracked_keys:2\r\n");
    await until("its own keys are gone", async () => (await to.value("DBSIZE")) === 1);
    expect(await to.value("GET theirs")).toBeNull();
    // What is expired is not in the way of a client that writes.
    await to.do("SET theirs anew");
    expect(await to.value("GET theirs")).toBe("anew");
    expect(await to.value("DBSIZE")).toBe(1);
  });

  test("shows nothing without its primary, where it is not to", async () => {
    await using pair = await startPair({ program, replica: ["replica-serve-stale-data no"] });
    const { primary, from, to } = pair;
    await inSync(from, to);
    expect(await to.value("GET string")).toBe("value");
    await primary.kill9();
    const down = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
    await until(
      "the link is down",
      async () => (await to.value("GET string")) instanceof ReplyError,
    );
    expect(await refusal(to, "GET", "string")).toBe(down);
    expect(await refusal(to, "SET", "a", "b")).toStartWith("READONLY");
    expect(await refusal(to, "PING")).toBe(down);
    expect((await info(to, "replication")).get("master_link_status")).toBe("down");
    expect(await to.value("CONFIG SET replica-serve-stale-data yes")).toBe("OK");
    expect(await to.value("GET string")).toBe("value");
    await to.do("CONFIG SET replica-serve-stale-data no");
    await to.do("REPLICAOF NO ONE");
    expect(await to.value("GET string")).toBe("value");
  });

  test("authenticates, as a user where it is told to", async () => {
    await using pair = await startPair({
      program,
      primary: ["requirepass secret"],
      data: false,
      replica: ["masterauth wrong"],
    });
    const { replica, to } = pair;
    const { from } = pair;
    await from.do("AUTH secret");
    await replica.waitForLog(/Unable to AUTH to MASTER: -WRONGPASS/);
    await to.do("CONFIG SET masterauth secret");
    await inSync(from, to);
    await from.do("ACL SETUSER copier on >other ~* +psync +replconf +ping");
    await to.do("CONFIG SET masteruser copier masterauth other");
    await to.do("CLIENT KILL TYPE master");
    await inSync(from, to);
    expect(await from.value("CLIENT LIST TYPE replica")).toContain("user=copier");
  });

  test("comes from the address that it is told to, where there is one", async () => {
    await using pair = await startPair({ program, data: false, primary: ["protected-mode no"] });
    const { primary, from, to } = pair;
    await inSync(from, to);
    for (const [source, seen] of [
      ["127.0.0.2", "127.0.0.2"],
      ["203.0.113.5", "127.0.0.1"],
    ]) {
      await to.do("REPLICAOF NO ONE");
      await to.do("CONFIG", "SET", "bind-source-addr", source);
      await to.do("REPLICAOF", "127.0.0.1", primary.port);
      await inSync(from, to);
      await until(`it comes from ${seen}`, async () => {
        return (await info(from, "replication")).get("slave0")?.startsWith(`ip=${seen},`) ?? false;
      });
    }
  });

  test("serves those who wait to read", async () => {
    await using pair = await startPair({ program });
    const { replica, from, to } = pair;
    await inSync(from, to);
    await using reader = await replica.connect();
    reader.begin("XREAD", "BLOCK", "0", "STREAMS", "stream", "$");
    await until("it waits", async () => (await info(to, "clients")).get("blocked_clients") === "1");
    await from.do("XADD stream 2-1 news told");
    expect(JSON.stringify((await reader.next()).value)).toContain("news");
  });

  test("waits with its primary's commands while its clients are paused", async () => {
    await using pair = await startPair({ program });
    const { from, to } = pair;
    await inSync(from, to);
    await to.do("CLIENT PAUSE 60000 WRITE");
    await from.do("SET string changed");
    await from.do("SET number 7");
    await Bun.sleep(100);
    expect(await to.value("GET string")).toBe("value");
    await to.do("CLIENT UNPAUSE");
    await inSync(from, to);
    expect(await to.value("GET number")).toBe("7");
  });
});

withOracle("roles", () => {
  test("REPLICAOF makes a replica, says so where it is one, and NO ONE ends it", async () => {
    await using pair = await startPair({ program });
    const { primary, replica, from, to } = pair;
    await inSync(from, to);
    const again = await to.value("REPLICAOF", "127.0.0.1", String(primary.port));
    expect(again).toBe("OK Already connected to specified master");
    expect(await refusal(to, "REPLICAOF", "127.0.0.1", "65536")).toBe("ERR Invalid master port");
    expect(await refusal(to, "SLAVEOF", "127.0.0.1", "x")).toBe("ERR Invalid master port");
    expect(await to.value("REPLICAOF no one")).toBe("OK");
    expect(await to.value("SET own value")).toBe("OK");
    expect(await to.value("CONFIG GET replicaof")).toEqual(["replicaof", ""]);
    expect(await to.value("SLAVEOF", "127.0.0.1", String(primary.port))).toBe("OK");
    await inSync(from, to);
    expect(await to.value("EXISTS own")).toBe(0);
    await replica.waitForLog(/MASTER MODE enabled \(user request from 'id=/);
    await replica.waitForLog(/:S .* MASTER <-> REPLICA sync: Finished with success/);
  });

  test("a replica that is promoted goes on with its primary's other replicas", async () => {
    await using pair = await startPair({ program });
    await using third = await startServer({
      program,
      directives: [...PRIMARY, `replicaof 127.0.0.1 ${pair.primary.port}`],
    });
    await using last = await third.connect();
    const { from, to, replica } = pair;
    await inSync(from, to);
    await inSync(from, last);
    await from.do("SET before promotion");
    await inSync(from, to);
    await inSync(from, last);
    await pair.primary.kill9();
    await to.do("REPLICAOF NO ONE");
    await last.do("REPLICAOF", "127.0.0.1", String(replica.port));
    await to.do("SET after promotion");
    await inSync(to, last);
    const stats = await info(to, "stats");
    expect(stats.get("sync_full")).toBe("0");
    expect(stats.get("sync_partial_ok")).toBe("1");
  });

  test("a primary that becomes a replica of its replica needs no snapshot", async () => {
    await using pair = await startPair({ program });
    const { from, to, primary, replica } = pair;
    await inSync(from, to);
    // There and back again.
    await to.do("REPLICAOF NO ONE");
    await from.do("REPLICAOF", "127.0.0.1", String(replica.port));
    await to.do("SET as primary");
    await inSync(to, from);
    await from.do("REPLICAOF NO ONE");
    await to.do("REPLICAOF", "127.0.0.1", String(primary.port));
    await from.do("SET as before");
    await inSync(from, to);
    expect((await info(from, "stats")).get("sync_full")).toBe("1");
    expect((await info(to, "stats")).get("sync_full")).toBe("0");
  });

  test("who waits for a key is let go when the server becomes a replica", async () => {
    await using pair = await startPair({ program, data: false });
    const { primary, replica, to } = pair;
    await to.do("REPLICAOF NO ONE");
    await using waiting = await replica.connect();
    waiting.begin("BLPOP", "list", "0");
    await until("it waits", async () => (await info(to, "clients")).get("blocked_clients") === "1");
    await to.do("REPLICAOF", "127.0.0.1", String(primary.port));
    const { value } = await waiting.next();
    expect(value).toBeInstanceOf(ReplyError);
    expect((value as ReplyError).message).toBe(
      "UNBLOCKED force unblock from blocking operation, " +
        "instance state changed (master -> replica?)",
    );
    await until("it is closed", async () => {
      return !said(await to.value("CLIENT LIST")).includes("cmd=blpop");
    });
  });

  test("CONFIG REWRITE keeps whose replica it is", async () => {
    await using pair = await startPair({ program, data: false });
    const { primary, replica, to } = pair;
    await Bun.write(`${replica.dir}/redis.conf`, `port ${replica.port}\nsave ""\n`);
    await using server = await startServer({
      program: { ...PEDIS, command: [...PEDIS.command, `${replica.dir}/redis.conf`] },
      directives: [],
    });
    await using client = await server.connect();
    await client.do("REPLICAOF", "127.0.0.1", String(primary.port));
    expect(await client.value("CONFIG REWRITE")).toBe("OK");
    const text = await Bun.file(`${replica.dir}/redis.conf`).text();
    expect(text).toContain(`replicaof 127.0.0.1 ${primary.port}`);
    await client.do("REPLICAOF NO ONE");
    await client.do("CONFIG REWRITE");
    expect(await Bun.file(`${replica.dir}/redis.conf`).text()).not.toContain("replicaof");
    await to.do("PING");
  });
});

withOracle("a chain", () => {
  for (const end of [program, PEDIS]) {
    test(`redis-server, a replica, and its replica (${end.name})`, async () => {
      await using pair = await startPair({ program });
      const { from, to, replica } = pair;
      await inSync(from, to);
      await using third = await startServer({
        program: end,
        directives: [...REPLICA, `replicaof 127.0.0.1 ${replica.port}`],
      });
      await using last = await third.connect();
      await inSync(from, last);
      await from.pipeline(["SELECT 5", "MULTI", "INCR a", "INCR b", "EXEC", "LPUSH l 1 2 3"]);
      await inSync(from, last);
      await to.do("CLIENT KILL TYPE replica");
      await from.do("INCR a");
      await inSync(from, last);
      await to.do("CLIENT KILL TYPE master");
      await from.do("INCR a");
      await inSync(from, last);
      expect((await info(to, "stats")).get("sync_full")).toBe("1");
      expect((await info(from, "stats")).get("sync_full")).toBe("1");
      await until("the offsets are the same", async () => {
        const offsets = [from, to, last].map(async (client) =>
          Number((await info(client, "replication")).get("master_repl_offset")),
        );
        const [first, second, final] = await Promise.all(offsets);
        return second === first && final === first;
      });
    });
  }

  test("another history above reaches the end of the chain", async () => {
    await using pair = await startPair({ program });
    const { from, to, replica } = pair;
    await inSync(from, to);
    await using third = await startServer({
      program: PEDIS,
      directives: [...REPLICA, `replicaof 127.0.0.1 ${replica.port}`],
    });
    await using last = await third.connect();
    await inSync(from, last);
    await using other = await startServer({ program, directives: PRIMARY });
    await using above = await other.connect();
    await above.do("SET other history");
    await to.do("REPLICAOF", "127.0.0.1", String(other.port));
    await inSync(above, to);
    await above.do("SET more history");
    await inSync(above, last);
  });
});
