/** The link to a primary against one that says what the test wants, at many cuts of its words. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { GATE_DISK } from "../../../src/engine/admission.ts";
import { LinkedReplica } from "../../support/scripted-primary.ts";

setDefaultTimeout(60_000);

const ID = "a".repeat(40);
const OTHER_ID = "b".repeat(40);
const GREETING = "+PONG\r\n+OK\r\n+OK\r\n";
const SELECT_3 = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n";
const CAPABILITIES = "REPLCONF capa eof capa psync2 capa PEDIS-RDB";
const PING = "*1\r\n$4\r\nPING\r\n";

function request(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join("")}`;
}

/** A replica that has begun to connect. */
function connecting(...directives: string[]): LinkedReplica {
  const it = new LinkedReplica();
  for (const directive of directives) it.do(`CONFIG SET ${directive}`);
  it.do("REPLICAOF host 7000");
  return it;
}

/** One that has said all but PSYNC's answer. */
function asking(): LinkedReplica {
  const it = connecting();
  it.open();
  it.say(GREETING);
  it.said();
  return it;
}

/** One that is connected, at offset 100 of `ID`. */
function connected(): LinkedReplica {
  const it = asking();
  it.say(`+FULLRESYNC ${ID} 100\r\n$5\r\nhello`);
  it.snapshots[0].finish?.(null);
  it.said();
  return it;
}

describe("the handshake", () => {
  test("introduces the replica and asks for everything", () => {
    const it = connecting();
    expect(it.connections).toEqual(["replication host:7000"]);
    expect(it.replication.link.state).toBe("connecting");
    expect(it.said()).toEqual([]);
    it.open();
    expect(it.replication.link.state).toBe("handshake");
    expect(it.said()).toEqual(["PING"]);
    it.say("+PONG\r\n");
    expect(it.said()).toEqual(["REPLCONF listening-port 6379", CAPABILITIES]);
    it.say("+OK\r\n");
    expect(it.said()).toEqual([]);
    it.say("-ERR unknown\r\n");
    const { id } = it.replication;
    expect(it.said()).toEqual([`PSYNC ${id} 1`]);
  });

  test("authenticates, and tells what is announced", () => {
    const it = connecting(
      "masteruser joe masterauth secret",
      "replica-announce-ip 1.2.3.4 replica-announce-port 99",
    );
    it.open();
    it.said();
    it.say("-NOAUTH Authentication required.\r\n");
    expect(it.said()).toEqual([
      "AUTH joe secret",
      "REPLCONF listening-port 99",
      "REPLCONF ip-address 1.2.3.4",
      CAPABILITIES,
    ]);
    it.say("-WRONGPASS no\r\n");
    expect(it.replication.link.state).toBe("connect");
    expect(it.isConnected).toBe(false);
    it.tick();
    expect(it.connections).toHaveLength(2);
  });

  test("gives up where the primary answers PING with another error", () => {
    const it = connecting();
    it.open();
    it.say("-LOADING not now\r\n");
    expect(it.replication.link.state).toBe("connect");
    expect(it.logged.join("\n")).toContain("Error reply to PING from master: '-LOADING not now'");
  });

  test("tries later where PSYNC is refused for now, waits through newlines", () => {
    const it = asking();
    it.say("\n\n");
    expect(it.replication.link.state).toBe("handshake");
    it.say("-NOMASTERLINK Can't SYNC while not connected with my master\r\n");
    expect(it.replication.link.state).toBe("connect");
    expect(it.said()).toEqual([]);
  });

  test("falls back to SYNC where the primary knows no PSYNC", () => {
    const it = asking();
    const { id } = it.replication;
    it.say("-ERR unknown command\r\n");
    expect(it.said()).toEqual(["SYNC"]);
    it.say("$2\r\nhi");
    it.snapshots[0].finish?.(null);
    expect(it.replication.link.isUp).toBe(true);
    expect(it.replication.id).not.toBe(id);
    // It does not count its stream: it is told nothing.
    it.tick();
    expect(it.said()).toEqual([]);
    // Nor can anybody go on there.
    it.end();
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe("PSYNC ? -1");
  });

  test("is not told to go on where it has not asked to", () => {
    const it = asking();
    it.say("-ERR unknown command\r\n$2\r\nhi");
    it.snapshots[0].finish?.(null);
    it.end();
    it.open();
    it.say(`${GREETING}+CONTINUE ${ID}\r\n${PING}`);
    expect(it.replication.link.state).toBe("connect");
    expect(it.replication.id).not.toBe(ID);
    expect(it.logged.at(-1)).toContain(`Unexpected reply to PSYNC from master: +CONTINUE ${ID}`);
  });

  test("a silent primary is given up after repl-timeout", () => {
    const it = asking();
    it.tick(60_000);
    expect(it.connections).toHaveLength(1);
    it.tick();
    expect(it.connections).toHaveLength(2);
    expect(it.logged.join("\n")).toContain("Timeout connecting to the MASTER...");
  });
});

