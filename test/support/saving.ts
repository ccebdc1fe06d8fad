/** Saves and rewrites of a real server: waiting for their end, and looking at their files. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Argument, plainReply, readableCommand } from "./readable.ts";
import { ReplyError, type RespClient } from "./resp-client.ts";

const WAIT_TIMEOUT_MS = 30_000;
const POLL_MS = 5;
const COMMANDS_AT_ONCE = 500;

/** A field of INFO persistence. */
export async function persistenceField(client: RespClient, name: string): Promise<string> {
  const info = plainReply(await client.value("INFO persistence"));
  const found = new RegExp(`^${name}:([^\r\n]*)`, "m").exec(info);
  if (found === null) throw new Error(`No ${name} in INFO persistence:\n${info}`);
  return found[1];
}

/** Waits until a field of INFO persistence has the value. */
export async function waitForField(
  client: RespClient,
  name: string,
  value: string,
  timeoutMs = WAIT_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const now = await persistenceField(client, name);
    if (now === value) return;
    if (Date.now() > deadline) throw new Error(`${name} is still ${now}, not ${value}`);
    await Bun.sleep(POLL_MS);
  }
}

/** BGSAVE to its end; throws where that fails. */
export async function saveInBackground(client: RespClient): Promise<void> {
  const reply = plainReply(await client.value("BGSAVE"));
  if (reply !== "Background saving started") throw new Error(`BGSAVE: ${reply}`);
  await waitForField(client, "rdb_bgsave_in_progress", "0");
  const status = await persistenceField(client, "rdb_last_bgsave_status");
  if (status !== "ok") throw new Error(`The save ended with ${status}`);
}

/** BGREWRITEAOF to its end; throws where that fails. */
export async function rewriteAof(client: RespClient): Promise<void> {
  const reply = plainReply(await client.value("BGREWRITEAOF"));
  if (!reply.startsWith("Background append only file rewriting")) {
    throw new Error(`BGREWRITEAOF: ${reply}`);
  }
  await waitForField(client, "aof_rewrite_scheduled", "0");
  await waitForField(client, "aof_rewrite_in_progress", "0");
  const status = await persistenceField(client, "aof_last_bgrewrite_status");
  if (status !== "ok") throw new Error(`The rewrite ended with ${status}`);
}

/** Runs `use` with a new directory, which is removed afterwards. */
export async function withDirectory<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), "saving-test-"));
  try {
    return await use(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

export function copyDirectory(from: string, to: string): void {
  cpSync(from, to, { recursive: true, force: true });
}

/** All files below a directory, by their paths there, as latin1 text. */
export function filesOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.slice(dir.length + 1)] = readFileSync(path, "latin1");
  }
  return found;
}

/** What redis-check-rdb or redis-check-aof says of a file; null where it is not installed. */
export function checkFile(
  checker: "redis-check-rdb" | "redis-check-aof",
  path: string,
): { exitCode: number; output: string } | null {
  const program = Bun.which(checker);
  if (program === null) return null;
  const run = Bun.spawnSync([program, path], { stdin: "ignore" });
  return { exitCode: run.exitCode, output: run.stdout.toString() };
}

/** Sends commands in large pipelines; throws where one of them is answered with an error. */
export async function sendAll(
  client: RespClient,
  commands: readonly (readonly Argument[])[],
): Promise<void> {
  for (let from = 0; from < commands.length; from += COMMANDS_AT_ONCE) {
    const part = commands.slice(from, from + COMMANDS_AT_ONCE);
    const replies = await client.pipeline(part);
    for (const [i, { value }] of replies.entries()) {
      if (!(value instanceof ReplyError)) continue;
      throw new Error(`${value.message} for ${readableCommand(part[i]).slice(0, 300)}`);
    }
  }
}
