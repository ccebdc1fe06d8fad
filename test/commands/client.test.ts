/** CLIENT and MONITOR: what they show, and what they do to other connections. */
import { expect, test } from "bun:test";
import { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";
import {
  clientFields,
  clientInfo,
  clientList,
  idOf,
  infoFields,
  makeIdle,
  textOf,
  until,
} from "./_texts.ts";

compare(
  "names, filters and their errors",
  `
  CLIENT GETNAME
  CLIENT SETNAME worker:1
  CLIENT GETNAME
  CLIENT SETNAME "a\\nb"
  CLIENT SETNAME "\\xff"
  CLIENT SETNAME
  CLIENT SETNAME a b
  CLIENT GETNAME
  CLIENT LIST TYPE
  CLIENT LIST TYPE nosuch
  CLIENT LIST TYPE master
  CLIENT LIST TYPE replica
  CLIENT LIST TYPE slave
  CLIENT LIST TYPE pubsub
  CLIENT LIST ID
  CLIENT LIST ID 123456 1234567
  CLIENT LIST ID 1 x
  CLIENT LIST ID -1
  CLIENT LIST NOSUCH 1
  CLIENT LIST TYPE normal ID 1
  CLIENT KILL
  CLIENT KILL 1.2.3.4:5
  CLIENT KILL ID
  CLIENT KILL ID 1 TYPE
  CLIENT KILL NOSUCH 1
  CLIENT KILL ID 9999999 SKIPME perhaps
  CLIENT KILL ID 9999999 SKIPME no
  CLIENT KILL TYPE master
  CLIENT KILL USER nobody
  CLIENT KILL USER default ADDR 1.2.3.4:5
  CLIENT KILL LADDR 1.2.3.4:5 SKIPME yes
  CLIENT INFO x
  CLIENT ID x
  CLIENT NOSUCH
  CLIENT PAUSE
  CLIENT PAUSE abc
  CLIENT PAUSE -1
  CLIENT PAUSE 10 SOME
  CLIENT PAUSE 10 WRITE x
  CLIENT PAUSE 99999999999999999999
  CLIENT UNPAUSE x
  CLIENT UNBLOCK
  CLIENT UNBLOCK 9999999
  CLIENT UNBLOCK 9999999 timeout
  CLIENT UNBLOCK 9999999 Error
  CLIENT UNBLOCK 9999999 NEVER
  CLIENT UNBLOCK 9999999 error x
  CLIENT UNBLOCK -1
  CLIENT UNBLOCK 0x1
  CLIENT UNBLOCK 9223372036854775807
  CLIENT UNBLOCK 9223372036854775808
  CLIENT UNBLOCK x NEVER
  CLIENT REPLY
  CLIENT REPLY MAYBE
  CLIENT REPLY ON
  CLIENT NO-EVICT
  CLIENT NO-EVICT on
  CLIENT NO-EVICT maybe
  CLIENT NO-EVICT OFF
  `,
);

compare(
  "HELLO",
  `
  HELLO 1
  HELLO 4
  HELLO two
  HELLO 99999999999999999999
  HELLO 2 AUTH default
  HELLO 2 AUTH default any SETNAME
  HELLO 2 AUTH nobody any
  HELLO 2 SETNAME "with space"
  HELLO 2 NOSUCH
  CLIENT GETNAME
  `,
);

transcript("HELLO's greeting", (t) => {
  const greets = (value: unknown) => {
    const fields = value instanceof Map ? [...value].flat() : (value as unknown[]);
    const names = fields.filter((_, index) => index % 2 === 0).join(" ");
    return names === "server version proto id mode role modules" && fields[1] === "redis";
  };
  t.do("HELLO").matching(greets);
  t.do("HELLO 2 AUTH default any SETNAME one").matching(greets);
  t.do("CLIENT GETNAME").is("one");
  t.do('HELLO 3 SETNAME ""').matching((value) => value instanceof Map && greets(value));
  t.do("CLIENT GETNAME").is(null);
});

transcript("what Redis 7.2 added", (t) => {
  const reason = "new in 7.2";
  t.do("CLIENT SETINFO LIB-NAME ioredis").is("OK").differsIn72(reason);
  t.do("CLIENT SETINFO lib-ver 6.0.0").is("OK").differsIn72(reason);
  t.do("CLIENT SETINFO NOSUCH x").error("ERR Unrecognized option 'NOSUCH'").differsIn72(reason);
  t.do('CLIENT SETINFO lib-name "a b"')
    .error("ERR lib-name cannot contain spaces, newlines or special characters.")
    .differsIn72(reason);
  t.do("CLIENT SETINFO LIB-NAME")
    .error("ERR wrong number of arguments for 'client|setinfo' command")
    .differsIn72(reason);
  t.do("CLIENT NO-TOUCH ON").is("OK").differsIn72(reason);
  t.do("CLIENT NO-TOUCH maybe").error("ERR syntax error").differsIn72(reason);
  t.do("CLIENT KILL ID 999999 MAXAGE 10").is(0).differsIn72("MAXAGE is 7.4's");
  t.do("CLIENT INFO").matching((line) => textOf(line).includes(" cmd=client|info "));
});

/** The fields of Redis 7.2, in its order. */
const FIELDS =
  "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem " +
  "rbs rbp obl oll omem tot-mem events cmd user redir resp lib-name lib-ver";

test("CLIENT INFO and CLIENT LIST have the fields of 7.2 with true values", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await using other = await server.connect();
  await client.value("HELLO 3 SETNAME one");
  await client.value("CLIENT SETINFO LIB-NAME lib");
  await client.value("CLIENT SETINFO LIB-VER 1.2");
  await client.value("SELECT 4");
  const id = await idOf(client);
  const info = textOf(await client.value("CLIENT INFO"));
  expect(info).toEndWith("\n");
  const mine = clientFields(info);
  expect(Object.keys(mine).join(" ")).toBe(FIELDS);
  expect(mine).toMatchObject({
    id: String(id),
    laddr: `127.0.0.1:${server.port}`,
    name: "one",
    flags: "N",
    db: "4",
    sub: "0",
    multi: "-1",
    qbuf: "26",
    "argv-mem": expect.stringMatching(/^[1-9]\d*$/) as string,
    cmd: "client|info",
    user: "default",
    redir: "-1",
    resp: "3",
    "lib-name": "lib",
    "lib-ver": "1.2",
  });
  expect(mine.addr).toMatch(/^127\.0\.0\.1:\d+$/);
  await other.value("GET k");
  const lines = await clientList(client);
  expect(lines.map((line) => line.cmd)).toEqual(["client|list", "get"]);
  expect(lines[1]).toMatchObject({ resp: "2", db: "0", qbuf: "0", name: "", "lib-name": "" });
  expect(await clientList(client, `ID ${id}`)).toHaveLength(1);
  expect(await clientList(client, `ID ${id} ${id} 777`)).toHaveLength(2);
  expect(await clientList(client, "TYPE normal")).toHaveLength(2);
  await other.value("MONITOR");
  await client.value("CLIENT NO-EVICT ON");
  await client.value("CLIENT NO-TOUCH ON");
  expect((await clientList(client)).map((line) => line.flags)).toEqual(["eT", "O"]);
});