describe("a full synchronisation", () => {
  const mark = "0123456789".repeat(4);
  const stream = SELECT_3 + request("SET", "k", "v") + PING + request("INCR", "n");
  const frames: [string, string][] = [
    ["counted", `\n$5\r\nhello${stream}`],
    ["marked", `\n$EOF:${mark}\r\nhello${mark}`],
  ];
  for (const [kind, payload] of frames) {
    test(`takes a ${kind} snapshot and the stream, wherever the network cuts them`, () => {
      const text = `${GREETING}+FULLRESYNC ${ID} 100\r\n${payload}`;
      for (let cut = 0; cut <= text.length; cut += 2) {
        const it = connecting();
        it.open();
        it.say(text, cut);
        expect(it.replication.link.state).toBe("sync");
        const [snapshot] = it.snapshots;
        expect(snapshot.text).toBe("hello");
        expect(snapshot.options.sizeBytes).toBe(kind === "counted" ? 5 : null);
        snapshot.finish?.(null);
        if (kind === "marked") {
          expect(it.said().at(-1)).toBe("REPLCONF ACK 100");
          it.say(stream);
        }
        it.do("SELECT 3");
        expect([it.do("GET k"), it.do("GET n")]).toEqual(["v", "1"]);
        expect(it.replication.position).toEqual({
          id: ID,
          offset: 100 + stream.length,
          database: 3,
        });
      }
    });
  }

  test("begins in the database that the snapshot says", () => {
    const it = asking();
    it.streamDatabase = 7;
    it.say(`+FULLRESYNC ${ID} 100\r\n$1\r\nx${request("SET", "k", "v")}`);
    it.snapshots[0].finish?.(null);
    it.do("SELECT 7");
    expect(it.do("GET k")).toBe("v");
  });

  test("is begun anew where it fails", () => {
    const it = asking();
    it.say(`+FULLRESYNC ${ID} 100\r\n$5\r\nhel`);
    it.end();
    expect(it.snapshots[0].isAborted).toBe(true);
    expect(it.connections).toHaveLength(2);
    it.open();
    it.say(`${GREETING}+FULLRESYNC ${ID} 100\r\n$5\r\nhello`);
    it.snapshots[1].finish?.("broken");
    expect(it.connections).toHaveLength(3);
    expect(it.replication.link.isUp).toBe(false);
  });

  test("is loaded even where the link breaks meanwhile; then the stream goes on", () => {
    const it = asking();
    it.say(`+FULLRESYNC ${ID} 100\r\n$5\r\nhello${SELECT_3}`);
    it.tick();
    // A sign of life, while the primary waits.
    expect(it.said()).toEqual([""]);
    it.end();
    it.snapshots[0].finish?.(null);
    expect(it.connections).toHaveLength(2);
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe(`PSYNC ${ID} ${101 + SELECT_3.length}`);
  });

  test("is read no faster than it is taken, and what follows when it is loaded", () => {
    const it = asking();
    it.say(`+FULLRESYNC ${ID} 100\r\n$10\r\n`);
    const [snapshot] = it.snapshots;
    snapshot.isBusy = true;
    it.say("hello");
    expect(it.isPaused).toBe(true);
    it.tick(100_000);
    expect(it.replication.link.state).toBe("sync");
    snapshot.free?.();
    expect(it.isPaused).toBe(false);
    it.say("world");
    expect([snapshot.text, it.isPaused]).toEqual(["helloworld", true]);
    snapshot.finish?.(null);
    expect(it.isPaused).toBe(false);
  });

  test("whose place in the stream can't be counted from is not gone on from", () => {
    for (const offset of ["-7", "9223372036854775807", "x"]) {
      const it = asking();
      it.say(`+FULLRESYNC ${ID} ${offset}\r\n$5\r\nhello`);
      it.snapshots[0].finish?.(null);
      it.end();
      it.open();
      it.say(GREETING);
      expect(it.said().at(-1)).toBe("PSYNC ? -1");
    }
  });

  test("that can't be taken is tried later", () => {
    const it = asking();
    it.refusal = "no room";
    it.say(`+FULLRESYNC ${ID} 100\r\n$5\r\nhello`);
    expect(it.replication.link.state).toBe("connect");
    expect(it.connections).toHaveLength(1);
  });
});

