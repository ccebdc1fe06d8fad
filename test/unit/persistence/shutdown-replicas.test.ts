/** The end of a server that has replicas: they are waited for. */
import { describe, expect, test } from "bun:test";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import { NoReplication, type ReplicaLag } from "../../../src/engine/replication.ts";
import { Shutdown } from "../../../src/persistence/shutdown.ts";
import { systemDisk } from "../../../src/base/disk.ts";
import { Fixture, makeDirectory } from "./_setup.ts";

const LAGGING = "Lagging replica 10.0.0.1:7000 reported offset 5 behind master, state=online.";
const OPTIONS = { saves: null, isForced: false, isImmediate: false };

class Lagging extends NoReplication {
  override lag: ReplicaLag = { replicas: 2, lagging: [LAGGING] };
  asked = 0;

  override requestAcknowledgements(): void {
    this.asked++;
  }
}

interface Setup {
  readonly it: Fixture;
  readonly replication: Lagging;
  readonly shutdown: Shutdown;
  readonly exits: number[];
  readonly failures: string[];
  readonly begin: (isImmediate?: boolean) => string;
}

function setup(directives: Partial<Record<DirectiveName, string>> = {}): Setup {
  const it = new Fixture(makeDirectory(), { save: "", ...directives });
  const replication = new Lagging();
  it.engine.replication = replication;
  const exits: number[] = [];
  const failures: string[] = [];
  const shutdown = new Shutdown(it.engine, systemDisk, it.persistence, {
    sendReplies: () => {},
    resume: () => {},
    close: () => {},
    exit: (code) => exits.push(code),
  });
  const begin = (isImmediate = false): string =>
    String(shutdown.begin({ ...OPTIONS, isImmediate }, (error) => failures.push(error)));
  return { it, replication, shutdown, exits, failures, begin };
}

describe("a server that ends", () => {
  test("waits for replicas, and ends when they have all", () => {
    const { it, replication, shutdown, exits, begin } = setup();
    expect(begin()).toBe("later");
    expect(replication.asked).toBe(1);
    expect(it.log).toContain("Waiting for replicas before shutting down.");
    expect(it.engine.context.keepsExpired).toBe(true);
    expect(it.do("INFO", "server")).toContain("shutdown_in_milliseconds:10000\r\n");
    shutdown.cron();
    expect(exits).toEqual([]);
    replication.lag = { replicas: 2, lagging: [] };
    shutdown.cron();
    expect(exits).toEqual([0]);
    expect(it.log).toContain("2 of 2 replicas are in sync when shutting down.");
  });

  test("waits no longer than shutdown-timeout, nor at all where it is not to", () => {
    const late = setup({ "shutdown-timeout": "3" });
    late.begin();
    late.it.clock.advance(2999);
    late.shutdown.cron();
    expect(late.exits).toEqual([]);
    late.it.clock.advance(1);
    late.shutdown.cron();
    expect(late.exits).toEqual([0]);
    expect(late.it.log).toContain(LAGGING);
    expect(late.it.log).toContain("1 of 2 replicas are in sync when shutting down.");

    const now = setup();
    expect(now.begin(true)).toBe("ended");
    const without = setup({ "shutdown-timeout": "0" });
    expect(without.begin()).toBe("ended");
    const alone = setup();
    alone.replication.lag = { replicas: 0, lagging: [] };
    expect(alone.begin()).toBe("ended");
    expect(alone.it.log).not.toContain("in sync");
  });

  test("goes on where that is taken back", () => {
    const { it, shutdown, exits, failures, begin } = setup();
    expect(begin()).toBe("later");
    expect(begin()).toBe("later");
    expect(shutdown.abort()).toBe(true);
    expect(failures).toHaveLength(2);
    expect(it.engine.context.keepsExpired).toBe(false);
    shutdown.cron();
    it.clock.advance(60_000);
    shutdown.cron();
    expect(exits).toEqual([]);
    expect(shutdown.abort()).toBe(false);
    expect(begin()).toBe("later");
  });

  test("lets nothing expire behind the last snapshot", () => {
    const { it, shutdown, begin } = setup({ save: "900 1" });
    const { context } = it.engine;
    expect(begin(true)).toBe("later");
    expect(context.keepsExpired).toBe(true);
    expect(shutdown.abort()).toBe(true);
    expect(context.keepsExpired).toBe(false);
  });

  test("tells who has waited where the disk refuses in the end", () => {
    const { it, replication, shutdown, exits, failures, begin } = setup({ save: "900 1" });
    expect(begin()).toBe("later");
    it.disk.roomBytes = 0;
    it.disk.refusesOpenOf = ".rdb";
    replication.lag = { replicas: 1, lagging: [] };
    shutdown.cron();
    expect(exits).toEqual([]);
    expect(failures).toHaveLength(1);
    expect(it.engine.context.keepsExpired).toBe(false);
  });
});
