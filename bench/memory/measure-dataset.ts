/**
 * What a dataset costs. Net per item is (resident after − resident before) ÷ items: what the data
 * costs, without the runtime (see `baseline.ts`), which has done the very same once before. Total
 * is that with what the server held when it started: what the operator pays. Peak ÷ final is the
 * most the process held while it was loaded, against what it holds afterwards, both without what
 * was loaded before.
 */
import type { Program } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { cutDown, elementCount, type Filling, load } from "../support/loader.ts";
import { peakBytes, resetPeak, settledBytes } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { warmUp } from "./baseline.ts";
import type { Dataset } from "./datasets.ts";
import { type Scale, takeTurns } from "../support/turns.ts";

const QUICK_ITEMS = 5_000;
const PEAK_AT_MOST = 1.3;
const REST_MS = 1_000;
const QUICK_REST_MS = 20;

interface DatasetFigures {
  readonly netBytes: number;
  readonly totalBytes: number;
  readonly peakToFinal: number;
}

export async function measureDataset(
  dataset: Dataset,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const { name, title } = dataset;
  const filling = scale.quick ? cutDown(dataset.filling, QUICK_ITEMS) : dataset.filling;
  const restMs = scale.quick ? QUICK_REST_MS : REST_MS;
  return takeTurns(
    { name, contest, scale },
    (program) => fill(program, filling, restMs),
    [
      {
        figure: "netBytes",
        title: `${title}: net`,
        unit: "B/item",
        target: dataset.atMost === null ? null : { of: "ratio", atMost: dataset.atMost },
      },
      { figure: "totalBytes", title: `${title}: total`, unit: "B/item", target: null },
      {
        figure: "peakToFinal",
        title: `${title}: peak ÷ final`,
        unit: "",
        target: { of: "pedis", atMost: PEAK_AT_MOST },
      },
    ],
    ({ netBytes, totalBytes }) => `${readable(netBytes)} net, ${readable(totalBytes)} total`,
  );
}

async function fill(program: Program, filling: Filling, restMs: number): Promise<DatasetFigures> {
  const items = elementCount(filling);
  await using server = await startContestant(program);
  const started = await settledBytes(server.pid, restMs);
  const before = await warmUp(server, [filling], restMs, items);
  resetPeak(server.pid);
  await load(server.port, filling);
  const warmed = before - started;
  const peak = peakBytes(server.pid) - warmed;
  const after = (await settledBytes(server.pid, restMs)) - warmed;
  return {
    netBytes: (after - started) / items,
    totalBytes: after / items,
    peakToFinal: peak / after,
  };
}
