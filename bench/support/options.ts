/** The command line that the benchmarks against redis-server share. */
import { parseArgs } from "node:util";

export interface Options {
  /** The executable to measure. */
  readonly pedisPath: string;
  readonly rounds: number;
  /** The cases to run, by name or a part of it; all of them if there is none. */
  readonly names: readonly string[];
  /** Where to write the results as JSON. */
  readonly jsonPath: string | null;
  /** Tiny counts: shows that everything runs, measures nothing of worth. */
  readonly quick: boolean;
  readonly markdown: boolean;
}

const BUILT_BINARY = new URL("../../pedis-server", import.meta.url).pathname;
const DEFAULT_ROUNDS = 3;

export function readOptions(program: string): Options {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      pedis: { type: "string", default: BUILT_BINARY },
      rounds: { type: "string" },
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
    names: positionals,
    jsonPath: values.json ?? null,
    quick: values.quick,
    markdown: values.markdown,
  };
}

/** The cases that the names mean: the one so called, or else all whose name contains it. */
export function selectCases<T extends { readonly name: string }>(
  cases: readonly T[],
  names: readonly string[],
): readonly T[] {
  if (names.length === 0) return cases;
  const chosen = new Set<T>();
  for (const wanted of names) {
    const exact = cases.filter(({ name }) => name === wanted);
    const meant = exact.length > 0 ? exact : cases.filter(({ name }) => name.includes(wanted));
    if (meant.length === 0) {
      throw new Error(`No case is named ${wanted}: ${cases.map(({ name }) => name).join(" ")}`);
    }
    for (const one of meant) chosen.add(one);
  }
  return cases.filter((one) => chosen.has(one));
}

function usage(program: string): string {
  return `Usage: bun ${program} [options] [NAME...]
  NAME             only the cases so named, or those whose name contains it
  --rounds N       rounds, of which the medians are shown (${DEFAULT_ROUNDS})
  --pedis PATH     the executable to measure (./pedis-server); given redis-server, the table
                   shows by how much two equal servers differ
  --json FILE      write the results there too
  --markdown       print the tables as Markdown
  --quick          tiny counts, to see that it runs`;
}
