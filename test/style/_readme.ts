/**
 * The parts of README.md that follow from the sources or from a measurement. Each stands between
 * two comments and is replaced whole:
 *
 *     <!-- generated: commands -->     written by write-readme.ts, held to be current by a test
 *     <!-- measured: bench:load -->    the output of a benchmark, put there by hand
 *     <!-- end -->                     ends either
 */
import { allCommands } from "../../src/commands/registry.ts";
import type { Command, Group } from "../../src/engine/command.ts";
import { DIRECTIVES, directivesWithoutEffect } from "../../src/engine/config/directives.ts";
import type { Option } from "../../src/engine/config/option.ts";

/** The sources by path, for what only their text can tell. */
export type Sources = ReadonlyMap<string, string>;

const GROUP_TITLES: Readonly<Record<Group, string>> = {
  string: "Strings",
  bitmap: "Bitmaps",
  list: "Lists",
  hash: "Hashes",
  set: "Sets",
  "sorted-set": "Sorted sets",
  hyperloglog: "HyperLogLog",
  geo: "Geo",
  stream: "Streams",
  generic: "Keys",
  pubsub: "Publish and subscribe",
  transactions: "Transactions",
  scripting: "Scripting",
  connection: "Connection",
  server: "Server",
};
const CONFIG_FOLDER = "src/engine/config/";
/** INFO shows directives whether or not anything acts on them. */
const SHOWS_ONLY = /^src\/commands\/server\/(_info-[\w-]+|info)\.ts$/;
/** What CONFIG and INFO are guided by themselves. */
const FOR_CONFIG_AND_INFO: ReadonlySet<string> = new Set([
  "enable-protected-configs",
  "latency-tracking-info-percentiles",
]);

export type Part =
  | "commands"
  | "directives in effect"
  | "directives without effect"
  | "directives of later parts";

export function generatedParts(sources: Sources): Record<Part, string> {
  const { acting, waiting } = sortDirectives(sources);
  return {
    commands: commandTables(allCommands()),
    "directives in effect": actingTable(acting),
    "directives without effect": withoutEffectTable(),
    "directives of later parts": `${waiting.map((name) => `\`${name}\``).join(", ")}.`,
  };
}

/** The text with the part's content replaced; throws where it has no such part. */
export function replacePart(
  text: string,
  kind: "generated" | "measured",
  name: string,
  content: string,
) {
  const opening = `<!-- ${kind}: ${name} -->`;
  const start = text.indexOf(opening);
  const end = text.indexOf("<!-- end -->", start);
  if (start < 0 || end < 0) throw new Error(`README.md has no part ${opening}`);
  return `${text.slice(0, start + opening.length)}\n\n${content.trim()}\n\n${text.slice(end)}`;
}

export function regenerated(text: string, sources: Sources): string {
  let result = text;
  for (const [name, content] of Object.entries(generatedParts(sources))) {
    result = replacePart(result, "generated", name, content);
  }
  return result;
}

function commandTables(commands: readonly Command[]): string {
  const parts: string[] = [];
  for (const [group, title] of Object.entries(GROUP_TITLES)) {
    const rows = commands
      .filter(({ declaration }) => declaration.group === group)
      .flatMap((command) => runnable(command))
      .toSorted((a, b) => (a.fullName < b.fullName ? -1 : 1))
      .map(({ fullName, declaration }) => [
        `\`${fullName.replace("|", " ").toUpperCase()}\``,
        declaration.summary,
      ]);
    if (rows.length > 0) parts.push(`**${title}**\n\n${table(["command", "what it does"], rows)}`);
  }
  return parts.join("\n\n");
}

/** A container does not run; its subcommands do. */
function runnable(command: Command): readonly Command[] {
  const itself = command.declaration.run === undefined ? [] : [command];
  return [...itself, ...command.subcommands];
}

/** Directives that something reads, and those whose reader is still to come. */
function sortDirectives(sources: Sources): { acting: string[]; waiting: string[] } {
  const code = [...sources]
    .filter(([path]) => path.startsWith("src/") && !path.startsWith(CONFIG_FOLDER))
    .filter(([path]) => !SHOWS_ONLY.test(path))
    .map(([, text]) => text)
    .join("\n");
  const acting: string[] = [];
  const waiting: string[] = [];
  for (const [name, option] of options()) {
    if (option.traits.withoutEffect !== undefined) continue;
    const isRead = FOR_CONFIG_AND_INFO.has(name) || readerOf(name).test(code);
    (isRead ? acting : waiting).push(name);
  }
  return { acting, waiting };
}

/** `values.port`, `values["tls-port"]`, `const { port } = …values`, `onApply("appendonly"`. */
function readerOf(name: string): RegExp {
  if (name.includes("-")) return new RegExp(`"${name}"`);
  return new RegExp(
    `values\\.${name}\\b|\\{[^{}]*\\b${name}\\b[^{}]*\\} = [^;]*values;|onApply\\("${name}"`,
  );
}

function options(): [string, Option<unknown>][] {
  return Object.entries<Option<unknown>>(DIRECTIVES);
}

function actingTable(names: readonly string[]): string {
  const rows = names.map((name) => {
    const { initial, traits } = DIRECTIVES[name as keyof typeof DIRECTIVES] as Option<unknown>;
    const text = name === "dir" ? "the working directory" : quoted(initial.text);
    return [`\`${name}\``, text, traits.immutable === true ? "at the start only" : "at any time"];
  });
  return table(["directive", "default", "can be set"], rows);
}

function withoutEffectTable(): string {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of directivesWithoutEffect()) {
    byReason.set(reason, [...(byReason.get(reason) ?? []), `\`${name}\``]);
  }
  const rows = [...byReason].map(([reason, names]) => [names.join(", "), reason]);
  return table(["directives", "why"], rows);
}

function quoted(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heads, heads.map(() => "---"), ...rows];
  return lines.map((cells) => `| ${cells.map(escaped).join(" | ")} |`).join("\n");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