describe("the stream", () => {
  test("is applied, passed on and counted whole, wherever it is cut", () => {
    const text =
      `${SELECT_3}${request("SET", "a", "1")}\r\n` +
      `${request("MULTI")}${request("INCR", "a")}${request("INCR", "a")}${request("EXEC")}` +
      `${request("RPUSH", "l", "x".repeat(50))}${PING}`;
    for (let cut = 0; cut <= text.length; cut += 2) {
      const it = connected();
      it.say(text, cut);
      it.do("SELECT 3");
      expect([it.do("GET a"), it.do("LLEN l")]).toEqual(["3", 1]);
      expect(it.replication.offset).toBe(100 + text.length);
    }
  });

  test("of a transaction counts when its EXEC has run", () => {
    const it = connected();
    const begun = request("MULTI") + request("SET", "a", "1");
    it.say(begun);
    expect(it.replication.offset).toBe(100);
    expect(it.replication.link.readOffset).toBe(100 + begun.length);
    it.say(request("EXEC"));
    expect(it.replication.offset).toBe(100 + begun.length + request("EXEC").length);
    expect(it.do("GET a")).toBe("1");
  });

  test("is acknowledged when asked, up to the question, and once a second", () => {
    const it = connected();
    const set = request("SET", "a", "1");
    const question = request("REPLCONF", "GETACK", "*");
    it.say(set + question + set);
    expect(it.said()).toEqual([`REPLCONF ACK ${100 + set.length}`]);
    it.tick();
    expect(it.said()).toEqual([`REPLCONF ACK ${100 + 2 * set.length + question.length}`]);
  });

  test("goes on where it was, under another id too", () => {
    const it = connected();
    let resumes = 0;
    it.engine.persistence.resumeAof = () => resumes++;
    it.say(request("SET", "a", "1") + request("MULTI") + request("SET", "b", "2"));
    const offset = 100 + request("SET", "a", "1").length;
    it.end();
    expect(it.replication.link.isUp).toBe(false);
    expect(it.connections).toHaveLength(2);
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe(`PSYNC ${ID} ${offset + 1}`);
    it.say(`+CONTINUE ${OTHER_ID}\r\n${request("SET", "c", "3")}`);
    expect(it.replication.link.isUp).toBe(true);
    expect(resumes).toBe(1);
    expect([it.do("GET b"), it.do("GET c")]).toEqual([null, "3"]);
    const { stream } = it.replication;
    expect([stream.id, stream.secondId, stream.secondOffset]).toEqual([OTHER_ID, ID, offset + 1]);
    expect(stream.offset).toBe(offset + request("SET", "c", "3").length);
  });

  test("of a primary that monitors, tracks or wants the stream leaves nothing behind", () => {
    const it = connected();
    it.say(request("MONITOR") + request("CLIENT", "TRACKING", "ON"));
    it.say(request("REPLCONF", "listening-port", "1") + request("SYNC"));
    const { clients, tracking } = it.engine;
    expect([clients.monitors.size, tracking.clientCount]).toEqual([1, 1]);
    expect(it.replication.replicas.count).toBe(0);
    it.end();
    expect([clients.monitors.size, tracking.clientCount]).toEqual([0, 0]);
  });

  test("that is no protocol ends the link, and nothing is gone on from", () => {
    for (const broken of ["SET a b\r\n", "*1\r\n:4\r\n", "*x\r\n"]) {
      const it = connected();
      it.say(request("SET", "a", "1") + broken);
      expect(it.do("GET a")).toBe("1");
      expect(it.connections).toHaveLength(2);
      it.open();
      it.say(GREETING);
      expect(it.said().at(-1)).toBe("PSYNC ? -1");
    }
  });

  test("has errors logged, which are none for the primary", () => {
    const it = connected();
    it.say(request("SET", "a", "x") + request("INCR", "a") + request("SET", "b", "y"));
    expect(it.do("GET b")).toBe("y");
    expect(it.logged.at(-1)).toContain(
      "== CRITICAL == This replica is sending an error to its master: " +
        "'-ERR value is not an integer or out of range' after processing the command 'incr'",
    );
    expect(it.engine.stats.unexpectedErrors).toBe(1);
    it.say(request("SET", "a"));
    expect(it.logged.at(-1)).toEndWith("after processing the command 'set'");
    it.say(request("NOSUCH", "a"));
    expect(it.logged.at(-1)).toEndWith("after processing the command '<unknown>'");
  });

  test("with an error stops the server, where that is wanted", () => {
    const broken = request("SET", "a", "x") + request("INCR", "a");
    const it = connected();
    it.do("CONFIG SET propagation-error-behavior panic");
    expect(() => it.say(broken)).toThrow("This replica panicked sending an error to its master");
    const writable = connected();
    writable.do("CONFIG SET propagation-error-behavior panic-on-replicas replica-read-only no");
    writable.say(broken);
    expect(writable.do("GET a")).toBe("x");
  });

  test("that can't be written to disk stops the server, unless that is to be ignored", () => {
    const it = connected();
    it.engine.shut(GATE_DISK);
    it.say(PING + request("SELECT", "1"));
    expect(() => it.say(request("SET", "a", "1"))).toThrow("Replica was unable to write command");
    const other = connected();
    other.engine.shut(GATE_DISK);
    other.do("CONFIG SET replica-ignore-disk-write-errors yes");
    other.say(request("SET", "a", "1") + request("SET", "a", "2"));
    expect(other.do("GET a")).toBe("2");
    const told = other.logged.filter((line) => line.includes("unable to write to disk"));
    expect(told).toHaveLength(1);
  });

  test("sees what is expired, which clients do not", () => {
    const it = connected();
    it.say(request("SET", "a", "5", "PX", "100"));
    it.pass(200);
    it.expire();
    expect(it.do("GET a")).toBeNull();
    expect(it.do("DBSIZE")).toBe(1);
    it.say(request("INCR", "a"));
    it.say(request("PERSIST", "a"));
    expect(it.do("GET a")).toBe("6");
  });

  test("is given up when nothing comes for repl-timeout", () => {
    const it = connected();
    it.tick(60_000);
    expect(it.replication.link.isUp).toBe(true);
    it.tick();
    expect(it.replication.link.state).toBe("connecting");
    expect(it.logged.join("\n")).toContain("MASTER timeout: no data nor PING received...");
  });

  test("waits while commands are paused, in order", () => {
    const it = connected();
    it.engine.pause.start(true, it.clock.nowMs + 1000);
    it.say(request("SET", "a", "1") + request("SET", "a", "2"));
    it.say(request("SET", "b", "3"));
    expect(it.replication.offset).toBe(100);
    it.engine.pause.stop();
    it.replication.link.resume();
    expect([it.do("GET a"), it.do("GET b")]).toEqual(["2", "3"]);
    expect(it.replication.offset).toBe(100 + 3 * request("SET", "a", "1").length);
  });
});

