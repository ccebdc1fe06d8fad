import { describe, expect, test } from "bun:test";
import { GATE_SHUTDOWN } from "../../../src/engine/admission.ts";
import { endOf, PrimaryBench } from "./_bench.ts";

/** REPLCONF GETACK * in the stream. */
const QUESTION_BYTES = 37;

describe("WAIT", () => {
  test("is answered by the acknowledgement of what the client wrote", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    expect(client.do("WAIT 1 0")).toBe("");
    expect(client.isBlocked).toBe(true);
    expect(it.bytesOf(() => it.endTurn())).toBe(QUESTION_BYTES);
    it.acknowledge(replica, it.offset - QUESTION_BYTES - 1);
    expect(client.take()).toBe("");
    it.acknowledge(replica, it.offset - QUESTION_BYTES);
    expect(client.take()).toBe(":1\r\n");
    expect(client.isBlocked).toBe(false);
    expect(client.do("WAIT 1 0")).toBe(":1\r\n");
  });

  test("asks the replicas once for all that began to wait in a turn", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const clients = [it.connect(), it.connect(), it.connect()];
    for (const client of clients) {
      client.do("SET k v");
      client.do("WAIT 1 0");
    }
    expect(it.bytesOf(() => it.endTurn())).toBe(QUESTION_BYTES);
    expect(it.bytesOf(() => it.endTurn())).toBe(0);
    it.acknowledge(replica);
    expect(clients.map((client) => client.take())).toEqual([":1\r\n", ":1\r\n", ":1\r\n"]);
  });

  test("asks nobody while writes are paused, and later does", () => {
    const it = new PrimaryBench();
    it.attach();
    const client = it.connect();
    client.do("SET k v");
    client.do("CLIENT PAUSE 1000 WRITE");
    client.do("WAIT 1 0");
    expect(it.bytesOf(() => it.endTurn())).toBe(0);
    client.do("CLIENT UNPAUSE");
    it.connect().do("CLIENT UNPAUSE");
    expect(it.bytesOf(() => it.endTurn())).toBe(QUESTION_BYTES);
  });

  test("adds no question to the stream of a primary, once the server has one", () => {
    const it = new PrimaryBench();
    it.attach();
    const client = it.connect();
    client.do("SET k v");
    it.connect().do("CLIENT PAUSE 1000 WRITE");
    client.do("WAIT 1 0");
    it.replication.replicas.becomeReplica();
    it.connect().do("CLIENT UNPAUSE");
    expect(it.bytesOf(() => it.endTurn())).toBe(0);
    expect(it.bytesOf(() => it.replication.requestAcknowledgements())).toBe(0);
  });

  test("has the stream not grow by PINGs behind the last snapshot", () => {
    const it = new PrimaryBench();
    it.attach();
    it.connect().do("CONFIG SET repl-ping-replica-period 1");
    it.engine.shut(GATE_SHUTDOWN);
    expect(it.bytesOf(() => it.pass(1000))).toBe(0);
    it.engine.open(GATE_SHUTDOWN);
    expect(it.bytesOf(() => it.pass(1000))).toBeGreaterThan(0);
  });

  test("does not make a stream grow that nobody takes", () => {
    const it = new PrimaryBench();
    const client = it.connect();
    client.do("SET k v");
    client.do("WAIT 1 100");
    expect(it.bytesOf(() => it.endTurn())).toBe(0);
    it.pass(101);
    expect(client.take()).toBe(":0\r\n");
  });

  test("counts those that are online and have it, when its time is up too", () => {
    const it = new PrimaryBench();
    const [first, second] = [it.attach(7000), it.attach(7001)];
    const client = it.connect();
    client.do("SET k v");
    const { offset } = it;
    client.do("WAIT 3 500");
    it.acknowledge(first, offset);
    it.acknowledge(second, offset - 1);
    expect(client.take()).toBe("");
    it.pass(501);
    expect(client.take()).toBe(":1\r\n");
    it.acknowledge(second, offset);
    expect(client.take()).toBe("");
    expect(client.do("WAIT 2 0")).toBe(":2\r\n");
    endOf(second.session, it);
    expect(client.do("WAIT 0 0")).toBe(":1\r\n");
  });

  test("says at once how many have it where it can't wait", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    it.acknowledge(replica);
    for (const line of ["MULTI", "SET k w", "WAIT 5 0"]) client.do(line);
    // What the transaction itself writes goes out at its end.
    expect(client.do("EXEC")).toBe("*2\r\n+OK\r\n:1\r\n");
    expect(client.do("WAIT 1 0")).toBe("");
  });

  test("forgets who is gone, unblocked or has waited long enough", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const [gone, freed, late] = [it.connect(), it.connect(), it.connect()];
    for (const client of [gone, freed, late]) {
      client.do("SET k v");
      client.do("WAIT 1 50");
    }
    endOf(gone.session, it);
    it.connect().do(`CLIENT UNBLOCK ${freed.session.id} ERROR`);
    expect(freed.take()).toStartWith("-UNBLOCKED");
    it.pass(51);
    expect(late.take()).toBe(":0\r\n");
    it.acknowledge(replica);
    expect([gone, freed, late].map((client) => client.take())).toEqual(["", "", ""]);
    expect(it.replication.isPending).toBe(false);
  });

  test("takes milliseconds, as many as there can be", () => {
    const it = new PrimaryBench();
    const client = it.connect();
    expect(client.do("WAIT 1 9223372036854775807")).toBe("-ERR timeout is out of range\r\n");
  });
});

