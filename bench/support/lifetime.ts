/**
 * No process outlives a benchmark. Servers are started with the tests' `startServer`, every other
 * child with `spawnOwned`; whatever ends the run (its end, a failure, a signal, the time limit)
 * kills them all and removes their directories, which lie in one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stopEverything } from "../../test/support/server.ts";

const RUN_LIMIT_MS = 60 * 60 * 1000;
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

type OwnedChild = Bun.Subprocess<"pipe" | "ignore", "pipe", "pipe">;

const children = new Set<OwnedChild>();
let isEnding = false;

/** Runs `body` to its exit code, then ends this process, leaving nothing behind. */
export async function runBenchmark(
  body: () => Promise<number>,
  limitMs = RUN_LIMIT_MS,
): Promise<never> {
  const dir = mkdtempSync(join(tmpdir(), "pedis-bench-"));
  process.env["TMPDIR"] = dir;
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => void end(exitCode));
  }
  process.on("exit", () => {
    void killAll();
    rmSync(dir, { recursive: true, force: true });
  });
  setTimeout(() => {
    console.error(`Not done within ${limitMs / 60_000} minutes`);
    void end(1);
  }, limitMs).unref();
  try {
    return await end(await body());
  } catch (problem) {
    if (!isEnding) console.error(problem instanceof Error ? problem.message : problem);
    return await end(1);
  }
}

/** Throws once the run is ending, so that a loop over cases starts no more of them. */
export function checkNotEnding(): void {
  if (isEnding) throw new Error("Interrupted");
}

/** A child that is killed after `limitMs`, or when the benchmark ends. */
export function spawnOwned(command: readonly string[], limitMs: number): OwnedChild {
  checkNotEnding();
  const child = Bun.spawn([...command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: limitMs,
    killSignal: "SIGKILL",
  });
  children.add(child);
  void child.exited.then(() => children.delete(child));
  return child;
}

/** Runs a child to its end and gives its standard output; a failure is thrown with its words. */
export async function runOwned(command: readonly string[], limitMs: number): Promise<string> {
  const child = spawnOwned(command, limitMs);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  if (exitCode !== 0) {
    const why = stderr.trim() || stdout.trim().split(/[\r\n]+/).at(-1) || "no output";
    throw new Error(`${command.join(" ")} ended with ${child.signalCode ?? exitCode}: ${why}`);
  }
  return stdout;
}

async function end(exitCode: number): Promise<never> {
  isEnding = true;
  await killAll();
  process.exit(exitCode);
}

/** All signals are sent before the first await, as an exit handler needs it. */
async function killAll(): Promise<void> {
  for (const child of children) child.kill("SIGKILL");
  await stopEverything();
}
