/**
 * The rules of style that neither the compiler nor the linter knows. Each check takes a parsed
 * tree and returns what breaks it; a new rule is a function here, and in `style.test.ts` one
 * line that runs it over the repository and one case that it must refuse.
 */
import type { ParsedFile, Tree } from "./_syntax.ts";

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type Check = (tree: Tree) => Violation[];

/** A folder of src, or a file directly in it, and its layer. */
const LAYERS: ReadonlyMap<string, number> = new Map([
  ["base", 0],
  ["memory", 1],
  ["protocol", 1],
  ["values", 2],
  ["keyspace", 3],
  ["engine", 4],
  ["rdb", 4],
  ["commands", 5],
  ["persistence", 5],
  ["replication", 5],
  ["pubsub", 5],
  ["scripting", 5],
  ["net", 6],
  ["server.ts", 7],
  ["main.ts", 8],
]);

const MAX_FILE_LINES = 600;
const MAX_FUNCTION_LINES = 70;
const MAX_LINE_CHARACTERS = 100;
const ENTRY_POINT = "src/main.ts";
const FILE_NAME = /^_?[a-z0-9]+(-[a-z0-9]+)*(\.test)?\.ts$/;
const FOLDER_NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

/** What only one file of src may touch: the doors to time, chance, disk and the collector. */
const DOORS = [
  {
    door: "src/base/clock.ts",
    accesses:
      /^(Date|performance)\.now$|^performance\.timeOrigin$|^Bun\.nanoseconds$|^process\.hrtime$/,
    constructions: /^Date$/,
    modules: /^(node:)?perf_hooks$/,
    names: /^hrtime$/,
  },
  {
    door: "src/base/random.ts",
    accesses: /^Math\.random$|^crypto\.(getRandomValues|random\w+)$|^Bun\.randomUUID\w*$/,
    constructions: null,
    modules: null,
    names: /^(random\w*|getRandomValues|webcrypto)$/,
  },
  {
    door: "src/base/disk.ts",
    accesses: /^Bun\.(file|write)$/,
    constructions: null,
    modules: /^(node:)?fs(\/promises)?$/,
    names: null,
  },
  {
    door: "src/base/garbage.ts",
    accesses: /^Bun\.(gc|shrink)$/,
    constructions: null,
    modules: /^bun:jsc$/,
    names: null,
  },
];

/** A file of src imports its own folder and lower layers, and no package. */
export function checkLayers(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of filesBelow(tree, "src/")) {
    const folder = layerKey(file.path);
    const layer = LAYERS.get(folder);
    if (layer === undefined) {
      found.push({ path: file.path, line: 1, message: `${folder} has no layer` });
      continue;
    }
    for (const { specifier, target, line } of file.imports) {
      const at = { path: file.path, line };
      if (target === null) {
        const isBuiltIn = /^(node:|bun:)/.test(specifier) || specifier === "bun";
        if (!isBuiltIn) found.push({ ...at, message: `imports the package ${specifier}` });
      } else if (!target.startsWith("src/")) {
        found.push({ ...at, message: `imports ${target}, which is outside src` });
      } else if (layerKey(target) !== folder && (LAYERS.get(layerKey(target)) ?? 99) >= layer) {
        found.push({ ...at, message: `layer ${layer} (${folder}) imports ${target}` });
      }
    }
  }
  return found;
}

/** `_name.ts` is imported from its own folder, or from the unit tests that mirror it. */
export function checkPrivacy(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.values()) {
    for (const { target, line } of file.imports) {
      if (target === null || !baseName(target).startsWith("_")) continue;
      const home = folderOf(target);
      const mirror = home.replace(/^src\b/, "test/unit");
      if (folderOf(file.path) === home || folderOf(file.path) === mirror) continue;
      found.push({ path: file.path, line, message: `imports ${target}, private to ${home}` });
    }
  }
  return found;
}

export function checkFileLength(tree: Tree): Violation[] {
  return [...tree.values()]
    .filter((file) => lineCount(file) > MAX_FILE_LINES)
    .map((file) => ({
      path: file.path,
      line: MAX_FILE_LINES + 1,
      message: `has ${lineCount(file)} lines`,
    }));
}

