/**
 * What the benchmarks print. A comparison is one figure of both servers, judged by their ratio
 * (pedis ÷ redis) or by Pedis's figure alone; lower is better unless its target is a least one.
 */
import { writeFileSync } from "node:fs";
import type { Pair } from "./contest.ts";

/** What is held against a limit, pedis ÷ redis or Pedis's own figure, and the limit. */
export type Target = { readonly of: "ratio" | "pedis" } & (
  | { readonly atMost: number }
  | { readonly atLeast: number }
);

export interface Comparison {
  /** The case it belongs to. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly figures: Pair<number>;
  readonly target: Target | null;
}

/** A case that could not be measured. */
export interface Failure {
  readonly name: string;
  readonly reason: string;
}

/** A cell of figures, perhaps two of them and a mark. */
const FIGURES = /^[-\d.,?/✓✗ ]*$/;
const COMPARISON_HEADS = ["", "unit", "pedis", "redis", "ratio", "target"];

export function comparisonTable(comparisons: readonly Comparison[], markdown: boolean): string {
  const rows = comparisons.map(({ title, unit, figures, target }) => {
    const ratio = figures.pedis / figures.redis;
    const judged = target?.of === "ratio" ? ratio : figures.pedis;
    return [
      title,
      unit,
      readable(figures.pedis),
      readable(figures.redis),
      Number.isFinite(ratio) ? ratio.toFixed(2) : readable(ratio),
      target === null ? "" : judgement(judged, target),
    ];
  });
  return table(COMPARISON_HEADS, rows, markdown);
}

function judgement(value: number, target: Target): string {
  const { of } = target;
  if ("atMost" in target) return `${of} ≤ ${target.atMost} ${mark(value, target.atMost)}`;
  return `${of} ≥ ${target.atLeast} ${mark(target.atLeast, value)}`;
}

/** Whether the target is hit. */
export function mark(value: number, atMost: number): string {
  return value <= atMost ? "✓" : "✗";
}

/**
 * Columns aligned by padding, those of nothing but figures to the right. As Markdown it is the same
 * text between bars.
 */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  markdown: boolean,
): string {
  const lines = [heads, ...rows];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => line[column].length), 3));
  const isText = heads.map((_, column) => !rows.every((row) => FIGURES.test(row[column])));
  const cells = (line: readonly string[]) =>
    line.map((cell, column) =>
      isText[column] ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
    );
  const rule = widths.map((width, column) =>
    isText[column] ? "-".repeat(width) : `${"-".repeat(width - 1)}:`,
  );
  const [head, ...body] = lines.map(cells);
  if (markdown) {
    return [head, rule, ...body].map((line) => `| ${line.join(" | ")} |`).join("\n");
  }
  const plainRule = widths.map((width) => "-".repeat(width));
  return [head, plainRule, ...body].map((line) => line.join("  ").trimEnd()).join("\n");
}

/** Three digits that count, and no fraction from 100 upwards. */
export function readable(value: number): string {
  if (!Number.isFinite(value)) return "?";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function worst(values: readonly number[]): number {
  return Math.max(...values);
}

/** Prints what failed, writes the JSON if asked to, and gives the exit code. */
export function finish(
  failures: readonly Failure[],
  jsonPath: string | null,
  results: Readonly<Record<string, unknown>>,
): number {
  for (const { name, reason } of failures) console.log(`\n${name} failed: ${reason}`);
  if (jsonPath !== null) {
    writeFileSync(jsonPath, `${JSON.stringify({ ...results, failures }, null, 2)}\n`);
  }
  return failures.length === 0 ? 0 : 1;
}

/** What is going on, for the person waiting; not part of the output. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
