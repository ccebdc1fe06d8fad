/**
 * A primary, its replica, and the replica's replica, of both programs: what the first one writes
 * is everywhere, also after outages between them, and the others go on from where they are when
 * the middle one becomes the primary.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../support/random.ts";
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
  waitUntil,
} from "../support/replication.ts";
import { change, expectAllAlike, fill } from "./_replicated-content.ts";

const BACKLOG_BYTES = 128 * 1024;
// A PING of the old primary that the new one has not seen would need a full resynchronisation.
const DIRECTIVES = [`repl-backlog-size ${BACKLOG_BYTES}`, "repl-ping-replica-period 3600"];
const LINEUPS = lineups(
  "redis redis redis",
  "redis pedis redis",
  "pedis redis pedis",
  "pedis pedis pedis",
);

test.each(LINEUPS)("A chain through outages: $name", async (lineup) => {
  const random = seededRandom(`chain ${lineup.name}`);
  await using line = await Line.start(lineup, DIRECTIVES);
  const [primary, middle, last] = line.servers;
  await fill(primary, random);
  await expectAllAlike(line.servers);
  expect(await infoOf(last, "replication")).toMatchObject({
    role: "slave",
    master_replid: (await infoOf(primary, "replication"))["master_replid"],
  });

  for (const proxy of line.proxies.slice(0, 2)) {
    proxy.cut();
    await change(primary, random, 50);
  }
  await waitForLink(middle);
  await waitForLink(last);
  await expectAllAlike(line.servers);
  expect((await syncsOf(primary)).partial).toBe(1);

  const [first, second] = line.proxies;
  first.refuse();
  const missed = (await offsetOf(primary)) + BACKLOG_BYTES;
  while ((await offsetOf(primary)) <= missed) await change(primary, random);
  const before = await syncsOf(primary);
  first.allow();
  await waitForLink(middle);
  await waitForLink(last);
  await expectAllAlike(line.servers);
  expect((await syncsOf(primary)).full).toBe(before.full + 1);

  second.refuse();
  await change(primary, random, 50);
  await waitForOffsets([primary, middle]);
  second.allow();
  await waitForLink(last);
  await expectAllAlike(line.servers);
});

test.each(LINEUPS)("The middle of a chain becomes the primary: $name", async (lineup) => {
  const random = seededRandom(`promotion ${lineup.name}`);
  await using line = await Line.start(lineup, DIRECTIVES);
  const [old, middle, last] = line.servers;
  await fill(old, random);
  await expectAllAlike(line.servers);
  const formerId = (await infoOf(old, "replication"))["master_replid"];
  const offset = await offsetOf(old);
  const before = await syncsOf(middle);

  expect(await middle.withClient((client) => client.value("REPLICAOF NO ONE"))).toBe("OK");
  await follow(old, line.proxies[1].port);
  await waitForLink(last);
  const info = await infoOf(middle, "replication");
  expect(info).toMatchObject({ role: "master", connected_slaves: "2", master_replid2: formerId });
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
});

test.each(LINEUPS)("What the old primary wrote alone is gone: $name", async (lineup) => {
  const random = seededRandom(`divergence ${lineup.name}`);
  await using line = await Line.start(lineup, DIRECTIVES);
  const [old, middle, last] = line.servers;
  await fill(old, random);
  await expectAllAlike(line.servers);
  line.proxies[0].refuse();
  await old.withClient((client) => client.do("SET written:alone value"));
  const before = await syncsOf(middle);
  await middle.withClient((client) => client.do("REPLICAOF NO ONE"));
  await change(middle, random, 50);
  await follow(old, line.proxies[1].port);
  await waitForLink(last);
  await expectAllAlike([middle, old, last]);
  expect(await old.withClient((client) => client.value("EXISTS written:alone"))).toBe(0);
  expect(await syncsOf(middle)).toEqual({ full: before.full + 1, partial: before.partial + 1 });
});

test.each(lineups("redis redis redis", "redis pedis redis", "pedis redis pedis"))(
  "A sub-replica that is also asked to write keeps that to itself: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, DIRECTIVES);
    const [primary, middle, last] = line.servers;
    await middle.withClient(async (client) => {
      await client.do("CONFIG SET replica-read-only no");
      expect(await client.value("SET own value")).toBe("OK");
    });
    await primary.withClient((client) => client.do("SET shared value"));
    await waitForOffsets(line.servers);
    await last.withClient(async (client) => {
      expect(await client.text("SET own value")).toMatch(/READONLY/);
      expect(await client.value("KEYS *")).toEqual(["shared"]);
    });
    await waitForInfo(middle, "replication", "connected_slaves", "1");
    await waitUntil(
      async () => (await middle.withClient((client) => client.value("DBSIZE"))) === 2,
      () => "The middle one has lost its own key",
    );
  },
);
