/**
 * A primary under random writes over all types, and a replica whose link is cut, refused, held
 * back, slowed down and cut in the middle of payloads. Some outages are short enough for a partial
 * resynchronisation and some are not, and both are counted; at the end both hold the same.
 * PEDIS_LONG multiplies the troubles.
 */
import { expect, test } from "bun:test";
import { type Random, randomFrom, scale, seededRandom } from "../support/random.ts";
import {
  Line,
  lineups,
  offsetOf,
  syncsOf,
  waitForLink,
  waitUntil,
} from "../support/replication.ts";
import type { ServerProcess } from "../support/server.ts";
import { LONGEST_LIFE_MS, ReplicationLoad } from "./_replication-load.ts";

const ROUNDS = scale(1);
const BACKLOG_BYTES = 512 * 1024;
const DIRECTIVES = [`repl-backlog-size ${BACKLOG_BYTES}`, "repl-timeout 10"];
const TROUBLE_TIMEOUT_MS = 40_000;
/** What expires does so after the millisecond that is its last one. */
const CLOCK_TICKS_MS = 20;
/** What a server says that has come upon a bug of its own. */
const BUG = /assert|BUG REPORT|TypeError|RangeError|\.ts:\d+/i;

/** What happens to the link, each of them in every round, in random order. */
// prettier-ignore
const TROUBLES = [
  "cut", "cut at rest", "cut at rest", "cuts", "outage", "outage in a payload",
  "outage in a payload", "stall", "delay", "cut in the stream",
] as const;
type Trouble = (typeof TROUBLES)[number];

class Replicated {
  readonly line: Line;
  private readonly random: Random;
  private readonly history: string[] = [];
  private troubles = 0;

  constructor(line: Line, random: Random) {
    this.line = line;
    this.random = random;
  }

  get primary(): ServerProcess {
    return this.line.servers[0];
  }

  get replica(): ServerProcess {
    return this.line.servers[1];
  }

  async round(): Promise<void> {
    await using load = await ReplicationLoad.start(this.primary, this.random);
    for (const trouble of shuffled(TROUBLES, this.random)) {
      await this.vary();
      await inTime(this.meet(trouble, load), trouble);
      await waitForLink(this.replica);
      load.isResting = false;
      const { full, partial } = await syncsOf(this.primary);
      this.history.push(`${trouble}: ${full} full, ${partial} partial`);
    }
    await load.stop();
    await Bun.sleep(LONGEST_LIFE_MS + CLOCK_TICKS_MS);
    await this.line.expectAlike();
    for (const { log } of this.line.servers) expect(log).not.toMatch(BUG);
  }

  describe(): string {
    return `${this.history.join("\n")}\n${this.line.describe()}`;
  }

  /** Every way of sending and of taking a payload gets its turn. */
  private async vary(): Promise<void> {
    const turn = this.troubles++;
    await this.primary.withClient((client) =>
      client.do(`CONFIG SET repl-diskless-sync ${turn % 2 === 0 ? "yes" : "no"}`),
    );
    await this.replica.withClient((client) =>
      client.do(`CONFIG SET repl-diskless-load ${turn % 4 < 2 ? "disabled" : "swapdb"}`),
    );
  }

  private async meet(trouble: Trouble, load: ReplicationLoad): Promise<void> {
    const { random } = this;
    const [proxy] = this.line.proxies;
    switch (trouble) {
      case "cut":
        proxy.cut();
        await Bun.sleep(random.below(30));
        return;
      case "cut at rest":
        // However long it takes to come back, what it has missed is in the backlog.
        load.isResting = true;
        proxy.cut();
        return;
      case "cuts":
        for (let i = 0; i < 5; i++) {
          proxy.cut();
          await Bun.sleep(random.below(20));
        }
        return;
      case "outage":
        await this.outage(load);
        return;
      case "outage in a payload":
        await this.outage(load, random.pick([random.below(20_000), random.below(400_000)]));
        return;
      case "stall":
        proxy.stall();
        await Bun.sleep(random.between(100, 500));
        proxy.flow();
        return;
      case "delay":
        proxy.delayMs = random.between(5, 50);
        await Bun.sleep(random.between(100, 300));
        proxy.delayMs = 0;
        return;
      case "cut in the stream": {
        const hasHappened = proxy.cutNextAfter(random.below(30_000));
        proxy.cut();
        await hasHappened;
      }
    }
  }

  /** Nothing goes through while more is written than the backlog holds. */
  private async outage(load: ReplicationLoad, cutAfterBytes?: number): Promise<void> {
    const [proxy] = this.line.proxies;
    proxy.refuse();
    load.isFast = true;
    // A backlog may hold a block more than it has to.
    const missed = (await offsetOf(this.primary)) + 1.5 * BACKLOG_BYTES;
    await waitUntil(
      async () => (await offsetOf(this.primary)) > missed,
      () => "The primary's stream does not grow",
    );
    const isCut = cutAfterBytes === undefined ? null : proxy.cutNextAfter(cutAfterBytes);
    proxy.allow();
    await isCut;
    load.isFast = false;
  }
}

function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const late = Bun.sleep(TROUBLE_TIMEOUT_MS).then(() => {
    throw new Error(`${what} does not end`);
  });
  return Promise.race([work, late]);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(random.below(left.length), 1)[0]);
}

test.each(lineups("redis redis", "redis pedis", "pedis redis", "pedis pedis"))(
  "a replica behind a bad link: $name",
  async (lineup) => {
    const random = randomFrom(seededRandom(`replication, ${lineup.name}`).seed);
    await using line = await Line.start(lineup, DIRECTIVES);
    const replicated = new Replicated(line, random);
    try {
      for (let round = 0; round < ROUNDS; round++) await replicated.round();
      const { full, partial } = await syncsOf(replicated.primary);
      console.log(`${lineup.name}: ${full} full, ${partial} partial synchronisations`);
      expect(full).toBeGreaterThanOrEqual(3 * ROUNDS);
      expect(partial).toBeGreaterThanOrEqual(2 * ROUNDS);
    } catch (problem) {
      console.log(replicated.describe());
      throw problem;
    }
  },
  60_000 + ROUNDS * 180_000,
);
