/**
 * Reads configuration text: one directive a line, quoted arguments, comments, includes. The
 * first line that is wrong stops it; what earlier lines have set stays set, as the process is
 * about to end.
 */
import { bytesOf, textOf } from "../../base/bytes.ts";
import { splitArguments } from "../../base/quoted-arguments.ts";
import { type ConfigHost, hasWildcard } from "./host.ts";
import { findOption, type NamedOption } from "./_names.ts";
import { decoded, encoded, untilNul, WRONG_COUNT } from "./option.ts";

/** The directives that belong to other parts; each answers with an error text or null. */
export interface FileDirectives {
  /** `user <name> <rule> …`; says which argument is at fault. */
  user(args: readonly string[]): { readonly argument: string; readonly error: string } | null;
  /** An empty new name removes the command. */
  renameCommand(from: string, to: string): string | null;
}

/** Read in this order, as if they were one file; null where there is none. */
export interface ConfigSources {
  readonly file: string | null;
  readonly standardInput: string | null;
  /** What the command line stands for, as configuration lines. */
  readonly options: string | null;
}

/** Why the server must not start: a report for standard error, or a warning for the log. */
export interface LoadFailure {
  readonly channel: "standard error" | "log";
  readonly text: string;
}

export interface LoadTarget {
  readonly host: ConfigHost;
  readonly fileDirectives: FileDirectives;
  /** The Redis version that the report names. */
  readonly version: string;
  setFromFile(named: NamedOption, args: readonly string[]): string | null;
  textOf(name: string): string;
}

/** Beyond this a file is taken to include itself. */
const MAX_INCLUDE_DEPTH = 64;
/** Directives of the past, read and forgotten when they have one argument. */
const OBSOLETE = new Set([
  "list-max-ziplist-entries",
  "list-max-ziplist-value",
  "lua-replicate-commands",
]);

export function loadSources(target: LoadTarget, sources: ConfigSources): LoadFailure | null {
  const { file, standardInput, options } = sources;
  let text = "";
  if (file !== null) {
    const content = readFiles(target.host, file);
    if (typeof content !== "string") return content;
    text = content;
  }
  text = joined(text, standardInput ?? "");
  // The extra line shows in reported line numbers, as it does in Redis.
  if (options !== null) text = `${text}\n${options}`;
  return loadText(target, text, 0);
}

function readFiles(host: ConfigHost, path: string): string | LoadFailure {
  const paths = hasWildcard(path) ? host.expand(path) : [path];
  let text = "";
  for (const one of paths) {
    const content = host.readText(one);
    if ("problem" in content) {
      const shown = encoded(one);
      return {
        channel: "log",
        text: `Fatal error, can't open config file '${shown}': ${content.problem}`,
      };
    }
    text = joined(text, content.text);
  }
  return text;
}

function joined(text: string, more: string): string {
  return text === "" || text.endsWith("\n") || more === "" ? text + more : `${text}\n${more}`;
}

function loadText(target: LoadTarget, text: string, depth: number): LoadFailure | null {
  const lines = untilNul(text).split("\n");
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (line === "" || line.startsWith("#")) continue;
    const result = loadLine(target, line, depth);
    if (result === null) continue;
    if (typeof result !== "string") return result;
    const where = `Reading the configuration file, at line ${index + 1}\n>>> '${line}'\n`;
    return fatal(target, where, result);
  }
  const reason = contradiction(target);
  return reason === null ? null : fatal(target, "", reason);
}

function fatal(target: LoadTarget, where: string, reason: string): LoadFailure {
  const title = `*** FATAL CONFIG FILE ERROR (Redis ${target.version}) ***`;
  return { channel: "standard error", text: `\n${title}\n${where}${reason}\n` };
}

/** Null, a reason to be reported with this line, or the failure of an included file. */
function loadLine(target: LoadTarget, line: string, depth: number): string | LoadFailure | null {
  const words = splitLine(line);
  if (words === null) return "Unbalanced quotes in configuration line";
  if (words.length === 0) return null;
  const [name, ...args] = words;
  const named = findOption(name);
  if (named !== undefined) return setOption(target, named, args);
  return otherDirective(target, name.toLowerCase(), args, depth);
}

function setOption(target: LoadTarget, named: NamedOption, args: string[]): string | null {
  if (!named.option.many) {
    return args.length === 1 ? target.setFromFile(named, args) : WRONG_COUNT;
  }
  // "save '900 1 300 10'" is one argument that holds several; only `save ""` means itself.
  const isPacked = args.length === 1 && args[0] !== "";
  return target.setFromFile(named, isPacked ? (splitLine(args[0]) ?? []) : args);
}

function otherDirective(
  target: LoadTarget,
  name: string,
  args: string[],
  depth: number,
): string | LoadFailure | null {
  if (args.length === 1 && OBSOLETE.has(name)) return null;
  if (name === "include" && args.length === 1) return include(target, args[0], depth);
  if (name === "rename-command" && args.length === 2) {
    return target.fileDirectives.renameCommand(args[0], args[1]);
  }
  if (name === "user" && args.length >= 1) {
    const fault = target.fileDirectives.user(args);
    return fault && `Error in user declaration '${fault.argument}': ${fault.error}`;
  }
  if (name === "loadmodule" && args.length >= 1) {
    return "Modules are native libraries, which this server cannot load";
  }
  if (name.includes(".")) {
    return args.length === 0
      ? "Module config specified without value"
      : "Module Configuration detected without loadmodule directive or " +
          "no ApplyConfig call: aborting";
  }
  if (name === "sentinel") {
    return args.length === 0 ? null : "sentinel directive while not in sentinel mode";
  }
  return "Bad directive or wrong number of arguments";
}

function include(target: LoadTarget, path: string, depth: number): string | LoadFailure | null {
  if (depth === MAX_INCLUDE_DEPTH) return "Too many levels of included files";
  const content = readFiles(target.host, decoded(path));
  return typeof content === "string" ? loadText(target, content, depth + 1) : content;
}

/** What is wrong with the whole although every line is right. */
function contradiction(target: LoadTarget): string | null {
  const logFile = target.textOf("logfile");
  const problem = logFile === "" ? null : target.host.appendProblem(decoded(logFile));
  if (problem !== null) return `Can't open the log file: ${problem}`;
  if (target.textOf("cluster-enabled") === "yes" && target.textOf("replicaof") !== "") {
    return "replicaof directive not allowed in cluster mode";
  }
  return null;
}

/** A line's arguments, or null when its quotes are unbalanced. */
export function splitLine(line: string): string[] | null {
  const words = splitArguments(bytesOf(line), 0, line.length);
  return words?.map((word) => textOf(word, 0, word.length)) ?? null;
}
