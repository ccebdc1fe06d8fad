/**
 * What a micro-benchmark is. Each file beside this one exports the benchmarks of one subject, and
 * `subjects.ts` lists them.
 *
 * A body does the same work each time it is called and returns a number that follows from that
 * work, which `expected` must equal: so the work can't be optimised away, and the tests notice a
 * benchmark that no longer does what its name says.
 */
export interface MicroBenchmark {
  /** What one operation is. */
  readonly name: string;
  /** Builds what the body works on, for so many items, and gives the body. */
  readonly prepare: (itemCount: number) => Body;
}

export interface Body {
  /** Operations that one run does; figures are per operation. */
  readonly operations: number;
  readonly expected: number;
  readonly run: () => number;
}

export interface Subject {
  readonly name: string;
  readonly benchmarks: readonly MicroBenchmark[];
}

/** Operations of a body over `itemCount` items: enough to make one run's overhead vanish. */
export function operationsFor(itemCount: number): number {
  return Math.min(itemCount, 4096);
}
