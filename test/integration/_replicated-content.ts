/** Content that a primary gets, and changes to it, before its replicas are looked at. */
import { changes, type Command, filling } from "../support/changes.ts";
import type { Random } from "../support/random.ts";
import { expectAlike } from "../support/replication.ts";
import type { ServerProcess } from "../support/server.ts";

const OPTIONS = { keys: 3, hugeSize: 300, databases: 2, hasFieldExpiry: false };
/** What `changes` gives a short life lives no longer than 200 ms. */
const LONGEST_LIFE_MS = 220;
const AT_ONCE = 200;
/** Between two groups of commands that are written all along. */
const PAUSE_MS = 4;

export async function fill(server: ServerProcess, random: Random): Promise<void> {
  await send(server, [...filling(random, OPTIONS)]);
}

export async function change(server: ServerProcess, random: Random, count = 500): Promise<void> {
  const stream = changes(random, OPTIONS);
  await send(
    server,
    Array.from({ length: count }, () => stream.next().value),
  );
}

/** Writes until it is stopped or the server is gone. */
export function keepChanging(server: ServerProcess, random: Random): { stop(): Promise<void> } {
  let isOver = false;
  const write = async (): Promise<void> => {
    try {
      while (!isOver) {
        await change(server, random, 20);
        await Bun.sleep(PAUSE_MS);
      }
    } catch {
      // The server was killed.
    }
  };
  const end = write();
  return {
    stop: () => {
      isOver = true;
      return end;
    },
  };
}

/** As `expectAlike`, once nothing is about to expire. */
export async function expectAllAlike(servers: readonly ServerProcess[]): Promise<void> {
  await Bun.sleep(LONGEST_LIFE_MS);
  await expectAlike(servers);
}

async function send(server: ServerProcess, commands: readonly Command[]): Promise<void> {
  await server.withClient(async (client) => {
    for (let from = 0; from < commands.length; from += AT_ONCE) {
      await client.pipeline(commands.slice(from, from + AT_ONCE));
    }
  });
}
