/** Style is a test: each rule runs over the repository, and over a case that it must refuse. */
import { beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import {
  type Check,
  checkBarrels,
  checkDeadFiles,
  checkDoors,
  checkFileLength,
  checkFunctionLength,
  checkHeaders,
  checkLayers,
  checkLineLength,
  checkNames,
  checkPrivacy,
  checkTopLevelLoops,
} from "./_checks.ts";
import { parseTree, type Tree } from "./_syntax.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

let repository: Tree;

beforeAll(async () => {
  const files: Record<string, string> = {};
  for (const path of new Bun.Glob("{src,test,bench}/**/*.ts").scanSync(ROOT)) {
    if (!path.endsWith(".d.ts")) files[path] = readFileSync(ROOT + path, "utf8");
  }
  repository = await parseTree(files);
});

interface Rule {
  readonly name: string;
  readonly check: Check;
  /** A small tree that breaks the rule. */
  readonly broken: Record<string, string>;
  /** Where it must be found broken, as `path:line`, sorted. */
  readonly at: readonly string[];
}

const many = (count: number, line: string) => `${line}\n`.repeat(count);

const RULES: readonly Rule[] = [
  {
    name: "a file imports its own folder and lower layers only",
    check: checkLayers,
    broken: {
      "src/base/low.ts": 'import { a } from "../values/high.ts";',
      "src/memory/peer.ts": 'import type { a } from "../protocol/peer.ts";',
      "src/values/high.ts": 'import { a } from "../base/low.ts";\nexport { b } from "./own.ts";',
      "src/engine/package.ts": 'import { test } from "bun:test";\nimport lib from "left-pad";',
      "src/odd/file.ts": "export const a = 1;",
    },
    at: [
      "src/base/low.ts:1",
      "src/engine/package.ts:2",
      "src/memory/peer.ts:1",
      "src/odd/file.ts:1",
    ],
  },
  {
    name: "_name.ts is private to its folder",
    check: checkPrivacy,
    broken: {
      "src/values/list.ts": 'import { a } from "./_packed.ts";',
      "test/unit/values/packed.test.ts": 'import { a } from "../../../src/values/_packed.ts";',
      "src/engine/peek.ts": '\nimport { a } from "../values/_packed.ts";',
    },
    at: ["src/engine/peek.ts:2"],
  },
  {
    name: "a file has at most 600 lines",
    check: checkFileLength,
    broken: { "src/a.ts": many(600, "// x"), "src/b.ts": many(601, "// x") },
    at: ["src/b.ts:601"],
  },
  {
    name: "a function has at most 70 lines",
    check: checkFunctionLength,
    broken: {
      "src/a.ts": `function a() {\n${many(69, "x;")}}\nclass A {\n  b() {\n${many(68, "x;")}}\n}`,
      "test/b.test.ts": `test("b", () => {\n${many(99, "x;")}});`,
    },
    at: ["src/a.ts:1"],
  },
  {
    name: "a line has at most 100 characters",
    check: checkLineLength,
    broken: { "src/a.ts": `//${"é".repeat(98)}\n//${"x".repeat(99)}` },
    at: ["src/a.ts:2"],
  },
  {
    name: "names are in kebab-case",
    check: checkNames,
    broken: {
      "src/good-name.ts": "",
      "src/_private.ts": "",
      "src/badName.ts": "",
      "src/Bad/name.ts": "",
      "src/bad_name.test.ts": "",
    },
    at: ["src/Bad/name.ts:1", "src/badName.ts:1", "src/bad_name.test.ts:1"],
  },
  {
    name: "no loop is outside of functions",
    check: checkTopLevelLoops,
    broken: {
      "src/a.ts": "const a = [];\nfor (const b of []) a.push(b);\nwhile (a.pop()) {}",
      "src/b.ts": "function b() {\n  for (;;) break;\n}\nforget();",
      "test/c.ts": "for (;;) break;",
    },
    at: ["src/a.ts:2", "src/a.ts:3"],
  },
  {
    name: "time, chance, disk and the collector have one door each",
    check: checkDoors,
    broken: {
      "src/base/clock.ts": "Date.now(); performance.now();",
      "src/a.ts": "Date.now();\nconst read = performance.now;\nBun.nanoseconds();\nnew Date();",
      "src/b.ts": 'new Date(5);\nMath.random();\nimport { randomBytes } from "node:crypto";',
      "src/c.ts": 'import { createHash } from "node:crypto";\nimport * as fs from "node:fs";',
      "src/d.ts": 'await import("node:fs/promises");\nBun.file("x");\n// Date.now() in words',
      "src/e.ts": 'import { fullGC } from "bun:jsc";\nBun.gc(true);',
      "test/e.ts": "Date.now();",
    },
    at: [
      "src/a.ts:1",
      "src/a.ts:2",
      "src/a.ts:3",
      "src/a.ts:4",
      "src/b.ts:2",
      "src/b.ts:3",
      "src/c.ts:2",
      "src/d.ts:1",
      "src/d.ts:2",
      "src/e.ts:1",
      "src/e.ts:2",
    ],
  },
  {
    name: "every file of src is reached from main.ts",
    check: checkDeadFiles,
    broken: {
      "src/main.ts": 'import "./used.ts";',
      "src/used.ts": 'new Worker(new URL("./base/worker.ts", import.meta.url));',
      "src/base/worker.ts": "",
      "src/base/dead.ts": 'import "../used.ts";',
    },
    at: ["src/base/dead.ts:1"],
  },
  {
    name: "there are no barrel files",
    check: checkBarrels,
    broken: {
      "src/a.ts": 'export { b } from "./b.ts";',
      "src/b.ts": 'export { c } from "./c.ts";\nexport const b = 1;',
      "src/c.ts": 'export const c = 1;\nexport * from "./b.ts";',
      "src/d/index.ts": "export const d = 1;",
    },
    at: ["src/a.ts:1", "src/c.ts:2", "src/d/index.ts:1"],
  },
  {
    name: "a file of src opens with a comment",
    check: checkHeaders,
    broken: { "src/a.ts": "/** A. */\n", "src/b.ts": "// B.\n", "src/c.ts": "const c = 1; // C." },
    at: ["src/c.ts:1"],
  },
];

describe.each(RULES)("$name", ({ check, broken, at }) => {
  const isTooEarly = check === checkDeadFiles && !existsSync(`${ROOT}src/main.ts`);
  if (isTooEarly) console.log("Not checked for dead files: src/main.ts does not exist yet.");

  test.skipIf(isTooEarly)("in this repository", () => {
    const found = check(repository);
    expect(found.map(({ path, line, message }) => `${path}:${line} ${message}`)).toEqual([]);
  });

  test("and a case that breaks it is refused", async () => {
    const found = check(await parseTree(broken));
    expect(found.map(({ path, line }) => `${path}:${line}`).toSorted()).toEqual([...at]);
  });
});
