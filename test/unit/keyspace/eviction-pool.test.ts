import { expect, test } from "bun:test";
import { EvictionPool } from "../../../src/keyspace/eviction-pool.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("eviction pool");
const PLACES = 16;

test("an empty pool has nothing to take", () => {
  const pool = new EvictionPool();
  expect(pool.take()).toBe(false);
  pool.offer(1, 2, 3, 4);
  pool.clear();
  expect(pool.take()).toBe(false);
});

test("the best sixteen of what is offered come out, the best first, as they were offered", () => {
  for (let round = 0; round < scale(300); round++) {
    const pool = new EvictionPool();
    let model: { score: number; hash: number }[] = [];
    for (let i = 0; i < 60; i++) {
      if (random.below(4) === 0) {
        const best = model.pop();
        expect(pool.take()).toBe(best !== undefined);
        if (best !== undefined) {
          const { score, hash, ref, database } = pool;
          expect([score, hash, ref, database]).toEqual([
            best.score,
            best.hash,
            best.hash + 1,
            best.hash + 2,
          ]);
        }
      } else {
        // No two are equal: which of equals is kept is nobody's concern.
        const score = random.below(1000) * 1000 + i;
        pool.offer(score, i, i + 1, i + 2);
        model.push({ score, hash: i });
        model = model.toSorted((a, b) => a.score - b.score).slice(-PLACES);
      }
    }
  }
});

test("times far away are told apart", () => {
  const pool = new EvictionPool();
  pool.offer(-(2 ** 52), 1, 1, 0);
  pool.offer(-(2 ** 52) + 1, 2, 2, 0);
  expect(pool.take()).toBe(true);
  expect(pool.hash).toBe(2);
});
