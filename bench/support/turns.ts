/** Measures both servers in turns and compares the medians of each figure. */
import type { Program } from "../../test/support/server.ts";
import { type Contest, SIDES } from "./contest.ts";
import { checkNotEnding } from "./lifetime.ts";
import { type Comparison, median, progress, type Target } from "./report.ts";

export interface Scale {
  readonly rounds: number;
  readonly quick: boolean;
}

export interface Turns {
  readonly name: string;
  readonly contest: Contest;
  readonly scale: Scale;
}

/** How one of the figures measured is shown. */
export interface Shown<Figures> {
  readonly figure: keyof Figures;
  readonly title: string;
  readonly unit: string;
  readonly target: Target | null;
  /** What is shown of several rounds; the median unless told. */
  readonly over?: (values: readonly number[]) => number;
}

export async function takeTurns<Figures extends { readonly [name in keyof Figures]: number }>(
  { name, contest, scale: { rounds } }: Turns,
  measure: (program: Program) => Promise<Figures>,
  shown: readonly Shown<Figures>[],
  summary: (figures: Figures) => string,
): Promise<readonly Comparison[]> {
  const taken: Record<(typeof SIDES)[number], Figures[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const figures = await measure(contest.programs[side]);
      taken[side].push(figures);
      progress(`${name} ${round}/${rounds} ${side}: ${summary(figures)}`);
    }
  }
  return shown.map(({ figure, title, unit, target, over = median }) => {
    const of = (side: (typeof SIDES)[number]) =>
      over(taken[side].map((figures) => figures[figure]));
    return { name, title, unit, figures: { pedis: of("pedis"), redis: of("redis") }, target };
  });
}
