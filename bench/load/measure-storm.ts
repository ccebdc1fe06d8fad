/** How long a storm lasts, and how long a pinging client waits meanwhile. */
import type { Program } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import type { PingReport } from "../support/pinger.ts";
import { startPinging } from "../support/pinging.ts";
import { type Comparison, readable, worst } from "../support/report.ts";
import { takeTurns } from "../support/turns.ts";
import type { LoadScale } from "./measure-load.ts";
import type { Storm } from "./storms.ts";

interface StormFigures extends Pick<PingReport, "p999Ms" | "maxMs" | "maxRunningMs"> {
  /** From the beginning of the storm's second until nothing is left. */
  readonly overAfterSeconds: number;
}

const AT_MOST_MS = 10;
const AT_MOST_SECONDS = 5;
/** What loading may take at first, the start of the pinger included. */
const LOAD_MS = 8_000;
const QUICK_LOAD_MS = 1_500;
const PINGER_START_MS = 500;
const QUICK_ELEMENTS = 2_000;
const POLL_MS = 20;
const LIMIT_MS = 120_000;
/** Large values may be freed after their keys have gone. */
const AFTERMATH_MS = 500;

export function measureStorm(
  storm: Storm,
  contest: Contest,
  scale: LoadScale,
): Promise<readonly Comparison[]> {
  const { name, title } = storm;
  return takeTurns(
    { name, contest, scale },
    (program) => weather(program, storm, scale.quick),
    [
      {
        figure: "overAfterSeconds",
        title: `${title} expire within one second: until the last has gone`,
        unit: "s",
        target: { of: "pedis", atMost: AT_MOST_SECONDS },
      },
      { figure: "p999Ms", title: `PING while ${title} expire, p99.9`, unit: "ms", target: null },
      {
        figure: "maxMs",
        title: `PING while ${title} expire, longest of all rounds`,
        unit: "ms",
        target: { of: "pedis", atMost: AT_MOST_MS },
        over: worst,
      },
      {
        figure: "maxRunningMs",
        title: `PING while ${title} expire, longest, less the server's waits for a processor`,
        unit: "ms",
        target: null,
        over: worst,
      },
    ],
    ({ overAfterSeconds, maxMs }) =>
      `over after ${readable(overAfterSeconds)} s, longest ${readable(maxMs)} ms`,
  );
}

async function weather(program: Program, storm: Storm, quick: boolean): Promise<StormFigures> {
  const isAble = program.name === "pedis" || storm.isPedisOnly !== true;
  if (!isAble) return { overAfterSeconds: NaN, p999Ms: NaN, maxMs: NaN, maxRunningMs: NaN };
  for (let loadMs = quick ? QUICK_LOAD_MS : LOAD_MS; loadMs < LIMIT_MS; loadMs *= 2) {
    const figures = await weatherAfter(loadMs, program, storm, quick);
    if (figures !== null) return figures;
  }
  throw new Error("Not loaded before the storm");
}

/** Null where that was too early for everything to be there. */
async function weatherAfter(
  loadMs: number,
  program: Program,
  storm: Storm,
  quick: boolean,
): Promise<StormFigures | null> {
  await using server = await startContestant(program, storm.directives);
  const fromSeconds = Math.ceil((Date.now() + loadMs) / 1000);
  const fromMs = fromSeconds * 1000;
  for (const filling of storm.fillings) {
    const timed = within(fromSeconds, filling);
    await load(server.port, quick ? cutDown(timed, QUICK_ELEMENTS) : timed);
  }
  if (Date.now() > fromMs - PINGER_START_MS) return null;
  const pinging = await startPinging(server);
  await using client = await server.connect();
  if ((await client.value(storm.countedBy)) === 0) throw new Error("Nothing is there to expire");
  await Bun.sleep(fromMs + 1000 - Date.now());
  while ((await client.value(storm.countedBy)) !== 0) {
    if (Date.now() > fromMs + LIMIT_MS) throw new Error(`Not over after ${LIMIT_MS} ms`);
    await Bun.sleep(POLL_MS);
  }
  const overAfterSeconds = (Date.now() - fromMs) / 1000;
  await Bun.sleep(quick ? 0 : AFTERMATH_MS);
  return { ...(await pinging.end()), overAfterSeconds };
}

/** The filling with times spread over the second that begins then. */
function within(fromSeconds: number, filling: Filling): Filling {
  const request = filling.request.map((word) => word.replace("{at}", `${fromSeconds}{r:3}`));
  return { ...filling, request };
}
