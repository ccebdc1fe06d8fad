/**
 * COMMAND: every declaration is complete, and what COMMAND says of each command is what
 * redis-server says, to the byte, but for what Redis 7.2 changed, which is listed here.
 */
import { describe, expect, test } from "bun:test";
import { allCommands } from "../../src/commands/registry.ts";
import { type ArgumentDoc, type Command, KEY_NOT_KEY } from "../../src/engine/command.ts";
import { findOracle } from "../support/oracle.ts";
import type { Reply, RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";
import { entriesOf, fieldsOf } from "./_texts.ts";

/** Commands that the oracle, Redis 7.0.15, does not have. */
const NEW = new Set([
  "client|setinfo",
  "client|no-touch",
  "waitaof",
  // Of Redis 7.4.
  "hexpire",
  "hexpireat",
  "hexpiretime",
  "hpersist",
  "hpexpire",
  "hpexpireat",
  "hpexpiretime",
  "hpttl",
  "httl",
]);

/** Where COMMAND INFO of Redis 7.2 differs from the oracle's. */
const CHANGED_INFO: Readonly<Record<string, string>> = {
  "config|resetstat": "7.2 gave it request and response policies",
  "config|rewrite": "7.2 gave it request and response policies",
  zrank: "7.2 added WITHSCORE",
  zrevrank: "7.2 added WITHSCORE",
};

/** Where COMMAND DOCS of Redis 7.2 differs from the oracle's, texts aside. */
const CHANGED_DOCS: Readonly<Record<string, string>> = {
  "acl|log": "7.2 tells entries apart and says when they began",
  "client|kill": "7.2 renamed arguments; MAXAGE is 7.4's",
  "client|list": "7.2 renamed arguments and made ID a token of its argument",
  "command|getkeys": "7.2 documents the arguments",
  "command|getkeysandflags": "7.2 documents the arguments",
  "config|set": "7.2 renamed the block",
  geohash: "7.2 says that members are optional, as the arity did before",
  geopos: "7.2 says that members are optional, as the arity did before",
  getset: "the oracle shows a mark of its documentation's generator",
  mset: "7.2 renamed the block",
  msetnx: "7.2 renamed the block",
  pfmerge: "7.2 made the source keys optional",
  psetex: "deprecated in 7.2",
  setex: "deprecated in 7.2",
  setnx: "deprecated in 7.2",
  xadd: "7.2 renamed arguments",
  xclaim: "7.2 renamed an argument",
  "xgroup|create": "7.2 renamed arguments",
  "xgroup|createconsumer": "7.2 renamed arguments",
  "xgroup|delconsumer": "7.2 renamed arguments",
  "xgroup|destroy": "7.2 renamed arguments",
  "xgroup|setid": "7.2 renamed arguments",
  "xinfo|consumers": "7.2 renamed an argument and added a field",
  "xinfo|stream": "7.2 added a field, and made FULL an argument of its own",
  xreadgroup: "7.2 renamed the block",
  xsetid: "7.2 renamed arguments",
  zrank: "7.2 added WITHSCORE",
  zrevrank: "7.2 added WITHSCORE",
};

const everyCommand = allCommands().flatMap((one) => [one, ...one.subcommands]);

describe("declarations are complete", () => {
  test.each(everyCommand.map((one) => [one.fullName, one] as const))("%s", (_name, one) => {
    const { declaration, arity, subcommands } = one;
    expect(declaration.summary).toMatch(/^[A-Z].*\.$/);
    expect(declaration.since).toMatch(/^\d+\.\d+\.\d+$/);
    const hasComplexity = !["lolwut", "monitor", "psync", "sync"].includes(one.fullName);
    expect(declaration.complexity !== "").toBe(hasComplexity);
    expect(declaration.run !== undefined || subcommands.length > 0).toBe(true);
    // A container is called with a subcommand at least, which is called by two words.
    if (declaration.run === undefined) expect(arity).toBe(-2);
    if (one.parent !== null) expect(Math.abs(arity)).toBeGreaterThanOrEqual(2);
    for (const [since, change] of declaration.history ?? []) {
      expect(since).toMatch(/^\d+\.\d+\.\d+$/);
      expect(change).not.toBe("");
    }
    const args = declaration.args ?? [];
    for (const argument of flat(args)) checkArgument(argument, one);
    if (!hasUndocumentedArguments(one)) checkArity(args, one);
    const documented = new Set(flat(args).map(({ keySpec }) => keySpec));
    for (const [index, { flags }] of (declaration.keys ?? []).entries()) {
      // What only says in which slot a request belongs (shard channels) is documented as no key.
      if ((flags & KEY_NOT_KEY) === 0) expect(documented).toContain(index);
    }
  });
});

function flat(args: readonly ArgumentDoc[]): ArgumentDoc[] {
  return args.flatMap((argument) => [argument, ...flat(argument.parts ?? [])]);
}

function checkArgument(argument: ArgumentDoc, { declaration }: Command): void {
  const { type, parts, keySpec, token } = argument;
  expect(argument.name).toMatch(/^[a-z][a-z0-9:_/-]*$/);
  expect(type === "oneof" || type === "block").toBe(parts !== undefined);
  if (type === "oneof") expect(parts?.length).toBeGreaterThan(1);
  if (type === "pure-token") expect(token).toBeDefined();
  if (token !== undefined) expect(token).toBe(token.toUpperCase());
  if (type === "key") expect(keySpec).toBeDefined();
  if (keySpec !== undefined) expect(["key", "pattern"]).toContain(type);
  if (keySpec !== undefined) expect(declaration.keys?.[keySpec]).toBeDefined();
}

/** The least number of arguments documented is the least accepted, and so with the largest. */
function checkArity(args: readonly ArgumentDoc[], { arity, parent, fullName }: Command): void {
  const name = parent === null ? 1 : 2;
  const least = name + sum(args.map(leastOf));
  const largest = name + sum(args.map(largestOf));
  expect({ fullName, least: Math.abs(arity) }).toEqual({ fullName, least });
  if (arity > 0) expect({ fullName, largest: arity }).toEqual({ fullName, largest });
  else expect(largest).toBeGreaterThan(least);
}

/** Those that take arguments which Redis's documentation leaves out too. */
function hasUndocumentedArguments({ fullName, subcommands }: Command): boolean {
  // COMMAND GETKEYS wants a key among the arguments; DEBUG is for developers only; QUIT takes
  // anything, and the blocks of CLIENT KILL's filter are pairs that the documentation splits.
  // PSYNC may end with FAILOVER, and REPLCONF is for servers among themselves.
  const known = [
    "command|getkeys",
    "command|getkeysandflags",
    "debug",
    "quit",
    "client|kill",
    "psync",
    "replconf",
  ];
  return subcommands.length > 0 || known.includes(fullName);
}

function leastOf(argument: ArgumentDoc): number {
  if (argument.optional === true) return 0;
  const { type, token, parts = [] } = argument;
  const own = token === undefined ? 0 : 1;
  if (type === "pure-token") return 1;
  if (type === "oneof") return own + Math.min(...parts.map(leastOf));
  if (type === "block") return own + sum(parts.map(leastOf));
  return own + 1;
}

function largestOf(argument: ArgumentDoc): number {
  if (argument.multiple === true) return Infinity;
  const { type, token, parts = [] } = argument;
  const own = token === undefined ? 0 : 1;
  if (type === "pure-token") return 1;
  if (type === "oneof") return own + Math.max(...parts.map(largestOf));
  if (type === "block") return own + sum(parts.map(largestOf));
  return own + 1;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

const oracle = findOracle();

describe.skipIf(oracle === null).each([2, 3] as const)("beside redis-server, RESP%d", (resp) => {
  test("COMMAND INFO is the same to the byte", async () => {
    await differing(resp, CHANGED_INFO, async (client, one) => {
      const reply = await client.do("COMMAND", "INFO", one.fullName);
      // The subcommands at the end come in the order of a hash table that is seeded at random.
      return one.subcommands.length === 0 ? rawText(reply) : withoutSubcommands(reply);
    });
  });

  test("COMMAND DOCS has the same structure", async () => {
    await differing(resp, CHANGED_DOCS, async (client, one) => {
      const [, docs] = entriesOf(await client.value("COMMAND", "DOCS", one.fullName));
      return JSON.stringify(structureOf(docs, one));
    });
  });
});

/** Fails unless exactly the listed commands are described otherwise by the two servers. */
async function differing(
  resp: 2 | 3,
  known: Readonly<Record<string, string>>,
  describeWith: (client: RespClient, one: Command) => Promise<string>,
): Promise<void> {
  if (oracle === null) return;
  await using pedis = await startServer();
  await using redis = await startServer({ program: oracle });
  await using ours = await pedis.connect();
  await using theirs = await redis.connect();
  for (const client of [ours, theirs]) await client.do(`HELLO ${resp}`);
  const found: Record<string, string> = {};
  for (const one of everyCommand) {
    if (NEW.has(one.fullName)) continue;
    const mine = await describeWith(ours, one);
    const wanted = await describeWith(theirs, one);
    if (mine !== wanted) found[one.fullName] = `\n  pedis ${mine}\n  redis ${wanted}`;
  }
  const unexpected = Object.entries(found).filter(([name]) => known[name] === undefined);
  expect(unexpected.map(([name, how]) => name + how).join("\n")).toBe("");
  expect(Object.keys(known).filter((name) => found[name] === undefined)).toEqual([]);
}

function rawText({ raw }: Reply): string {
  return Buffer.from(raw).toString("latin1");
}

/** The description without its last element; the first ones are compared as values. */
function withoutSubcommands({ value }: Reply): string {
  const [info] = value as unknown[][];
  return JSON.stringify(info?.slice(0, 9));
}

/** What documentation says apart from its sentences, which are each server's own. */
function structureOf(docs: unknown, one: Command): unknown {
  const fields = [...fieldsOf(docs)].map(([name, value]) => {
    if (name === "summary" || name === "complexity") return [name];
    if (name === "history") return [name, (value as string[][]).map(([since]) => since)];
    if (name === "arguments") return [name, (value as unknown[]).map(argumentStructure)];
    if (name !== "subcommands") return [name, value];
    // Only the names of those that exist here; each is compared by itself.
    const names = [...fieldsOf(value).keys()];
    const ours = new Set(one.subcommands.map(({ fullName }) => fullName));
    return [name, names.filter((sub) => ours.has(sub) && !NEW.has(sub)).sort()];
  });
  return fields;
}

/** `display_text` is Redis 7.2's. */
function argumentStructure(argument: unknown): unknown {
  return [...fieldsOf(argument)]
    .filter(([name]) => name !== "display_text")
    .map(([name, value]) =>
      name === "arguments" ? [name, (value as unknown[]).map(argumentStructure)] : [name, value],
    );
}

test("an argument's display text is its name unless it has one of its own", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const [, docs] = entriesOf(await client.value("COMMAND DOCS client|kill"));
  const [filter] = fieldsOf(docs).get("arguments") as unknown[];
  const [oldForm, newForm] = fieldsOf(filter).get("arguments") as unknown[];
  expect(fieldsOf(filter).has("display_text")).toBe(false);
  expect(fieldsOf(oldForm).get("display_text")).toBe("ip:port");
  const [id] = fieldsOf(newForm).get("arguments") as unknown[];
  expect(fieldsOf(id).get("display_text")).toBe("client-id");
});

test("COMMAND, COMMAND INFO, LIST and COUNT know the same commands", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const names = allCommands()
    .map(({ name }) => name)
    .sort();
  for (const request of ["COMMAND", "COMMAND INFO"]) {
    const infos = (await client.value(request)) as unknown[][];
    expect(infos.map(([name]) => name)).toEqual(names);
  }
  expect(await client.value("COMMAND COUNT")).toBe(names.length);
  const listed = (await client.value("COMMAND LIST")) as string[];
  expect(listed.toSorted()).toEqual(everyCommand.map(({ fullName }) => fullName).sort());
  const docs = entriesOf(await client.value("COMMAND DOCS"));
  expect(docs.filter((_, index) => index % 2 === 0)).toEqual(names);
});

