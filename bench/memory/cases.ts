/** All cases, in the order in which they are measured. */
import type { Contest } from "../support/contest.ts";
import type { Comparison } from "../support/report.ts";
import type { Scale } from "../support/turns.ts";
import { DATASETS } from "./datasets.ts";
import { FRAGMENTATIONS, measureFragmentation } from "./fragmentation.ts";
import { GIVING_BACK_NAME, measureGivingBack } from "./giving-back.ts";
import { HIT_CASES } from "./hits.ts";
import { HUNDRED_MILLION_NAME, measureHundredMillion } from "./hundred-million.ts";
import { CONNECTIONS_NAME, IDLE_NAME, measureConnections, measureIdle } from "./idle.ts";
import { measureDataset } from "./measure-dataset.ts";

export interface MemoryCase {
  readonly name: string;
  readonly run: (contest: Contest, scale: Scale) => Promise<readonly Comparison[]>;
}

export const MEMORY_CASES: readonly MemoryCase[] = [
  { name: IDLE_NAME, run: measureIdle },
  { name: CONNECTIONS_NAME, run: measureConnections },
  ...DATASETS.map((dataset) => ({
    name: dataset.name,
    run: (contest: Contest, scale: Scale) => measureDataset(dataset, contest, scale),
  })),
  ...FRAGMENTATIONS.map((fragmentation) => ({
    name: fragmentation.name,
    run: (contest: Contest, scale: Scale) => measureFragmentation(fragmentation, contest, scale),
  })),
  { name: GIVING_BACK_NAME, run: measureGivingBack },
  ...HIT_CASES,
];

/** Measured only where they are named: not every machine can. */
export const NAMED_CASES: readonly MemoryCase[] = [
  { name: HUNDRED_MILLION_NAME, run: measureHundredMillion },
];
