/**
 * A primary, its replica, and the replica's replica, of both programs: what the first one writes
 * is everywhere, also after outages between them, and the others go on from where they are when
 * the middle one becomes the primary.
 */
import { expect, test } from "bun:test";
import { type Random, seededRandom } from "../support/random.ts";
import {
  follow,
  infoOf,
  Line,
  lineups,
  offsetOf,
  syncsOf,
  waitForInfo,
  waitForLink,
  waitForOffsets,
} from "../support/replication.ts";
import { change, expectAllAlike, fill } from "./_replicated-content.ts";

const BACKLOG_BYTES = 1 << 19;
// A PING of the old primary that the new one has not seen would need a full resynchronisation.
const DIRECTIVES = [`repl-backlog-size ${BACKLOG_BYTES}`, "repl-ping-replica-period 3600"];
const FEW = 20;
const LINEUPS = lineups(
  "redis redis redis",
  "redis pedis redis",
  "pedis redis pedis",
  "pedis pedis pedis",
);

test.each(LINEUPS)("A chain through outages and promotions: $name", async (lineup) => {
  const random = seededRandom(`chain ${lineup.name}`);
  await using line = await Line.start(lineup, DIRECTIVES);
  try {
    await passMessages(line);
    await fill(line.servers[0], random);
    await waitForOffsets(line.servers);
    await passOutages(line, random);
    await promoteMiddle(line, random);
    await promoteLast(line, random);
  } catch (problem) {
    console.log(line.describe());
    throw problem;
  }
});

/** Short and long ones, on both links. */
async function passOutages(line: Line, random: Random): Promise<void> {
  const [primary, middle, last] = line.servers;
  const [first, second] = line.proxies;
  expect(await infoOf(last, "replication")).toMatchObject({
    role: "slave",
    master_replid: (await infoOf(primary, "replication"))["master_replid"],
  });
  for (const proxy of [first, second]) {
    proxy.cut();
    await change(primary, random, FEW);
  }
  await waitForOffsets(line.servers);
  expect(await syncsOf(primary)).toEqual({ full: 1, partial: 1 });

  first.refuse();
  // A backlog may hold a block more than it has to.
  const missed = (await offsetOf(primary)) + BACKLOG_BYTES * 1.5;
  while ((await offsetOf(primary)) <= missed) await change(primary, random);
  first.allow();
  await waitForLink(middle);
  await waitForOffsets(line.servers);
  expect(await syncsOf(primary)).toEqual({ full: 2, partial: 1 });

  second.refuse();
  await change(primary, random, FEW);
  await waitForOffsets([primary, middle]);
  second.allow();
  await waitForLink(last);
  await expectAllAlike(line.servers);
}

/** The middle one becomes the primary of both others, who go on from where they are. */
async function promoteMiddle(line: Line, random: Random): Promise<void> {
  const [old, middle, last] = line.servers;
  const formerId = (await infoOf(old, "replication"))["master_replid"];
  const offset = await offsetOf(old);
  const before = await syncsOf(middle);
  expect(await middle.withClient((client) => client.value("REPLICAOF NO ONE"))).toBe("OK");
  await follow(old, line.proxies[1].port);
  await waitForInfo(middle, "replication", "connected_slaves", "2");
  const info = await infoOf(middle, "replication");
  expect(info).toMatchObject({ role: "master", master_replid2: formerId });
  expect(Number(info["second_repl_offset"])).toBe(offset + 1);
  await change(middle, random);
  await expectAllAlike([middle, old, last]);
  expect(await syncsOf(middle)).toEqual({ full: before.full, partial: before.partial + 2 });
  for (const replica of [old, last]) {
    expect(await infoOf(replica, "replication")).toMatchObject({
      master_replid: info["master_replid"],
      master_replid2: formerId,
    });
  }
}

/** The last one becomes the primary; what the middle one has written alone is gone. */
async function promoteLast(line: Line, random: Random): Promise<void> {
  const [old, middle, last] = line.servers;
  line.proxies[1].refuse();
  await middle.withClient((client) => client.do("SET written:alone value"));
  const before = await syncsOf(last);
  await last.withClient((client) => client.do("REPLICAOF NO ONE"));
  await change(last, random, FEW);
  for (const replica of [old, middle]) await follow(replica, line.proxies[2].port);
  await expectAllAlike([last, old, middle]);
  expect(await middle.withClient((client) => client.value("EXISTS written:alone"))).toBe(0);
  expect(await syncsOf(last)).toEqual({ full: before.full + 1, partial: before.partial + 1 });
}

/** Messages reach the end of the chain; keys that a replica was told to write do not. */
async function passMessages(line: Line): Promise<void> {
  const [primary, middle, last] = line.servers;
  await using subscriber = await last.connect();
  await subscriber.do("SUBSCRIBE news");
  await subscriber.do("SSUBSCRIBE shard:news");
  await middle.withClient(async (client) => {
    await client.do("CONFIG SET replica-read-only no");
    expect(await client.value("SET own value")).toBe("OK");
  });
  await primary.withClient(async (client) => {
    await client.pipeline(["PUBLISH news 1", "SPUBLISH shard:news 2", "SET shared value"]);
    await client.pipeline(["MULTI", "SET shared other", "PUBLISH news 3", "EXEC"]);
  });
  await waitForOffsets(line.servers);
  expect((await subscriber.next()).value).toEqual(["message", "news", "1"]);
  expect((await subscriber.next()).value).toEqual(["smessage", "shard:news", "2"]);
  expect((await subscriber.next()).value).toEqual(["message", "news", "3"]);
  await last.withClient(async (client) => {
    expect(await client.text("SET own value")).toMatch(/READONLY/);
    expect(await client.value("KEYS *")).toEqual(["shared"]);
    expect(await client.value("GET shared")).toBe("other");
  });
  await middle.withClient(async (client) => {
    expect(await client.value("GETDEL own")).toBe("value");
    await client.do("CONFIG SET replica-read-only yes");
  });
}

test.each(LINEUPS)("Who joins a chain goes on in the primary's database: $name", async (lineup) => {
  await using line = await Line.start(lineup, DIRECTIVES);
  const [primary, middle, last] = line.servers;
  await using client = await primary.connect();
  await client.do("SELECT 3");
  await client.do("SET before 1");
  await waitForOffsets(line.servers);
  // The last one is given a snapshot of the middle one, which loses its link right after that.
  await last.withClient((own) => own.do("REPLICAOF NO ONE"));
  await follow(last, line.proxies[1].port);
  line.proxies[0].cut();
  await waitForLink(middle);
  await client.do("SET after 1");
  await waitForOffsets(line.servers);
  for (const server of line.servers) {
    expect(await infoOf(server, "keyspace")).toEqual({ db3: "keys=2,expires=0,avg_ttl=0" });
  }
});
