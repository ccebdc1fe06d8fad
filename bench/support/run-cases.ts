/** Runs cases one by one; one that fails is noted and does not keep the others from running. */
import { checkNotEnding } from "./lifetime.ts";
import type { Failure } from "./report.ts";

interface Named {
  readonly name: string;
}

export async function runCases<Case extends Named>(
  cases: readonly Case[],
  run: (one: Case) => Promise<unknown>,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  for (const one of cases) {
    try {
      await run(one);
    } catch (problem) {
      checkNotEnding();
      const reason = problem instanceof Error ? problem.message : "?";
      failures.push({ name: one.name, reason });
    }
  }
  return failures;
}

/** What each figure is of so many rounds. */
export function ofRounds(rounds: number): string {
  return rounds === 1 ? "1 round" : `medians of ${rounds} rounds`;
}
