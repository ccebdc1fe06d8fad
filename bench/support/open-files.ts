/** Limits on open files, for benchmarks with thousands of connections; by prlimit(1). */
import { readFileSync } from "node:fs";

/** Makes sure that this process may hold `count` descriptors, or throws. */
export function needsFiles(count: number): void {
  const { soft, hard } = fileLimits();
  if (soft >= count) return;
  const limits = `--nofile=${count}:${Math.max(count, hard)}`;
  const { exitCode } = Bun.spawnSync(["prlimit", `--pid=${process.pid}`, limits]);
  if (exitCode !== 0) throw new Error(`Needs ulimit -n ${count}, and the limit is ${hard}`);
}

/** `command` with leave to hold `count` descriptors, if it must be asked for. */
export function limitFiles(command: readonly string[], count: number): readonly string[] {
  const { soft, hard } = fileLimits();
  if (soft >= count) return command;
  return ["prlimit", `--nofile=${count}:${Math.max(count, hard)}`, ...command];
}

function fileLimits(): { soft: number; hard: number } {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const found = /^Max open files\s+(\d+|unlimited)\s+(\d+|unlimited)/m.exec(limits);
  const read = (text = "0") => (text === "unlimited" ? Infinity : Number(text));
  return { soft: read(found?.[1]), hard: read(found?.[2]) };
}