describe("what a client has written", () => {
  test("is up to its own last change, whoever writes behind it", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const [first, second] = [it.connect(), it.connect()];
    first.do("SET k v");
    const { offset } = it;
    second.do("SET k w");
    it.acknowledge(replica, offset);
    first.do("GET k");
    expect(first.do("WAIT 1 0")).toBe(":1\r\n");
    expect(second.do("WAIT 1 0")).toBe("");
  });

  test("is all of a transaction", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const client = it.connect();
    const { offset } = it;
    for (const line of ["MULTI", "SET k v", "INCR n", "EXEC"]) client.do(line);
    it.acknowledge(replica, offset);
    expect(client.do("WAIT 1 0")).toBe("");
    it.acknowledge(replica, client.session.writtenOffset);
    expect(client.take()).toBe(":1\r\n");
    expect(client.session.writtenOffset).toBeLessThan(it.offset);
  });

  test("is what its blocked request changed when another one came", () => {
    const it = new PrimaryBench();
    const replica = it.attach();
    const [waiting, pushing] = [it.connect(), it.connect()];
    waiting.do("BLPOP list 0");
    pushing.do("RPUSH list a");
    expect(waiting.take()).toContain("list");
    expect(waiting.session.writtenOffset).toBe(it.offset);
    it.acknowledge(replica, pushing.session.writtenOffset);
    expect(pushing.do("WAIT 1 0")).toBe(":1\r\n");
    expect(waiting.do("WAIT 1 0")).toBe("");
  });
});

describe("WAITAOF", () => {
  function setUp(): PrimaryBench {
    const it = new PrimaryBench();
    it.engine.config.assign("appendonly", ["yes"]);
    it.disk.isSyncedUntil = { effects: 0, offset: 0 };
    return it;
  }

  test("waits for this server's disk, with no replica at all", () => {
    const it = setUp();
    const client = it.connect();
    client.do("SET k v");
    expect(client.do("WAITAOF 0 0 0")).toBe("*2\r\n:0\r\n:0\r\n");
    expect(client.do("WAITAOF 1 0 0")).toBe("");
    it.replication.synced();
    it.endTurn();
    expect(client.take()).toBe("");
    it.disk.isSyncedUntil = { effects: client.session.writtenEffects, offset: 0 };
    it.replication.synced();
    expect(it.requestedTurns).toBeGreaterThan(0);
    it.endTurn();
    expect(client.take()).toBe("*2\r\n:1\r\n:0\r\n");
  });

  test("waits for the disks of replicas, which is more than to have it", () => {
    const it = setUp();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    const { offset } = it;
    client.do("WAITAOF 0 1 0");
    it.endTurn();
    it.acknowledge(replica, offset);
    it.acknowledge(replica, offset, offset - 1);
    expect(client.take()).toBe("");
    it.acknowledge(replica, offset, offset);
    expect(client.take()).toBe("*2\r\n:0\r\n:1\r\n");
    expect(client.do("WAIT 1 0")).toBe(":1\r\n");
  });

  test("wants both where both are asked for", () => {
    const it = setUp();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    const { offset } = it;
    client.do("WAITAOF 1 1 0");
    it.acknowledge(replica, offset, offset);
    expect(client.take()).toBe("");
    it.disk.isSyncedUntil = { effects: client.session.writtenEffects, offset };
    it.replication.synced();
    it.endTurn();
    expect(client.take()).toBe("*2\r\n:1\r\n:1\r\n");
  });

  test("asks replicas only where it waits for them", () => {
    const it = setUp();
    it.attach();
    const client = it.connect();
    client.do("SET k v");
    client.do("WAITAOF 1 0 100");
    expect(it.bytesOf(() => it.endTurn())).toBe(0);
    it.pass(101);
    expect(client.take()).toBe("*2\r\n:0\r\n:0\r\n");
  });

  test("ends with an error where the AOF is switched off", () => {
    const it = setUp();
    const client = it.connect();
    client.do("SET k v");
    it.disk.isSyncedUntil = null;
    client.do("WAITAOF 1 0 0");
    it.engine.config.assign("appendonly", ["no"]);
    it.replication.synced();
    it.endTurn();
    expect(client.take()).toBe(
      "-ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.\r\n",
    );
  });
});