describe("a replica that clients may write to", () => {
  test("deletes what they gave an expiry to, and nothing else", () => {
    const it = connected();
    it.do("CONFIG SET replica-read-only no");
    it.recordEffects();
    it.say(request("SET", "theirs", "x", "PX", "100"));
    it.do("SET own x PX 100");
    it.do("SET moved x PX 100");
    it.do("RENAME moved renamed");
    it.do("SET kept x PX 100");
    it.do("PERSIST kept");
    expect(it.replication.ownExpiryCount).toBe(4);
    it.pass(200);
    it.effects();
    it.tick(100);
    expect(it.effects().toSorted()).toEqual(["0: DEL own", "0: DEL renamed"]);
    expect(it.replication.ownExpiryCount).toBe(0);
    expect(it.do("DBSIZE")).toBe(2);
    expect(it.do("GET theirs")).toBeNull();
  });

  test("has nothing of them in its stream", () => {
    const it = connected();
    it.do("CONFIG SET replica-read-only no");
    it.do("SET own x");
    expect(it.replication.offset).toBe(100);
  });

  test("forgets them with the database", () => {
    const it = connected();
    it.do("CONFIG SET replica-read-only no");
    it.do("SET own x PX 100");
    it.do("SELECT 1");
    it.do("SET own x PX 100");
    it.do("FLUSHDB");
    expect(it.replication.ownExpiryCount).toBe(1);
    it.say(request("FLUSHALL"));
    expect(it.replication.ownExpiryCount).toBe(0);
  });

  test("lets what is expired not stand in their way, of the primary's either", () => {
    const it = connected();
    it.do("CONFIG SET replica-read-only no");
    it.say(request("SET", "a", "1", "PX", "100") + request("RPUSH", "b", "1"));
    it.say(request("PEXPIRE", "b", "100"));
    it.pass(200);
    expect(it.do("INCR a")).toBe(1);
    expect(it.do("TTL a")).toBe(-1);
    it.do("MULTI");
    it.do("RPUSH b 2");
    it.do("EXEC");
    expect(it.do("LRANGE b 0 -1")).toEqual(["2"]);
    expect(it.do("DBSIZE")).toBe(2);
  });
});

