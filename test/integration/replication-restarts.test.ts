/**
 * Primaries and replicas that end and come back: after a clean end both go on from where they
 * were, with a partial resynchronisation; after a crash they end up alike in any case.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../support/random.ts";
import {
  Line,
  lineups,
  syncsOf,
  waitForInfo,
  waitForLink,
  waitForOffsets,
} from "../support/replication.ts";
import type { ServerProcess } from "../support/server.ts";
import { change, expectAllAlike, fill, keepChanging } from "./_replicated-content.ts";

/** The backlog holds whatever is written meanwhile; no PING comes in between. */
const ROOMY = ["repl-backlog-size 16mb", "repl-ping-replica-period 3600"];
/** Saves at its end, and never by itself. */
const SAVING = ["save 3600 100000000", ...ROOMY];
const FEW = 100;
const PAIRS = lineups("redis redis", "redis pedis", "pedis redis", "pedis pedis");

async function shutDown(server: ServerProcess): Promise<void> {
  await using client = await server.connect();
  client.begin("SHUTDOWN");
  expect(await server.exited()).toBe(0);
}

test.each(PAIRS)(
  "A replica goes on from its RDB file, and after a crash: $name",
  async (lineup) => {
    const random = seededRandom(`replica restarted, ${lineup.name}`);
    await using line = await Line.start(lineup, SAVING);
    const [primary, replica] = line.servers;
    const again = [`replicaof 127.0.0.1 ${line.proxies[0].port}`];
    await fill(primary, random);
    await waitForOffsets(line.servers);
    await shutDown(replica);
    await change(primary, random, FEW);
    await replica.start(again);
    await waitForLink(replica);
    await expectAllAlike(line.servers);
    expect(await syncsOf(primary)).toEqual({ full: 1, partial: 1 });

    const writing = keepChanging(primary, random);
    await Bun.sleep(random.below(100));
    await replica.kill9();
    await replica.start(again);
    await waitForLink(replica);
    await writing.stop();
    await expectAllAlike(line.servers);
  },
);

/** One is enough: it is Pedis that goes on. */
const [ONTO_AOF] = lineups("redis pedis", "pedis pedis");

test.each([ONTO_AOF])("A replica goes on from its append-only file: $name", async (lineup) => {
  const random = seededRandom(`replica with AOF restarted, ${lineup.name}`);
  await using line = await Line.start(lineup, ROOMY);
  const [primary, replica] = line.servers;
  await replica.withClient((client) => client.do("CONFIG SET appendonly yes"));
  await waitForInfo(replica, "persistence", "aof_rewrite_in_progress", "0");
  await fill(primary, random);
  await waitForOffsets(line.servers);
  for (let round = 1; round < 3; round++) {
    await shutDown(replica);
    await change(primary, random, FEW);
    await replica.start(["appendonly yes", `replicaof 127.0.0.1 ${line.proxies[0].port}`]);
    await waitForLink(replica);
    await expectAllAlike(line.servers);
    expect(await syncsOf(primary)).toEqual({ full: 1, partial: round });
  }
});

test.each(PAIRS)(
  "A primary keeps its replica when reloaded or restarted: $name",
  async (lineup) => {
    const random = seededRandom(`primary restarted, ${lineup.name}`);
    await using line = await Line.start(lineup, SAVING);
    const [primary, replica] = line.servers;
    await fill(primary, random);
    expect(await primary.withClient((client) => client.value("DEBUG RELOAD"))).toBe("OK");
    await change(primary, random, FEW);
    // What expires while it is down would be removed behind its replica's back.
    await expectAllAlike(line.servers);
    expect(await syncsOf(primary)).toEqual({ full: 1, partial: 0 });
    expect(line.proxies[0].connections).toBe(1);

    await shutDown(primary);
    await primary.start();
    await waitForLink(replica);
    await change(primary, random, FEW);
    await expectAllAlike(line.servers);
    expect(await syncsOf(primary)).toEqual({ full: 0, partial: 1 });
  },
);

test.each(PAIRS)(
  "A primary that was killed is followed as it comes back: $name",
  async (lineup) => {
    const random = seededRandom(`primary killed, ${lineup.name}`);
    await using line = await Line.start(lineup, ROOMY);
    const [primary, replica] = line.servers;
    await primary.withClient((client) => client.do("CONFIG SET appendonly yes appendfsync always"));
    await fill(primary, random);
    await waitForInfo(primary, "persistence", "aof_rewrite_in_progress", "0");
    const writing = keepChanging(primary, random);
    await Bun.sleep(random.below(100));
    await primary.kill9();
    await writing.stop();
    await primary.start(["appendonly yes"]);
    await change(primary, random, 50);
    await waitForLink(replica);
    await expectAllAlike(line.servers);
    expect((await syncsOf(primary)).full).toBe(1);
    await primary.kill9();
    // Nothing is left of it: the replica gives up what it has, too.
    await primary.start(["appendonly no"]);
    await primary.withClient((client) => client.do("SET only:this value"));
    await waitForLink(replica);
    await expectAllAlike(line.servers);
    expect(await replica.withClient((client) => client.value("KEYS *"))).toEqual(["only:this"]);
  },
);
