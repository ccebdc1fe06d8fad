/**
 * What holes cost: work that leaves them, and then resident memory against what the server says
 * that it uses (`used_memory`), both less what they were before; once after some rest, and the
 * worst moment of the work itself. Adding a kind of work is one row.
 */
import { randomFrom } from "../../test/support/random.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { infoFields } from "../support/info.ts";
import { type Filling, load } from "../support/loader.ts";
import { settledBytes } from "../support/process-usage.ts";
import { type Comparison, readable, worst } from "../support/report.ts";
import { sendBatches } from "../support/string-requests.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { usedBytes, warmUp } from "./baseline.ts";

export interface Fragmentation {
  readonly name: string;
  readonly title: string;
  /** Does it; of the amounts only a part. */
  readonly work: (port: number, part: number) => Promise<void>;
}

interface FragmentationFigures {
  readonly atRest: number;
  readonly atWorst: number;
  readonly usedMegabytes: number;
}

export const FRAGMENTATIONS: readonly Fragmentation[] = [
  {
    name: "growing-values",
    title: "1M values growing from 50 to 400 bytes",
    work: (port, part) => growValues(port, 1_000_000 * part, [50, 90, 150, 250, 400]),
  },
  {
    name: "mixed-sizes",
    title: "200k values of 10 to 2,000 bytes, replaced 1M times",
    work: (port, part) => replaceValues(port, 200_000 * part, 1_200_000 * part),
  },
  {
    name: "changing-collections",
    title: "100k lists and hashes growing and shrinking",
    work: changeCollections,
  },
];

const QUICK_PART = 0.01;
const AT_MOST = 1.25;
const REST_MS = 20_000;
const QUICK_REST_MS = 20;
const SAMPLE_EVERY_MS = 200;
const QUICK_SAMPLE_EVERY_MS = 10;
/** Below, the server's own ups and downs count for more than holes. */
const COUNTED_FROM_BYTES = 64 * 1024 ** 2;
const QUICK_COUNTED_FROM_BYTES = 100_000;
const CONNECTIONS = 2;
const AT_ONCE = 50;
const SEED = 7;
const LEAST_BYTES = 10;
const MOST_BYTES = 2_000;
/** Prime to 10, as all of the series, so that multiples reach each of 10^n keys once. */
const STRIDE = 386_117_407;
const STRIDE_STEP = 10;
const WARM_UP: Filling = { request: ["SET", "key:{i}", "val:{i}"], count: 50_000 };

export function measureFragmentation(
  { name, title, work }: Fragmentation,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  return takeTurns(
    { name, contest, scale },
    (program) => fragment(program, work, scale.quick),
    [
      {
        figure: "atRest",
        title: `${title}: net ÷ used_memory`,
        unit: "",
        target: { of: "pedis", atMost: AT_MOST },
      },
      {
        figure: "atWorst",
        title: `${title}: net ÷ used_memory at worst`,
        unit: "",
        target: null,
        over: worst,
      },
      { figure: "usedMegabytes", title: `${title}: used_memory`, unit: "MB", target: null },
    ],
    ({ atRest, atWorst }) => `${readable(atRest)}, at worst ${readable(atWorst)}`,
  );
}

async function fragment(
  program: Program,
  work: Fragmentation["work"],
  quick: boolean,
): Promise<FragmentationFigures> {
  await using server = await startContestant(program);
  const idleBytes = await warmUp(server, [WARM_UP], quick ? QUICK_REST_MS : REST_MS / 10);
  const usedBefore = await usedBytes(server);
  using watch = new Watch(server, idleBytes, usedBefore, quick);
  await work(server.port, quick ? QUICK_PART : 1);
  const atWorst = await watch.end();
  const net = (await settledBytes(server.pid, quick ? QUICK_REST_MS : REST_MS)) - idleBytes;
  const used = (await usedBytes(server)) - usedBefore;
  return { atRest: net / used, atWorst, usedMegabytes: used / 1024 ** 2 };
}

/** Sees the worst of it, as far as it has held enough to tell. */
class Watch implements Disposable {
  private isOver = false;
  private worst = 0;
  private readonly watching: Promise<void>;

  constructor(server: ServerProcess, idleBytes: number, usedBefore: number, quick: boolean) {
    const everyMs = quick ? QUICK_SAMPLE_EVERY_MS : SAMPLE_EVERY_MS;
    const least = quick ? QUICK_COUNTED_FROM_BYTES : COUNTED_FROM_BYTES;
    this.watching = server.withClient(async (client) => {
      for (let isLast = false; !isLast;) {
        isLast = this.isOver;
        const { used_memory } = await infoFields(client, "memory");
        const used = Number(used_memory) - usedBefore;
        const net = server.residentBytes() - idleBytes;
        if (used >= least) this.worst = Math.max(this.worst, net / used);
        await Bun.sleep(everyMs);
      }
    });
  }

  async end(): Promise<number> {
    this.isOver = true;
    await this.watching;
    return this.worst;
  }

  [Symbol.dispose](): void {
    this.isOver = true;
  }
}

/** Every value is replaced by a larger one, in another order for each size. */
async function growValues(port: number, keys: number, sizes: readonly number[]): Promise<void> {
  let count = 0;
  await sendBatches(port, CONNECTIONS, (requests) => {
    while (requests.sets < AT_ONCE && count < keys * sizes.length) {
      const round = Math.floor(count / keys);
      requests.set(((count % keys) * (STRIDE + STRIDE_STEP * round)) % keys, sizes[round]);
      count++;
    }
    return null;
  });
}

async function replaceValues(port: number, keys: number, sets: number): Promise<void> {
  const random = randomFrom(SEED);
  let count = 0;
  await sendBatches(port, CONNECTIONS, (requests) => {
    while (requests.sets < AT_ONCE && count < sets) {
      const key = count < keys ? count : random.below(keys);
      requests.set(key, random.between(LEAST_BYTES, MOST_BYTES));
      count++;
    }
    return null;
  });
}

/** In rounds, of which each makes random ones longer and others shorter. */
async function changeCollections(port: number, part: number): Promise<void> {
  const count = 150_000 * part;
  const digits = part === 1 ? 5 : 3;
  const list = `list:{r:${digits}}`;
  const hash = `hash:{r:${digits}}`;
  for (let round = 0; round < 5; round++) {
    const first = round * count;
    const rounds: readonly Filling[] = [
      { request: ["RPUSH", list], each: ["item:{n:8}:{r:9}"], elements: 8, count, first },
      { request: ["HSET", hash], each: ["field:{r:2}", "v{n}"], elements: 6, count, first },
      { request: ["LTRIM", list, "5", "40"], count, first: first + 1 },
      { request: ["HDEL", hash], each: ["field:{r:2}"], elements: 12, count, first: first + 2 },
    ];
    for (const filling of rounds) await load(port, filling);
  }
}
