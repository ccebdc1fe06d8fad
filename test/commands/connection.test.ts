/** Connection and server commands, compared with redis-server. */
import { expect, test } from "bun:test";
import { compare, transcript } from "../support/transcript.ts";
import { startServer } from "../support/server.ts";

compare(
  "PING ECHO SELECT",
  `
  PING
  PING hello
  PING a b
  ECHO x
  ECHO
  ECHO a b
  NOSUCH
  NOSUCH a b c
  GET|X a
  CLIENT
  CLIENT NOSUCH
  CLIENT ID extra
  CONFIG
  CONFIG NOSUCH a
  CONFIG GET
  AUTH x
  AUTH a b
  AUTH default b
  AUTH a b c
  HELLO 9
  HELLO x
  HELLO 2 BOGUS
  HELLO 2 SETNAME
  HELLO 2 SETNAME "a b"
  CLIENT GETNAME
  CLIENT SETNAME joe
  CLIENT GETNAME
  CLIENT SETNAME "a b"
  CLIENT SETNAME ""
  CLIENT GETNAME
  CLIENT KILL nobody:1
  CLIENT KILL ID x
  CLIENT KILL ID 0
  CLIENT KILL ID 99999
  CLIENT KILL TYPE bogus
  CLIENT KILL SKIPME maybe
  CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:6
  CLIENT KILL USER nosuch
  CLIENT LIST TYPE bogus
  CLIENT LIST ID x
  CLIENT LIST ID 99999
  CLIENT LIST BOGUS
  CLIENT PAUSE x
  CLIENT PAUSE -1
  CLIENT PAUSE 1 BOGUS
  CLIENT UNPAUSE
  CLIENT REPLY BOGUS
  CLIENT NO-EVICT on
  CLIENT NO-EVICT bogus
  CLIENT NO-EVICT off
  RESET
  `,
);

compare(
  "SLOWLOG LATENCY MEMORY COMMAND",
  `
  CONFIG SET slowlog-log-slower-than -1
  SLOWLOG RESET
  SLOWLOG LEN
  SLOWLOG GET
  SLOWLOG GET -2
  SLOWLOG GET x
  SLOWLOG GET 1 2
  SLOWLOG RESET
  CONFIG SET slowlog-log-slower-than 10000
  SLOWLOG HELP
  LATENCY LATEST
  LATENCY HISTORY x
  LATENCY RESET
  LATENCY RESET x y
  LATENCY GRAPH x
  LATENCY HISTOGRAM nosuch
  MEMORY USAGE missing
  MEMORY USAGE missing SAMPLES
  MEMORY USAGE missing SAMPLES -1
  MEMORY USAGE missing BOGUS 1
  COMMAND GETKEYS GET k
  COMMAND GETKEYS MSET a 1 b 2
  COMMAND GETKEYS SET k v
  COMMAND GETKEYSANDFLAGS SET k v
  COMMAND GETKEYSANDFLAGS SET k v GET
  COMMAND GETKEYSANDFLAGS MSET a 1 b 2
  COMMAND GETKEYSANDFLAGS GET k
  COMMAND GETKEYS PING x
  COMMAND GETKEYS NOSUCH x
  COMMAND GETKEYS GET
  COMMAND GETKEYS GET a b
  COMMAND GETKEYS OBJECT ENCODING k
  COMMAND INFO nosuch
  COMMAND INFO get|x
  COMMAND LIST FILTERBY BOGUS x
  COMMAND LIST BOGUS
  COMMAND HELP
  COMMAND DOCS nosuch
  LOLWUT VERSION x
  TIME x
  SHUTDOWN BOGUS
  SHUTDOWN SAVE NOSAVE
  SHUTDOWN ABORT NOW
  SHUTDOWN ABORT
  `,
);

compare(
  "CONFIG",
  `
  CONFIG GET maxclients
  ? CONFIG GET maxclients timeout
  CONFIG GET nosuch
  CONFIG SET timeout x
  CONFIG SET nosuch 1
  CONFIG SET timeout
  CONFIG SET timeout 1 timeout 2
  CONFIG SET databases 3
  CONFIG SET hash-max-listpack-entries 100 timeout -1
  CONFIG GET hash-max-listpack-entries
  CONFIG REWRITE
  CONFIG RESETSTAT
  CONFIG HELP
  `,
);

transcript("CLIENT REPLY", (t) => {
  t.do("SET k v").is("OK");
  const quiet = t.on("b");
  quiet.send("*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n");
  quiet.send("SET k w\r\n");
  quiet.do("GET k").is("w");
  quiet.send("CLIENT REPLY OFF\r\n");
  quiet.send("SET k x\r\n");
  quiet.do("CLIENT REPLY ON").is("OK");
  quiet.do("GET k").is("x");
});

test("a password is asked for, and asked for again after RESET", async () => {
  await using server = await startServer({ directives: ["requirepass secret"] });
  await using client = await server.connect();
  expect(await client.text("GET k")).toContain("NOAUTH Authentication required.");
  expect(await client.text("AUTH wrong")).toContain("WRONGPASS");
  expect(await client.value("AUTH secret")).toBe("OK");
  expect(await client.value("SET k v")).toBe("OK");
  expect(await client.value("RESET")).toBe("RESET");
  expect(await client.text("GET k")).toContain("NOAUTH");
  expect(await client.value("AUTH default secret")).toBe("OK");
  expect(await client.value("GET k")).toBe("v");
});
