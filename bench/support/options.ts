/** The command line that the benchmarks against redis-server share. */
import { parseArgs } from "node:util";

export interface Options {
  /** The executable to measure. */
  readonly pedisPath: string;
  readonly rounds: number;
  /** A part of the names of the cases to run, or one whole name. */
  readonly filter: string | null;
  /** Where to write the results as JSON. */
  readonly jsonPath: string | null;
  /** Tiny counts: shows that everything runs, measures nothing of worth. */
  readonly quick: boolean;
  readonly markdown: boolean;
}

const BUILT_BINARY = new URL("../../pedis-server", import.meta.url).pathname;
const DEFAULT_ROUNDS = 3;

export function readOptions(program: string): Options {
  const { values } = parseArgs({
    options: {
      pedis: { type: "string", default: BUILT_BINARY },
      rounds: { type: "string" },
      filter: { type: "string" },
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage(program));
    process.exit(0);
  }
  const rounds = Number(values.rounds ?? (values.quick ? 1 : DEFAULT_ROUNDS));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds takes a count from 1");
  return {
    pedisPath: values.pedis,
    rounds,
    filter: values.filter ?? null,
    jsonPath: values.json ?? null,
    quick: values.quick,
    markdown: values.markdown,
  };
}

/** The cases that the filter names: the one so called, or else all whose name contains it. */
export function selectCases<T extends { readonly name: string }>(
  cases: readonly T[],
  filter: string | null,
): readonly T[] {
  if (filter === null) return cases;
  const exact = cases.filter(({ name }) => name === filter);
  const chosen = exact.length > 0 ? exact : cases.filter(({ name }) => name.includes(filter));
  if (chosen.length === 0) {
    throw new Error(`No case is named ${filter}: ${cases.map(({ name }) => name).join(" ")}`);
  }
  return chosen;
}

function usage(program: string): string {
  return `Usage: bun ${program} [options]
  --filter NAME    only the case so named, or those whose name contains it
  --rounds N       rounds, of which the medians are shown (${DEFAULT_ROUNDS})
  --pedis PATH     the executable to measure (./pedis-server)
  --json FILE      write the results there too
  --markdown       print the tables as Markdown
  --quick          tiny counts, to see that it runs`;
}