transcript("COMMAND LIST with filters", (t) => {
  t.do("COMMAND LIST FILTERBY PATTERN get").is(["get"]);
  t.do("COMMAND LIST FILTERBY PATTERN GETR*").is(["getrange"]);
  t.do("COMMAND LIST FILTERBY PATTERN config|*set").is(["config|set"]);
  t.do("COMMAND LIST FILTERBY PATTERN config|re*").unordered();
  t.do("COMMAND LIST FILTERBY PATTERN nothing*").is([]);
  t.do("COMMAND LIST FILTERBY ACLCAT nosuch").is([]);
  t.do("COMMAND LIST FILTERBY ACLCAT bitmap").matching((names) => Array.isArray(names));
  t.do("COMMAND LIST FILTERBY MODULE nosuch").is([]);
  t.do("COMMAND LIST filterby aclcat nosuch").is([]);
  t.do("COMMAND LIST FILTERBY ACLCAT").error("ERR syntax error");
  t.do("COMMAND LIST FILTERBY ACLCAT a b").error("ERR syntax error");
});

compare(
  "COMMAND's subcommands and their errors",
  `
  COMMAND NOSUCH
  COMMAND COUNT x
  COMMAND INFO nosuch get|key config|get|key NOSUCH
  COMMAND INFO GET
  COMMAND INFO Config|Get
  COMMAND DOCS nosuch get|key
  COMMAND GETKEYS
  COMMAND GETKEYS GET
  COMMAND GETKEYS CONFIG GET x
  COMMAND GETKEYS config|get x
  COMMAND GETKEYS OBJECT NOSUCH k
  COMMAND GETKEYS MSET a 1 b 2 c 3
  COMMAND GETKEYS MSET a 1 b
  COMMAND GETKEYS DEL a b c
  COMMAND GETKEYS MEMORY USAGE k
  COMMAND GETKEYS BITOP AND d a b
  COMMAND GETKEYS RENAME a b
  COMMAND GETKEYSANDFLAGS RENAME a b
  COMMAND GETKEYSANDFLAGS SET k v
  COMMAND GETKEYSANDFLAGS SET k v NX GET
  COMMAND GETKEYSANDFLAGS SET k v EX 10 get
  COMMAND GETKEYSANDFLAGS SET k get
  COMMAND GETKEYSANDFLAGS COPY a b
  COMMAND GETKEYSANDFLAGS GETEX k PERSIST
  COMMAND GETKEYSANDFLAGS PING x
  COMMAND HELP
  COMMAND HELP x
  `,
);