test("RESET takes back what a connection has set", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await client.value("HELLO 3 SETNAME one");
  await client.value("SELECT 4");
  await client.value("CLIENT NO-EVICT ON");
  await client.value("CLIENT NO-TOUCH ON");
  await client.value("CLIENT SETINFO LIB-NAME lib");
  const id = await idOf(client);
  expect(await client.value("RESET")).toBe("RESET");
  const line = await clientInfo(client);
  expect(line).toMatchObject({ id: String(id), name: "", db: "0", resp: "2", flags: "N" });
  // What a library says of itself stays true.
  expect(line["lib-name"]).toBe("lib");
});

test("CLIENT KILL closes those that all filters name", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const address = async (of: RespClient) => (await clientInfo(of)).addr;
  const victims = await Promise.all([1, 2, 3, 4].map(() => server.connect()));
  const [byAddress, byId, byBoth, survivor] = victims as [RespClient, RespClient, ...RespClient[]];
  expect(await client.value(`CLIENT KILL ${await address(byAddress)}`)).toBe("OK");
  await byAddress.closed;
  expect(await client.value(`CLIENT KILL ID ${await idOf(byId)}`)).toBe(1);
  await byId.closed;
  const id = await idOf(byBoth);
  const other = await address(survivor);
  expect(await client.value(`CLIENT KILL ID ${id} ADDR ${other}`)).toBe(0);
  expect(await client.value(`CLIENT KILL ID ${id} USER default TYPE normal`)).toBe(1);
  await byBoth.closed;
  expect(await client.value("CLIENT KILL TYPE normal MAXAGE 3600")).toBe(0);
  expect(await survivor.value("PING")).toBe("PONG");
  expect(await client.value(`CLIENT KILL LADDR 127.0.0.1:${server.port}`)).toBe(1);
  await survivor.closed;
  const mine = await idOf(client);
  expect(await client.value(`CLIENT KILL ID ${mine}`)).toBe(0);
  // The reply still comes, then the end.
  expect(await client.value(`CLIENT KILL ID ${mine} SKIPME no`)).toBe(1);
  await client.closed;
});

