/** An event's spikes as columns of text, newest to the right, scaled between min and max. */
import type { LatencyEvent } from "../../engine/latency-monitor.ts";

const ROWS = 4;
const MAX_COLUMNS = 80;
const BLANK = " ";

export function graphOf(name: string, event: LatencyEvent, nowSeconds: number): string {
  const spikes = event.spikes.slice(-MAX_COLUMNS);
  const values = spikes.map((spike) => spike.latencyMs);
  const low = Math.min(...values);
  const high = Math.max(...values);
  let text = `${name} - high ${high} ms, low ${low} ms (all time high ${event.maxMs} ms)\n`;
  text += `${"-".repeat(80)}\n`;
  for (let row = ROWS - 1; row >= 0; row--) text += `${rowOf(values, low, high, row)}\n`;
  const ages = spikes.map((spike) => ageText(nowSeconds - spike.atSeconds));
  const depth = Math.max(...ages.map((age) => age.length));
  text += "\n";
  for (let row = 0; row < depth; row++) {
    text += `${ages.map((age) => age[row] ?? BLANK).join("")}\n`;
  }
  return text;
}

/** One line: `#` where the column reaches into the row, `_` where it ends at its foot. */
function rowOf(values: readonly number[], low: number, high: number, row: number): string {
  const span = Math.max(1, high - low);
  return values
    .map((value) => {
      const level = ((value - low) / span) * (ROWS - 1);
      if (level > row) return "|";
      if (Math.round(level) === row) return row === 0 ? "_" : "o";
      return BLANK;
    })
    .join("");
}

function ageText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86400)}d`;
}
