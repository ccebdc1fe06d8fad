import { describe, expect, test } from "bun:test";
import type { PrimaryAddress } from "../../../src/engine/config/list-options.ts";
import { Failover } from "../../../src/replication/failover.ts";
import type { RoleChanger } from "../../../src/replication/failover.ts";
import type { Client } from "../../support/engine-bench.ts";
import { endOf, PrimaryBench } from "./_bench.ts";

/** A primary whose failover is recorded, not done. */
class FailoverBench extends PrimaryBench implements RoleChanger {
  readonly failover: Failover;
  asked: PrimaryAddress | null = null;
  leaves = 0;
  answer: (isAccepted: boolean) => void = () => {};

  constructor() {
    super();
    const { engine, replication } = this;
    this.failover = new Failover(engine, replication.stream, replication.replicas, this);
    // The commands are those of the server; they are to reach this one.
    replication.failOver = (call) => this.failover.run(call);
  }

  ask(address: PrimaryAddress, answered: (isAccepted: boolean) => void): void {
    this.asked = address;
    this.answer = answered;
  }

  leave(): void {
    this.leaves++;
  }

  told(replica: Client, offset = this.offset): void {
    this.acknowledge(replica, offset);
    this.failover.check();
  }

  get waitsWithWrites(): boolean {
    const { engine } = this;
    const client = this.connect();
    client.do("SET probe 1");
    const waits = client.session.isPostponed;
    engine.clients.disconnected(client.session);
    return waits;
  }
}

const REPLICA = { host: "127.0.0.1", port: 7000 };

describe("FAILOVER", () => {
  test("waits until the target has all, with writes waiting, and then asks it", () => {
    const it = new FailoverBench();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    expect(client.do("FAILOVER TO 127.0.0.1 7000")).toBe("+OK\r\n");
    expect(it.failover.state).toBe("waiting-for-sync");
    expect(it.waitsWithWrites).toBe(true);
    expect(client.do("GET k")).toBe("$1\r\nv\r\n");
    it.told(replica, it.offset - 1);
    expect(it.asked).toBeNull();
    it.told(replica);
    expect(it.asked).toEqual(REPLICA);
    expect(it.failover.state).toBe("failover-in-progress");
    expect(it.waitsWithWrites).toBe(true);
    it.answer(true);
    expect(it.failover.state).toBe("no-failover");
    expect(it.leaves).toBe(0);
    expect(it.waitsWithWrites).toBe(false);
  });

  test("without a target takes the first replica that has all", () => {
    const it = new FailoverBench();
    const [, second] = [it.attach(7000), it.attach(7001)];
    const client = it.connect();
    client.do("SET k v");
    client.do("FAILOVER");
    it.told(second);
    expect(it.asked).toEqual({ host: "127.0.0.1", port: 7001 });
  });

  test("gives up where the time is up, and nothing has changed", () => {
    const it = new FailoverBench();
    it.attach();
    const client = it.connect();
    client.do("SET k v");
    client.do("FAILOVER TIMEOUT 100");
    it.clock.advance(99);
    it.failover.check();
    expect(it.failover.isActive).toBe(true);
    it.clock.advance(1);
    it.failover.check();
    expect(it.failover.isActive).toBe(false);
    expect([it.asked, it.leaves]).toEqual([null, 0]);
    expect(it.waitsWithWrites).toBe(false);
  });

  test("with FORCE asks the target all the same", () => {
    const it = new FailoverBench();
    it.attach();
    const client = it.connect();
    client.do("SET k v");
    client.do("FAILOVER TO 127.0.0.1 7000 FORCE TIMEOUT 100");
    it.clock.advance(100);
    it.failover.check();
    expect(it.asked).toEqual(REPLICA);
  });

  test("is a primary again where the target refuses", () => {
    const it = new FailoverBench();
    const replica = it.attach();
    it.connect().do("FAILOVER");
    it.told(replica);
    it.answer(false);
    expect(it.leaves).toBe(1);
    expect(it.failover.isActive).toBe(false);
    expect(it.waitsWithWrites).toBe(false);
  });

  test("can be aborted in both states, whatever the target says later", () => {
    const it = new FailoverBench();
    const replica = it.attach();
    const client = it.connect();
    client.do("SET k v");
    client.do("FAILOVER");
    expect(client.do("FAILOVER ABORT")).toBe("+OK\r\n");
    expect([it.failover.isActive, it.leaves]).toEqual([false, 0]);
    client.do("FAILOVER");
    it.told(replica);
    const { answer } = it;
    expect(client.do("FAILOVER ABORT")).toBe("+OK\r\n");
    expect([it.failover.isActive, it.leaves]).toEqual([false, 1]);
    answer(true);
    expect(it.leaves).toBe(1);
    expect(it.waitsWithWrites).toBe(false);
    expect(client.do("FAILOVER ABORT")).toBe("-ERR No failover in progress.\r\n");
  });

  test("sends replicas nothing of its own while it waits for one, unless it waits for ever", () => {
    const it = new FailoverBench();
    it.attach();
    const client = it.connect();
    const tenSeconds = (): void => {
      for (let i = 0; i < 10; i++) it.pass(1000);
    };
    expect(it.bytesOf(tenSeconds)).toBeGreaterThan(0);
    client.do("FAILOVER TIMEOUT 60000");
    expect(it.bytesOf(tenSeconds)).toBe(0);
    client.do("FAILOVER ABORT");
    expect(it.bytesOf(tenSeconds)).toBeGreaterThan(0);
    client.do("FAILOVER");
    expect(it.bytesOf(tenSeconds)).toBeGreaterThan(0);
  });

  test("is refused with the reason", () => {
    const it = new FailoverBench();
    const client = it.connect();
    expect(client.do("FAILOVER")).toBe("-ERR FAILOVER requires connected replicas.\r\n");
    const replica = it.attach();
    expect(client.do("FAILOVER TO nowhere 7000")).toBe(
      "-ERR FAILOVER target HOST and PORT is not a replica.\r\n",
    );
    expect(client.do("FAILOVER TO 127.0.0.1 7000 FORCE")).toBe(
      "-ERR FAILOVER with force option requires both a timeout and target HOST and IP.\r\n",
    );
    client.do("FAILOVER");
    expect(client.do("FAILOVER")).toBe("-ERR FAILOVER already in progress.\r\n");
    endOf(replica.session, it);
  });
});