test("a connection that kills itself in the old form gets its OK", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const { addr } = await clientInfo(client);
  expect(await client.value(`CLIENT KILL ${addr}`)).toBe("OK");
  await client.closed;
});

test("QUIT answers, and nothing behind it runs", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await using watcher = await server.connect();
  client.send("SET k 1\r\nQUIT\r\nSET k 2\r\n");
  expect((await client.next()).value).toBe("OK");
  expect((await client.next()).value).toBe("OK");
  await client.closed;
  expect(await watcher.value("GET k")).toBe("1");
});

transcript("CLIENT REPLY", (t) => {
  t.send("CLIENT REPLY SKIP\r\nSET k 1\r\nINCR k\r\n");
  t.reply().is(2);
  t.send("CLIENT REPLY OFF\r\nINCR k\r\nNOSUCH\r\nCLIENT REPLY SKIP\r\nINCR k\r\n");
  t.do("CLIENT REPLY ON").is("OK");
  t.do("GET k").is("4");
  t.send("CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nGET k\r\n");
  t.reply().is("OK");
  t.reply().is("4");
});

test("CLIENT PAUSE lets commands wait until its end", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await using writer = await server.connect();
  expect(await client.value("CLIENT PAUSE 100000 WRITE")).toBe("OK");
  const write = writer.do("SET k v");
  expect(await client.value("GET k")).toBeNull();
  await until(async () => (await infoFields(client, "clients"))["blocked_clients"] === "1");
  expect((await clientList(client)).map((line) => line.flags)).toEqual(["N", "b"]);
  // A pause that is running is not shortened.
  expect(await client.value("CLIENT PAUSE 1 WRITE")).toBe("OK");
  await Bun.sleep(200);
  expect(await client.value("GET k")).toBeNull();
  expect(await client.value("CLIENT UNPAUSE")).toBe("OK");
  expect((await write).value).toBe("OK");
  expect((await infoFields(client, "clients")).blocked_clients).toBe("0");

  const startedMs = Date.now();
  expect(await client.value("CLIENT PAUSE 300 ALL")).toBe("OK");
  const replies = await writer.pipeline(["SET k w", "GET k", "PING"]);
  expect(replies.map(({ value }) => value)).toEqual(["OK", "w", "PONG"]);
  const tookMs = Date.now() - startedMs;
  expect(tookMs).toBeGreaterThanOrEqual(290);
  // Not for seconds, nor for as long as nobody ends it.
  expect(tookMs).toBeLessThan(30_000);
});

test("during CLIENT PAUSE expired keys stay, unseen", async () => {
  await using server = await startServer({ directives: ["enable-debug-command yes"] });
  await using client = await server.connect();
  await client.value("DEBUG SET-ACTIVE-EXPIRE 0");
  await client.value("SET k v PX 50");
  await client.value("CLIENT PAUSE 100000 WRITE");
  await client.value("DEBUG SET-ACTIVE-EXPIRE 1");
  await Bun.sleep(300);
  expect(await client.value("GET k")).toBeNull();
  expect(await client.value("DBSIZE")).toBe(1);
  expect((await infoFields(client, "stats")).expired_keys).toBe("0");
  await client.value("CLIENT UNPAUSE");
  await until(async () => (await client.value("DBSIZE")) === 0);
  expect((await infoFields(client, "stats")).expired_keys).toBe("1");
});

test("CLIENT NO-TOUCH leaves the access clock alone, but for TOUCH", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await client.value("SET k v");
  await makeIdle(client, "k", 1000);
  await client.value("CLIENT NO-TOUCH ON");
  await client.value("GET k");
  await client.value("STRLEN k");
  expect(await client.value("OBJECT IDLETIME k")).toBeGreaterThanOrEqual(1000);
  expect(await client.value("TOUCH k")).toBe(1);
  expect(await client.value("OBJECT IDLETIME k")).toBeLessThan(100);
});