/** Bodies of tests and benchmarks, written in place as an argument, are not functions here. */
export function checkFunctionLength(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.values()) {
    const isSource = file.path.startsWith("src/");
    for (const { name, line, lineCount: count, isArgument } of file.functions) {
      if (count <= MAX_FUNCTION_LINES || (isArgument && !isSource)) continue;
      found.push({ path: file.path, line, message: `${name} has ${count} lines` });
    }
  }
  return found;
}

export function checkLineLength(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.values()) {
    file.lines.forEach((text, index) => {
      const { length } = Array.from(text);
      if (length <= MAX_LINE_CHARACTERS) return;
      found.push({ path: file.path, line: index + 1, message: `${length} characters` });
    });
  }
  return found;
}

/**
 * A loop outside of functions: it makes the body of the whole bundle hot, which is then compiled,
 * at a cost of 5 MB and a tenth of a second.
 */
export function checkTopLevelLoops(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of filesBelow(tree, "src/")) {
    file.lines.forEach((text, index) => {
      if (!/^(for|while|do)\b/.test(text)) return;
      found.push({ path: file.path, line: index + 1, message: "a loop outside of functions" });
    });
  }
  return found;
}

export function checkNames(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.values()) {
    const parts = file.path.split("/");
    const name = parts.pop() ?? "";
    if (FILE_NAME.test(name) && parts.every((part) => FOLDER_NAME.test(part))) continue;
    found.push({ path: file.path, line: 1, message: "is not named in kebab-case" });
  }
  return found;
}

/** Time, chance and disk are reached through one file of src each. */
export function checkDoors(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of filesBelow(tree, "src/")) {
    for (const { door, accesses, constructions, modules, names } of DOORS) {
      if (file.path === door) continue;
      const refuse = (line: number, what: string) =>
        found.push({ path: file.path, line, message: `${what} belongs to ${door}` });
      for (const { text, line } of file.accesses) if (accesses.test(text)) refuse(line, text);
      for (const { text, line } of file.bareConstructions) {
        if (constructions?.test(text)) refuse(line, `new ${text}()`);
      }
      for (const { specifier, target, names: imported, line } of file.imports) {
        if (modules?.test(specifier)) refuse(line, specifier);
        if (target !== null) continue;
        for (const name of imported) if (names?.test(name)) refuse(line, name);
      }
    }
  }
  return found;
}

/** Every file of src is reached from the entry point, by import or as a worker's URL. */
export function checkDeadFiles(tree: Tree): Violation[] {
  const reached = new Set<string>();
  const pending = [ENTRY_POINT];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const file = tree.get(path);
    if (file === undefined || reached.has(path)) continue;
    reached.add(path);
    for (const { target } of file.imports) if (target !== null) pending.push(target);
  }
  return [...filesBelow(tree, "src/")]
    .filter((file) => !reached.has(file.path))
    .map((file) => ({ path: file.path, line: 1, message: "is not reached from main.ts" }));
}

export function checkBarrels(tree: Tree): Violation[] {
  const found: Violation[] = [];
  for (const file of tree.values()) {
    if (file.onlyReExports || baseName(file.path) === "index.ts") {
      found.push({ path: file.path, line: 1, message: "is a barrel" });
    }
    for (const { kind, line } of file.imports) {
      if (kind !== "re-export-all") continue;
      found.push({ path: file.path, line, message: "re-exports a whole file" });
    }
  }
  return found;
}

/** A file of src opens with its contract. */
export function checkHeaders(tree: Tree): Violation[] {
  return [...filesBelow(tree, "src/")]
    .filter((file) => !/^(#!.*\n)?(\/\*\*|\/\/ \S)/.test(file.text))
    .map((file) => ({ path: file.path, line: 1, message: "does not open with a comment" }));
}

function* filesBelow(tree: Tree, prefix: string): Generator<ParsedFile> {
  for (const file of tree.values()) if (file.path.startsWith(prefix)) yield file;
}

/** The first name below src: a folder, or a file directly in it. */
function layerKey(path: string): string {
  return path.split("/")[1] ?? "";
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function lineCount(file: ParsedFile): number {
  return file.text.endsWith("\n") ? file.lines.length - 1 : file.lines.length;
}
