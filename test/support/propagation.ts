/**
 * What a server propagates, read from its AOF. A script's commands run on Pedis and on the
 * oracle; what each wrote must be the same, command by command:
 *
 *     comparePropagation("GETEX propagates its effect", `
 *       SET k v
 *       GETEX k EX 100
 *     `);
 *
 * Times counted from now are masked, since the two servers do not run in the same millisecond.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Reply, ReplyDecoder } from "./_reply-decoder.ts";
import { findOracle } from "./oracle.ts";
import { readableCommand, splitLine } from "./readable.ts";
import type { RespClient } from "./resp-client.ts";
import { PEDIS, type Program, startServer } from "./server.ts";

const AOF = ["appendonly yes", 'save ""', "enable-debug-command yes"];
/** Keys that are over go when they are looked at, not at a moment of the server's choice. */
const FIRST = splitLine("DEBUG SET-ACTIVE-EXPIRE 0");
/** Unix milliseconds within a few days of now. */
const NEARNESS_MS = 1e9;

/** Declares a test; without the oracle there is nothing to hold Pedis against. */
export function comparePropagation(name: string, script: string, directives: string[] = []): void {
  const oracle = findOracle();
  const commands = script
    .split("\n")
    .map(splitLine)
    .filter(({ length }) => length > 0);
  test.skipIf(oracle === null)(name, async () => {
    const expected = await propagated(oracle ?? PEDIS, commands, directives);
    expect(expected.length).toBeGreaterThan(1);
    expect(await propagated(PEDIS, commands, directives)).toEqual(expected);
  });
}

/** The commands in the AOF after these and what `then` does, as lines. */
export async function propagated(
  program: Program,
  commands: readonly Uint8Array[][],
  directives: readonly string[],
  then?: (client: RespClient) => Promise<void>,
): Promise<string[]> {
  await using server = await startServer({ program, directives: [...AOF, ...directives] });
  await server.withClient(async (client) => {
    await client.pipeline([FIRST, ...commands]);
    await then?.(client);
  });
  // Both servers have written before they reply.
  const file = join(server.dir, "appendonlydir", "appendonly.aof.1.incr.aof");
  const decoder = new ReplyDecoder();
  decoder.push(readFileSync(file));
  const lines: string[] = [];
  for (let one = decoder.next(); one !== null; one = decoder.next()) lines.push(masked(one));
  return lines;
}

function masked({ value }: Reply): string {
  const words = (value as string[]).map((word) => {
    const isNear = /^\d{13}$/.test(word) && Math.abs(Number(word) - Date.now()) < NEARNESS_MS;
    return isNear ? "<soon>" : word;
  });
  return readableCommand(words);
}
