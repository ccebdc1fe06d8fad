/** The READMEs say what the sources say: generated parts are current, and what is named exists. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { generatedParts, regenerated, replacePart } from "./_readme.ts";
import { README, readSources, ROOT } from "./_sources.ts";

const sources = readSources();
const readme = readFileSync(README, "utf8");
const map = readFileSync(`${ROOT}src/README.md`, "utf8");

test("README.md is as `bun test/style/write-readme.ts` writes it", () => {
  expect(regenerated(readme, sources)).toBe(readme);
});

test("a generated part follows the sources, a missing one is an error", () => {
  const [first] = /`[\w-]+-[\w-]+`/.exec(generatedParts(sources)["directives of later parts"]) ?? [
    "",
  ];
  expect(first).not.toBe("");
  const reader = `values[${first.replaceAll("`", '"')}]`;
  const after = generatedParts(new Map([...sources, ["src/net/later.ts", reader]]));
  expect(after["directives of later parts"]).not.toContain(first);
  expect(after["directives in effect"]).toContain(first);
  const text = "a\n<!-- generated: x -->\nold\n<!-- end -->\nb\n";
  const replaced = "a\n<!-- generated: x -->\n\nnew\n\n<!-- end -->\nb\n";
  expect(replacePart(text, "generated", "x", "new\n")).toBe(replaced);
  expect(replacePart(replaced, "generated", "x", "new")).toBe(replaced);
  expect(() => replacePart(text, "measured", "x", "new")).toThrow("no part");
});

test("scripts that README.md names are in package.json", () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as {
    scripts: Record<string, string>;
  };
  const named = [...readme.matchAll(/\bbun(?:@[\d.]+)? run ([\w:]+)/g)].map(([, name]) => name);
  const benchmarks = [
    "bench",
    "bench:load",
    "bench:durability",
    "bench:memory",
    "bench:replication",
  ];
  expect(new Set(named)).toEqual(new Set(["start", "test", ...benchmarks]));
  for (const name of named) expect(Object.keys(scripts)).toContain(name);
});

test("links of the READMEs lead somewhere", () => {
  for (const [text, base] of [
    [readme, ROOT],
    [map, `${ROOT}src/`],
  ]) {
    for (const [, target] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      expect([target, existsSync(base + target)]).toEqual([target, true]);
    }
  }
});

test("src/README.md names files that exist, and functions that are in them", () => {
  let count = 0;
  for (const [whole, names, path] of map.matchAll(
    /((?:`[\w.]+`,? ?(?:and )?)*)\(?`([\w/-]+\.ts)`/g,
  )) {
    const text = sources.get(`src/${path}`) ?? sources.get(path);
    expect([whole, text !== undefined]).toEqual([whole, true]);
    for (const [, name] of names.matchAll(/`(?:\w+\.)?(\w+)`/g)) {
      expect([whole, new RegExp(`\\b${name}\\b`).test(text ?? "")]).toEqual([whole, true]);
      count++;
    }
  }
  expect(count).toBeGreaterThan(20);
});

test("src/README.md has a line for each folder of src", () => {
  const folders = new Set<string>();
  for (const path of sources.keys()) {
    const [top, folder, rest] = path.split("/");
    if (top === "src" && rest !== undefined) folders.add(folder);
  }
  for (const folder of folders) expect(map).toMatch(new RegExp(`\\n\\| \`${folder}/\` +\\|`));
});
