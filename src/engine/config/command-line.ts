/**
 * The command line of redis-server:
 *
 *     pedis-server [file] [-] [--directive value …] …
 *
 * A file can only come first, "-" (read standard input) first or last. Options become
 * configuration lines, read after the files. A word that begins with "--" right after a
 * directive's name is its value (`--logfile --x`), anywhere else it is the next directive; only
 * `--save` and `--sentinel` may stand without a value.
 */
import { bytesOf } from "../../base/bytes.ts";
import { quoteBytes } from "../../base/quoted-arguments.ts";
import { splitLine } from "./load.ts";
import { encoded } from "./option.ts";

export interface CommandLine {
  readonly request: "run" | "version" | "help";
  readonly file: string | null;
  readonly readsStandardInput: boolean;
  /** Configuration lines; null when the command line was empty. */
  readonly options: string | null;
  /** Asks for Sentinel, which is another program. */
  readonly sentinel: boolean;
}

/** The arguments without the program's name. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [first] = args;
  const sentinel = args.includes("--sentinel");
  if (first === undefined) {
    return { request: "run", file: null, readsStandardInput: false, options: null, sentinel };
  }
  const request = specialRequest(first);
  const file = request === "run" && !first.startsWith("-") ? first : null;
  let readsStandardInput = false;
  const words: string[] = [];
  const lastIndex = args.length - 1;
  for (let index = file === null ? 0 : 1; index <= lastIndex; index++) {
    const isDash = args[index] === "-" && (index === 0 || index === lastIndex);
    if (isDash) readsStandardInput = true;
    else words.push(encoded(args[index]));
  }
  return { request, file, readsStandardInput, options: optionLines(words), sentinel };
}

function specialRequest(first: string): CommandLine["request"] {
  if (first === "-v" || first === "--version") return "version";
  return first === "-h" || first === "--help" ? "help" : "run";
}

function optionLines(words: readonly string[]): string {
  let lines = "";
  let awaitsValue = false;
  for (const [index, word] of words.entries()) {
    if (awaitsValue || !word.startsWith("--")) {
      lines += `${quoteBytes(bytesOf(word), 0, word.length)} `;
      awaitsValue = false;
      continue;
    }
    if (lines !== "") lines += "\n";
    lines += `${word.slice(2)} `;
    // "--port 6380" in one word has its value already.
    awaitsValue = splitLine(word)?.length === 1;
    if (!awaitsValue) continue;
    const isLast = index === words.length - 1;
    const isFollowedByName = !isLast && words[index + 1].startsWith("--");
    const lower = word.toLowerCase();
    if (lower === "--save" && (isLast || isFollowedByName)) lines += '""';
    if ((lower === "--save" || lower === "--sentinel") && isFollowedByName) awaitsValue = false;
  }
  return lines;
}
