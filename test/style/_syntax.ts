/**
 * A tree of TypeScript files, parsed once into the few facts the style checks judge. The parser
 * is the pinned compiler's own, asked over its API; the files reach it through a virtual file
 * system below VIRTUAL_ROOT, so that a check's negative cases are parsed exactly as the
 * repository is. No types are resolved, which keeps the whole tree under half a second.
 */
import { API } from "typescript/unstable/async";
import type { CallExpression, Node, SourceFile } from "typescript/unstable/ast";
import {
  isCallExpression,
  isExportDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNamedImports,
  isNewExpression,
  isPropertyAccessExpression,
  isStringLiteral,
} from "typescript/unstable/ast/is";
import { createVirtualFileSystem } from "typescript/unstable/fs";

/** Paths are relative to the tree's root and use `/`. */
export type Tree = ReadonlyMap<string, ParsedFile>;

export interface ParsedFile {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly functions: readonly FunctionSpan[];
  /** `Date.now`, `Math.random` … : every `name.name`, read or called. */
  readonly accesses: readonly Mention[];
  /** Constructors called without an argument. */
  readonly bareConstructions: readonly Mention[];
  /** Whether every statement is an import or a re-export, with one re-export at least. */
  readonly onlyReExports: boolean;
}

export interface Import {
  readonly specifier: string;
  /** The relative specifier resolved against the file, or null for a package or a built-in. */
  readonly target: string | null;
  readonly names: readonly string[];
  readonly line: number;
  readonly kind: "import" | "re-export" | "re-export-all" | "dynamic" | "url";
}

export interface FunctionSpan {
  readonly name: string;
  readonly line: number;
  readonly lineCount: number;
  /** Whether it is written in place as the argument of a call, as a test's body is. */
  readonly isArgument: boolean;
}

export interface Mention {
  readonly text: string;
  readonly line: number;
}

const VIRTUAL_ROOT = "/tree";
const PROJECT_FILE = `${VIRTUAL_ROOT}/tsconfig.json`;
const PROJECT = JSON.stringify({
  compilerOptions: {
    noLib: true,
    noResolve: true,
    types: [],
    allowImportingTsExtensions: true,
    noEmit: true,
  },
  include: ["**/*.ts"],
});

/** Parses `files`, a record of path → text. */
export async function parseTree(files: Record<string, string>): Promise<Tree> {
  const virtual: Record<string, string> = { [PROJECT_FILE]: PROJECT };
  for (const [path, text] of Object.entries(files)) virtual[`${VIRTUAL_ROOT}/${path}`] = text;
  const api = new API({ cwd: VIRTUAL_ROOT, fs: createVirtualFileSystem(virtual) });
  try {
    const snapshot = await api.updateSnapshot({ openProjects: [PROJECT_FILE] });
    const program = snapshot.getProjects()[0]?.program;
    if (program === undefined) throw new Error("The compiler opened no project");
    const tree = new Map<string, ParsedFile>();
    for (const path of Object.keys(files).toSorted()) {
      const source = await program.getSourceFile(`${VIRTUAL_ROOT}/${path}`);
      if (source === undefined) throw new Error(`The compiler did not parse ${path}`);
      tree.set(path, describeFile(path, source));
    }
    return tree;
  } finally {
    await api.close();
  }
}

function describeFile(path: string, source: SourceFile): ParsedFile {
  const imports: Import[] = [];
  const functions: FunctionSpan[] = [];
  const accesses: Mention[] = [];
  const bareConstructions: Mention[] = [];
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const addImport = (node: Node, specifier: string, kind: Import["kind"], names: string[]) =>
    imports.push({
      specifier,
      target: resolveSpecifier(path, specifier),
      names,
      line: lineOf(node.getStart(source)),
      kind,
    });

  const visit = (node: Node, parent: Node): undefined => {
    const line = lineOf(node.getStart(source));
    if (isImportDeclaration(node) && isStringLiteral(node.moduleSpecifier)) {
      const bindings = node.importClause?.namedBindings;
      const named = bindings !== undefined && isNamedImports(bindings) ? bindings.elements : [];
      const names = named.map((element) => (element.propertyName ?? element.name).text);
      addImport(node, node.moduleSpecifier.text, "import", names);
    } else if (isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      const kind = node.exportClause === undefined ? "re-export-all" : "re-export";
      if (isStringLiteral(node.moduleSpecifier)) {
        addImport(node, node.moduleSpecifier.text, kind, []);
      }
    } else if (isCallExpression(node)) {
      const specifier = dynamicSpecifier(node, source);
      if (specifier !== null) addImport(node, specifier, "dynamic", []);
    } else if (isNewExpression(node)) {
      const first = node.arguments?.[0];
      const name = node.expression.getText(source);
      if (first === undefined) bareConstructions.push({ text: name, line });
      else if (name === "URL" && isStringLiteral(first)) addImport(node, first.text, "url", []);
    } else if (isPropertyAccessExpression(node) && isIdentifier(node.expression)) {
      accesses.push({ text: `${node.expression.text}.${node.name.text}`, line });
    } else if (isFunctionLikeDeclaration(node) && bodyOf(node) !== undefined) {
      functions.push({
        name: functionName(node, parent),
        line,
        lineCount: lineOf(node.end) - line + 1,
        isArgument: isCallExpression(parent),
      });
    }
    node.forEachChild((child) => visit(child, node));
  };
  source.forEachChild((child) => visit(child, source));

  const text = source.text;
  return {
    path,
    text,
    lines: text.split("\n"),
    imports,
    functions,
    accesses,
    bareConstructions,
    onlyReExports: hasOnlyReExports(source),
  };
}

function hasOnlyReExports(source: SourceFile): boolean {
  let reExports = 0;
  for (const statement of source.statements) {
    if (isExportDeclaration(statement)) reExports++;
    else if (!isImportDeclaration(statement)) return false;
  }
  return reExports > 0;
}

/** The specifier of `import("…")` or `require("…")`, or null. */
function dynamicSpecifier(call: CallExpression, source: SourceFile): string | null {
  const callee = call.expression.getText(source);
  const first = call.arguments[0];
  if (callee !== "import" && callee !== "require") return null;
  return first !== undefined && isStringLiteral(first) ? first.text : null;
}

function bodyOf(node: Node): Node | undefined {
  return "body" in node ? (node.body as Node | undefined) : undefined;
}

function functionName(node: Node, parent: Node): string {
  for (const holder of [node, parent]) {
    const name = "name" in holder ? (holder.name as Node | undefined) : undefined;
    if (name !== undefined && isIdentifier(name)) return name.text;
  }
  return "(anonymous)";
}

function resolveSpecifier(from: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
