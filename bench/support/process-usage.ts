/**
 * What a process has used, from Linux's books.
 *
 * CPU: the process's CPU-time clock (clock_getcpuclockid(3)), which counts all its threads, also
 * those that have ended, in nanoseconds. Where libc cannot be called it is utime + stime of
 * /proc/PID/stat, in hundredths of a second.
 *
 * Memory: resident bytes are the Rss of /proc/PID/smaps_rollup, which is exact where VmRSS may lag
 * by some pages per processor; the peak is VmHWM, which can be set back to the present.
 */
import { dlopen, ptr } from "bun:ffi";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const CPUCLOCK_SCHED = 2;
const TICKS_PER_SECOND = 100;
const STABLE_WITHIN = 0.005;
const SETTLE_LIMIT_MS = 20_000;

const libc = openLibc();
const timespec = new BigInt64Array(2);

/** Microseconds of user and system time that the process has used since its start. */
export function cpuMicros(pid: number): number {
  if (libc?.symbols.clock_gettime((~pid << 3) | CPUCLOCK_SCHED, ptr(timespec)) === 0) {
    return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1e3;
  }
  const fields = statFields(pid);
  return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1e6;
}

/** The same of children that have ended, in hundredths of a second. */
export function childrenCpuMicros(pid: number): number {
  const fields = statFields(pid);
  return ((Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND) * 1e6;
}

/**
 * Microseconds in which the main thread was ready to run and waited for a processor, since its
 * start; 0 where the system does not tell.
 */
export function waitedMicros(pid: number): number {
  const path = `/proc/${pid}/task/${pid}/schedstat`;
  return existsSync(path) ? Number(readFileSync(path, "utf8").split(" ")[1]) / 1000 : 0;
}

export function residentBytes(pid: number): number {
  return kilobytesOf(`/proc/${pid}/smaps_rollup`, "Rss") * 1024;
}

/** The most the process has held resident since its start, or since `resetPeak`. */
export function peakBytes(pid: number): number {
  return kilobytesOf(`/proc/${pid}/status`, "VmHWM") * 1024;
}

/** From now on the peak counts anew. */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/**
 * Resident bytes once the process has come to rest: after `restMs`, and as soon as they have
 * stayed within half a percent for a tenth of that again.
 */
export async function settledBytes(pid: number, restMs: number): Promise<number> {
  await Bun.sleep(restMs);
  const deadline = Date.now() + SETTLE_LIMIT_MS;
  for (let last = residentBytes(pid); ;) {
    await Bun.sleep(restMs / 10);
    const now = residentBytes(pid);
    if (Math.abs(now - last) <= last * STABLE_WITHIN || Date.now() > deadline) return now;
    last = now;
  }
}

/** Of /proc/PID/stat, from the third one on. */
function statFields(pid: number): readonly string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function kilobytesOf(path: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(readFileSync(path, "utf8"));
  if (found === null) throw new Error(`${path} has no ${name}`);
  return Number(found[1]);
}

function openLibc() {
  if (!existsSync("/proc/self/stat")) throw new Error("The benchmarks read /proc: Linux only");
  try {
    return dlopen("libc.so.6", { clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });
  } catch {
    return null;
  }
}
