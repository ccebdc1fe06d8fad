/**
 * The recipe of src/README.md, followed to the letter in a copy of the sources: one edit in one
 * file, and everything that follows from a declaration follows.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

let tree: string;
let server: ServerProcess;
let client: RespClient;

beforeAll(async () => {
  tree = mkdtempSync(join(tmpdir(), "newcomer-"));
  cpSync(join(ROOT, "src"), join(tree, "src"), { recursive: true });
  cpSync(join(ROOT, "tsconfig.json"), join(tree, "tsconfig.json"));
  symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
  const { path, text } = readRecipe();
  appendFileSync(join(tree, "src", path), `\n${text}`);
  const command = [process.execPath, "--no-env-file", join(tree, "src/main.ts")];
  server = await startServer({ program: { name: "pedis", command } });
  client = await server.connect();
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  rmSync(tree, { recursive: true, force: true });
});

/** The file that the recipe names, and what is to be put at its end. */
function readRecipe(): { path: string; text: string } {
  const map = readFileSync(join(ROOT, "src/README.md"), "utf8");
  const found = /at the end of\s+`([\w/-]+\.ts)`[^`]*```ts\n(.*?)```/s.exec(map);
  if (found === null) throw new Error("src/README.md holds no recipe");
  return { path: found[1], text: found[2] };
}

test("the command runs", async () => {
  await client.value("SET k stressed");
  expect(await client.value("STRREV k")).toBe("desserts");
  expect(await client.value("strrev missing")).toBeNull();
  await client.value("SET n 1234");
  expect(await client.value("STRREV n")).toBe("4321");
});

test("a wrong number of arguments is refused", async () => {
  const problem = "ERR wrong number of arguments for 'strrev' command";
  expect(await client.text("STRREV")).toContain(problem);
  expect(await client.text("STRREV a b")).toContain(problem);
});

test("COMMAND and its subcommands know it", async () => {
  const [info] = (await client.value("COMMAND INFO strrev")) as unknown[][];
  expect(info.slice(0, 7)).toEqual([
    "strrev",
    2,
    ["readonly"],
    1,
    1,
    1,
    ["@read", "@string", "@slow"],
  ]);
  expect(await client.value("COMMAND GETKEYS STRREV k")).toEqual(["k"]);
  expect(await client.value("COMMAND LIST")).toContain("strrev");
  expect(await client.value("COMMAND LIST FILTERBY ACLCAT string")).toContain("strrev");
  expect(await client.value("COMMAND LIST FILTERBY ACLCAT write")).not.toContain("strrev");
});

test("COMMAND DOCS shows what was declared", async () => {
  const [name, fields] = (await client.value("COMMAND DOCS strrev")) as [string, unknown[]];
  expect(name).toBe("strrev");
  const docs = new Map<unknown, unknown>();
  for (let i = 0; i < fields.length; i += 2) docs.set(fields[i], fields[i + 1]);
  expect(docs.get("summary")).toBe("Returns the string that a key holds, backwards.");
  expect(docs.get("since")).toBe("7.2.0");
  expect(docs.get("group")).toBe("string");
  expect(docs.get("complexity")).toBe("O(N) where N is the length of the string");
  const [key] = docs.get("arguments") as unknown[][];
  expect(key.slice(0, 4)).toEqual(["name", "key", "type", "key"]);
  expect(key.slice(-2)).toEqual(["key_spec_index", 0]);
});

test("the admission checks follow from its flags", async () => {
  await client.value("CLIENT PAUSE 60000 WRITE");
  expect(await client.value("STRREV k")).toBe("desserts");
  await client.value("CLIENT UNPAUSE");
  await client.value("CONFIG SET requirepass secret");
  await server.withClient(async (stranger) => {
    expect(await stranger.text("STRREV k")).toContain("NOAUTH");
  });
  await client.value('CONFIG SET requirepass ""');
});

test("it is counted like any other", async () => {
  expect(await client.text("INFO commandstats")).toMatch(
    /cmdstat_strrev:calls=4,.*rejected_calls=3,failed_calls=0/,
  );
});

test("the copy passes the type check", async () => {
  const tsc = Bun.spawn([join(ROOT, "node_modules/.bin/tsc"), "-p", tree], { stdout: "pipe" });
  expect(await tsc.stdout.text()).toBe("");
  expect(await tsc.exited).toBe(0);
}, 300_000);