describe("roles", () => {
  test("a primary whose EXEC makes it a replica goes on from all that it has done", () => {
    const it = new LinkedReplica();
    it.replication.replicas.openStream();
    for (const command of ["MULTI", "SET k v", "REPLICAOF host 7000", "EXEC"]) it.do(command);
    const bytes = (request("SELECT", "0") + request("SET", "k", "v")).length;
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe(`PSYNC ${it.replication.id} ${bytes + 1}`);
  });

  test("a primary that becomes a replica asks to go on from itself", () => {
    const it = new LinkedReplica();
    const { id } = it.replication;
    it.do("REPLICAOF host 7000");
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe(`PSYNC ${id} 1`);
  });

  test("a replica that becomes a primary keeps its history as the second one", () => {
    const it = connected();
    it.say(PING);
    it.do("REPLICAOF no one");
    const { stream } = it.replication;
    expect(stream.id).not.toBe(ID);
    expect([stream.secondId, stream.secondOffset]).toEqual([ID, 101 + PING.length]);
    expect(it.isConnected).toBe(false);
    it.tick();
    expect(it.connections).toHaveLength(1);
    expect(it.do("SET a b")).toBe("OK");
  });

  test("another primary is asked to go on from where the first one's stream was", () => {
    const it = connected();
    it.say(PING);
    it.do("REPLICAOF other 7001");
    expect(it.connections.at(-1)).toBe("replication other:7001");
    it.open();
    it.say(GREETING);
    expect(it.said().at(-1)).toBe(`PSYNC ${ID} ${101 + PING.length}`);
  });

  test("of a start on files: a replica goes on, a primary lets others go on", () => {
    const position = { id: ID, offset: 500, database: 2 };
    const replica = connecting();
    replica.replication.serverRole.restore(position);
    replica.open();
    replica.say(GREETING);
    expect(replica.said().at(-1)).toBe(`PSYNC ${ID} 501`);
    replica.say(`+CONTINUE\r\n${request("SET", "k", "v")}`);
    replica.do("SELECT 2");
    expect(replica.do("GET k")).toBe("v");
    const primary = new LinkedReplica();
    primary.replication.serverRole.restore(position);
    const { stream } = primary.replication;
    expect([stream.secondId, stream.secondOffset, stream.offset]).toEqual([ID, 501, 500]);
    expect(stream.id).not.toBe(ID);
  });

  test("of a start on files: what has expired in them is said to replicas that have it", () => {
    const primary = new LinkedReplica();
    const { serverRole, stream } = primary.replication;
    const database = primary.engine.keyspace.database(3);
    serverRole.begin();
    serverRole.leftOut(database, bytesOf("..k.."), 2, 1);
    serverRole.restore({ id: ID, offset: 500, database: 2 });
    const text = request("SELECT", "3") + request("DEL", "k");
    expect([stream.secondOffset, stream.offset]).toEqual([501, 500 + text.length]);
    const block = stream.blockAt(500);
    expect(block === null ? "" : textOf(block.bytes, 0, block.length)).toBe(text);
  });

  test("of a start on files that tell of no stream: there is none", () => {
    const { serverRole, stream } = new LinkedReplica().replication;
    serverRole.begin();
    expect(stream.isOpen).toBe(true);
    serverRole.restore(null);
    expect(stream.isOpen).toBe(false);
  });
});