transcript("MONITOR", (t) => {
  const line = (pattern: RegExp) => (value: unknown) =>
    pattern.test(textOf(value).replace(/^\d+\.\d{6} \[(\d+) 127\.0\.0\.1:\d+\]/, "[$1]"));
  const watcher = t.on("watcher");
  t.do("PING").is("PONG");
  watcher.do("MONITOR").is("OK");
  t.do('SET k "a\\x00\\n\\"b"').is("OK");
  watcher.reply().matching(line(/^\[0\] "SET" "k" "a\\x00\\n\\"b"$/));
  t.do("NOSUCH x").matching(() => true);
  t.do("GET").matching(() => true);
  t.do("INCR k").matching(() => true);
  watcher.reply().matching(line(/^\[0\] "INCR" "k"$/));
  t.do("CONFIG GET maxmemory").matching(() => true);
  t.do("SELECT 7").is("OK");
  watcher.reply().matching(line(/^\[7\] "SELECT" "7"$/));
  t.do("AUTH secret").matching(() => true);
  watcher.reply().matching(line(/^\[7\] "AUTH" "\(redacted\)"$/));
  t.do("AUTH user secret").matching(() => true);
  watcher.reply().matching(line(/^\[7\] "AUTH" "\(redacted\)" "\(redacted\)"$/));
  t.do("HELLO 2 SETNAME n AUTH user secret").matching(() => true);
  watcher
    .reply()
    .matching(line(/^\[7\] "HELLO" "2" "SETNAME" "n" "AUTH" "\(redacted\)" "\(redacted\)"$/));
  t.do("CLIENT SETNAME n").is("OK");
  watcher.reply().matching(line(/^\[7\] "CLIENT" "SETNAME" "n"$/));
});

test("MONITOR shows a unix socket's clients by its path, and ends with RESET", async () => {
  const path = `/tmp/pedis-monitor-${process.pid}.sock`;
  await using server = await startServer({ directives: [`unixsocket ${path}`] });
  await using watcher = await server.connect();
  await using client = await RespClient.connect({ path });
  await watcher.value("MONITOR");
  await client.value("ECHO x");
  expect((await watcher.next()).value).toMatch(
    new RegExp(`^\\d+\\.\\d{6} \\[0 unix:${path}\\] "ECHO" "x"$`),
  );
  expect(await clientInfo(client)).toMatchObject({
    addr: `${path}:0`,
    laddr: `${path}:0`,
    flags: "U",
  });
  await watcher.next();
  expect(await watcher.text("GET k")).toBe("(error) ERR Replica can't interact with the keyspace");
  expect(await watcher.value("RESET")).toBe("RESET");
  await client.value("ECHO y");
  expect(await watcher.value("GET k")).toBeNull();
});

test("a password guards everything but AUTH, HELLO, QUIT and RESET", async () => {
  await using server = await startServer({ directives: ["requirepass secret"] });
  await using client = await server.connect();
  const noAuth = "(error) NOAUTH Authentication required.";
  expect(await client.text("PING")).toBe(noAuth);
  expect(await client.text("CLIENT INFO")).toBe(noAuth);
  expect(await client.text("NOSUCH")).toContain("unknown command");
  expect(await client.text("HELLO 3")).toContain("NOAUTH HELLO must be called");
  expect(await client.text("HELLO 3 AUTH default wrong")).toContain("WRONGPASS");
  expect(await client.value("RESET")).toBe("RESET");
  const greeting = await client.value("HELLO 3 AUTH default secret SETNAME me");
  expect(greeting).toBeInstanceOf(Map);
  expect(await client.value("CLIENT GETNAME")).toBe("me");
  expect(await client.text("AUTH wrong")).toContain("WRONGPASS");
  expect(await client.value("PING")).toBe("PONG");
  expect((await infoFields(client, "stats")).acl_access_denied_auth).toBe("2");
  await client.value("CONFIG SET requirepass changed");
  expect(await client.value("PING")).toBe("PONG");
  await using late = await server.connect();
  expect(await late.text("AUTH secret")).toContain("WRONGPASS");
  expect(await late.value("AUTH changed")).toBe("OK");
});

transcript("CLIENT UNBLOCK of a client that is not blocked", (t) => {
  const other = t.on("@other").do("CLIENT ID").likeInteger();
  t.do(() => ["CLIENT", "UNBLOCK", JSON.stringify(other.value)]).is(0);
  t.do(() => ["CLIENT", "UNBLOCK", JSON.stringify(other.value), "ERROR"]).is(0);
  t.on("@other").do("PING").is("PONG");
});
