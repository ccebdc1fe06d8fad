/** All cases, in the order in which they are measured. */
import type { Contest } from "../support/contest.ts";
import type { Comparison } from "../support/report.ts";
import type { Scale } from "../support/turns.ts";
import { measureApplying, measureCatchingUp } from "./applying.ts";
import { measureFullSync, TRANSFERS } from "./full-sync.ts";
import { measureReplicaCost } from "./replica-cost.ts";

interface Case {
  readonly name: string;
  readonly run: (contest: Contest, scale: Scale) => Promise<readonly Comparison[]>;
}

export const REPLICATION_CASES: readonly Case[] = [
  { name: "replica-cost", run: (...of) => measureReplicaCost("replica-cost", ...of) },
  ...TRANSFERS.map((transfer) => ({
    name: transfer.name,
    run: (contest: Contest, scale: Scale) => measureFullSync(transfer, contest, scale),
  })),
  { name: "applying", run: (...of) => measureApplying("applying", ...of) },
  { name: "catching-up", run: (...of) => measureCatchingUp("catching-up", ...of) },
];
