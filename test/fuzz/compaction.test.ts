/**
 * Random changes of all types while random pages of the arenas are emptied under them, step by
 * step. A second engine, fed with the effects, is left in peace: both must hold the same.
 */
import { expect, test } from "bun:test";
import { Compaction } from "../../src/keyspace/compaction.ts";
import { type Asker, type Content, contentOf, differences } from "../support/content.ts";
import { changes, filling } from "../support/changes.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";

const OPTIONS = { keys: 6, hugeSize: 5000, databases: 3, hasFieldExpiry: true };
const WALKS = 6;
const THRESHOLDS = [
  [],
  ["hash-max-listpack-entries 8", "zset-max-listpack-entries 8", "set-max-listpack-entries 8"],
  ["list-max-listpack-size 5", "stream-node-max-entries 7", "set-max-intset-entries 8"],
  ["hash-max-listpack-value 20", "zset-max-listpack-value 10"],
];

const { seed } = seededRandom("compaction");

test.each(Array.from({ length: scale(2) }, (_, i) => i))("round %d", async (round) => {
  const random = randomFrom(seed + round);
  const [local, other] = [newEngine(), newEngine()];
  local.recordEffects();
  for (const line of random.pick(THRESHOLDS)) {
    for (const engine of [local, other]) engine.do(`CONFIG SET ${line}`);
  }
  for (const command of filling(random, OPTIONS)) local.do(...command);
  const { keyspace, context } = local.engine;
  const compaction = new Compaction(keyspace);
  const stream = changes(random, OPTIONS);
  for (let walk = 0; walk < WALKS; walk++) {
    const database = local.database(random.below(OPTIONS.databases));
    const share = random.pick([0.1, 0.5, 1]);
    database.arena.beginLeaving(() => random.chance(share));
    compaction.follow(database);
    const pace = random.pick([0, 1, 5]);
    const slice = random.pick([1, 3, 20]);
    for (;;) {
      for (let i = random.between(0, pace); i > 0; i--) local.do(...stream.next().value);
      if (random.chance(0.02)) local.pass(random.below(100));
      if (random.chance(0.02)) local.expire();
      let steps = 0;
      const isLast = !compaction.step(() => ++steps >= slice);
      // What is deleted is freed bit by bit, and nobody's meanwhile.
      if (random.chance(0.5)) context.reclaimer.run(500);
      if (isLast) break;
    }
    if (pace === 0 && context.reclaimer.isEmpty) expect(compaction.pagesLeft).toBe(0);
  }
  // Ten thousand are usual; how little the chosen pages may hold is chance.
  expect(compaction.figures.hits).toBeGreaterThan(50);
  // What has expired is still shown where removals only come in.
  local.expire();
  local.feed(other);
  expect(differences(await contentIn(local), await contentIn(other))).toEqual([]);
  for (const engine of [local, other]) engine.do("FLUSHALL");
  expect(keyspace.blockBytes).toBe(0);
});

function newEngine(): LocalEngine {
  const local = new LocalEngine();
  local.engine.allowsProtected = () => true;
  return local;
}

async function contentIn(local: LocalEngine): Promise<Content> {
  local.do("SELECT 0");
  const asker: Asker = {
    do: (...command) => Promise.resolve(local.request(...command)),
    value: (...command) => Promise.resolve(local.do(...command)),
    pipeline: (commands) => Promise.resolve(commands.map((command) => local.request(...command))),
  };
  const content = await contentOf(asker, {
    hasFieldExpiry: true,
    isRebuilt: true,
    hasNoEncodings: true,
  });
  return { ...content, digest: "" };
}
