/**
 * How much of its memory a server gives back within a minute after nine of ten keys are deleted,
 * which leaves some of the others in every part of the memory, and how long a client that pings
 * has to wait meanwhile. What the rest needs is what a server holds that never had more. All
 * figures are net, less what the server held before the keys.
 */
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import { startPinging } from "../support/pinging.ts";
import { settledBytes } from "../support/process-usage.ts";
import { type Comparison, readable, worst } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { warmUp } from "./baseline.ts";

export const GIVING_BACK_NAME = "giving-back";

interface Fillings {
  readonly all: Filling;
  /** Leaves the keys that end in 0. */
  readonly deletion: Filling;
  /** Those keys alone. */
  readonly rest: Filling;
}

interface GivingBackFigures {
  readonly restToNeed: number;
  readonly totalToNeed: number;
  readonly seconds: number;
  readonly megabytesBefore: number;
  readonly megabytesAfter: number;
  readonly longestMs: number;
  readonly longestRunningMs: number;
}

const KEYS = 5_000_000;
const QUICK_KEYS = 50_000;
const TEN = 10;
const DELETED = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const MINUTE_MS = 60_000;
const QUICK_MINUTE_MS = 300;
const SAMPLES = 120;
const MOST = 1.3;
const LONGEST_MS = 5;
const REST_MS = 1_000;
const QUICK_REST_MS = 20;
/** So few at once that what is queued before a ping costs well below a millisecond. */
const DEPTH = 20;

export function measureGivingBack(contest: Contest, scale: Scale): Promise<readonly Comparison[]> {
  const title = "90 % of 5M strings deleted";
  return takeTurns(
    { name: GIVING_BACK_NAME, contest, scale },
    (program) => giveBack(program, scale.quick),
    [
      {
        figure: "restToNeed",
        title: `${title}: net after a minute ÷ what the rest needs`,
        unit: "",
        target: { of: "pedis", atMost: MOST },
      },
      {
        figure: "totalToNeed",
        title: `${title}: total after a minute ÷ total of a server with the rest alone`,
        unit: "",
        target: null,
      },
      {
        figure: "seconds",
        title: `${title}: until below ${MOST} (60: not within the minute)`,
        unit: "s",
        target: null,
      },
      { figure: "megabytesBefore", title: `${title}: net before`, unit: "MB", target: null },
      { figure: "megabytesAfter", title: `${title}: net after a minute`, unit: "MB", target: null },
      {
        figure: "longestMs",
        title: `${title}: longest PING meanwhile`,
        unit: "ms",
        target: { of: "pedis", atMost: LONGEST_MS },
        over: worst,
      },
      {
        figure: "longestRunningMs",
        title: `${title}: longest PING, less the server's waits for a processor`,
        unit: "ms",
        target: null,
        over: worst,
      },
    ],
    ({ restToNeed, seconds, longestMs }) =>
      `${readable(restToNeed)} of the need, ${readable(seconds)} s, ` +
      `longest PING ${readable(longestMs)} ms`,
  );
}

function fillings(keys: number): Fillings {
  const count = keys / TEN;
  const names = DELETED.map((digit) => `key:{i:11}${digit}`);
  return {
    all: { request: ["SET", "key:{i}", "val:{i}"], count: keys },
    deletion: { request: ["DEL", ...names], count, depth: DEPTH },
    rest: { request: ["SET", "key:{i:11}0", "val:{i:11}0"], count },
  };
}

async function giveBack(program: Program, quick: boolean): Promise<GivingBackFigures> {
  const { all, deletion, rest } = fillings(quick ? QUICK_KEYS : KEYS);
  const restMs = quick ? QUICK_REST_MS : REST_MS;
  const { needBytes, totalBytes } = await needOf(program, rest, restMs);
  await using server = await startContestant(program);
  const idleBytes = await warmUp(server, [all], restMs);
  await load(server.port, all);
  const fullBytes = await settledBytes(server.pid, restMs);
  const pinging = await startPinging(server);
  await load(server.port, deletion);
  const enoughBytes = idleBytes + MOST * needBytes;
  const seconds = await secondsUntil(server, enoughBytes, quick ? QUICK_MINUTE_MS : MINUTE_MS);
  const { maxMs, maxRunningMs } = await pinging.end();
  const leftBytes = (await settledBytes(server.pid, QUICK_REST_MS)) - idleBytes;
  return {
    restToNeed: leftBytes / needBytes,
    totalToNeed: (idleBytes + leftBytes) / totalBytes,
    seconds,
    megabytesBefore: (fullBytes - idleBytes) / 1024 ** 2,
    megabytesAfter: leftBytes / 1024 ** 2,
    longestMs: maxMs,
    longestRunningMs: maxRunningMs,
  };
}

interface Need {
  readonly needBytes: number;
  readonly totalBytes: number;
}

async function needOf(program: Program, rest: Filling, restMs: number): Promise<Need> {
  await using server = await startContestant(program);
  const idleBytes = await warmUp(server, [cutDown(rest, rest.count / TEN)], restMs);
  await load(server.port, rest);
  const totalBytes = await settledBytes(server.pid, restMs);
  return { needBytes: totalBytes - idleBytes, totalBytes };
}

/**
 * Lets all of the time pass; how much of it did before the server held so little. Looked at are
 * figures that cost the server nothing, unlike the exact ones, for which its memory is walked.
 */
async function secondsUntil(
  server: ServerProcess,
  enoughBytes: number,
  limitMs: number,
): Promise<number> {
  const startedMs = performance.now();
  let reachedMs = limitMs;
  for (let sample = 0; sample < SAMPLES; sample++) {
    await Bun.sleep(limitMs / SAMPLES);
    const isEnough = server.residentBytes() <= enoughBytes;
    if (!isEnough) reachedMs = limitMs;
    else if (reachedMs === limitMs) reachedMs = performance.now() - startedMs;
  }
  return reachedMs / 1000;
}
