/** What COMMAND says of every command, compared with redis-server; declarations complete. */
import { expect, test } from "bun:test";
import { allCommands } from "../../src/commands/registry.ts";
import type { ArgumentDoc, Command } from "../../src/engine/command.ts";
import { findOracle } from "../support/oracle.ts";
import { startServer } from "../support/server.ts";
import type { RespClient } from "../support/resp-client.ts";

/** Commands and subcommands that Redis 7.0.15 lacks or describes otherwise than 7.2. */
const NEW_IN_72 = new Set(["client|setinfo", "client|no-touch"]);

const everyCommand = allCommands().flatMap((one) => [one, ...one.subcommands]);

test.each(everyCommand.map((one) => [one.fullName, one] as const))(
  "%s is declared completely",
  (_name, { declaration, arity, subcommands }) => {
    expect(declaration.summary).toMatch(/^[A-Z].*\.$/);
    expect(declaration.since).toMatch(/^\d+\.\d+\.\d+$/);
    expect(arity).not.toBe(0);
    expect(declaration.run !== undefined || subcommands.length > 0).toBe(true);
    const keys = declaration.keys ?? [];
    for (const argument of flat(declaration.args ?? [])) {
      if (argument.type === "key") expect(keys[argument.keySpec ?? -1]).toBeDefined();
      if (argument.type === "pure-token") expect(argument.token).toBeDefined();
      if (argument.type === "oneof") expect(argument.parts?.length).toBeGreaterThan(1);
    }
    const fixed = (declaration.args ?? []).filter(({ optional }) => optional !== true).length;
    if (arity > 0 && subcommands.length === 0) expect(fixed).toBeLessThanOrEqual(arity);
  },
);

function flat(args: readonly ArgumentDoc[]): ArgumentDoc[] {
  return args.flatMap((argument) => [argument, ...flat(argument.parts ?? [])]);
}

const oracle = findOracle();

test.skipIf(oracle === null)(
  "COMMAND INFO equals redis-server's",
  async () => {
    if (oracle === null) return;
    await using pedis = await startServer();
    await using redis = await startServer({ program: oracle });
    await using ours = await pedis.connect();
    await using theirs = await redis.connect();
    const differences: string[] = [];
    for (const one of everyCommand) {
      if (NEW_IN_72.has(one.fullName)) continue;
      const mine = await describe(ours, one);
      const wanted = await describe(theirs, one);
      if (mine !== wanted) differences.push(`${one.fullName}\n  pedis ${mine}\n  redis ${wanted}`);
    }
    expect(differences.join("\n")).toBe("");
  },
  30_000,
);

/** All but the subcommands, whose order is the hash table's there. */
async function describe(client: RespClient, one: Command): Promise<string> {
  const reply = await client.value("COMMAND", "INFO", one.fullName);
  const [info] = reply as unknown[][];
  return JSON.stringify(info?.slice(0, 9));
}
