/** Small commands about the server itself. */
import { command, FAST, LOADING, READONLY, STALE } from "../../engine/command.ts";
import { REDIS_VERSION } from "../../base/version.ts";

export const time = command({
  name: "time",
  group: "server",
  since: "2.6.0",
  summary: "Returns the server's unix time in seconds and microseconds.",
  complexity: "O(1)",
  arity: 1,
  flags: LOADING | STALE | FAST,
  tips: ["nondeterministic_output"],
  run(call) {
    const nowUs = call.engine.clock.wallUs();
    call.reply.array(2);
    call.reply.bulkInteger(Math.floor(nowUs / 1e6));
    call.reply.bulkInteger(nowUs % 1e6);
  },
});

export const lolwut = command({
  name: "lolwut",
  group: "server",
  since: "5.0.0",
  summary: "Draws a picture and tells the version.",
  complexity: "",
  arity: -1,
  flags: READONLY | FAST,
  args: [{ name: "version", type: "integer", token: "VERSION", optional: true }],
  run(call) {
    // Every version draws the same.
    if (call.count > 2 && call.is(1, "VERSION")) call.integer(2);
    if (call.refused()) return;
    call.reply.verbatim(`${garden(() => call.engine.random.word())}Redis ver. ${REDIS_VERSION}\n`);
  },
});

const ROWS = 8;
const COLUMNS = 60;

/** A row of plants, each of its own height and flower. */
function garden(word: () => number): string {
  const heights: number[] = [];
  const flowers: string[] = [];
  for (let column = 0; column < COLUMNS; column++) {
    heights.push(column % 4 === 0 ? 1 + (word() % (ROWS - 1)) : 0);
    flowers.push("*o@%&+"[word() % 6]);
  }
  let picture = "";
  for (let row = ROWS; row > 0; row--) {
    for (let column = 0; column < COLUMNS; column++) {
      const height = heights[column];
      picture += height === row ? flowers[column] : height > row ? "|" : " ";
    }
    picture = `${picture.trimEnd()}\n`;
  }
  return `${picture}${"~".repeat(COLUMNS)}\n`;
}
