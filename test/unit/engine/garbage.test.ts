/**
 * A request leaves no garbage behind: what the runtime's log of its collections says has been
 * allocated while a request ran a hundred thousand times, sockets not included.
 */
import { expect, test } from "bun:test";

const PROBE = new URL("./_garbage-probe.ts", import.meta.url).pathname;
const COUNT = 100_000;
/** What is compiled meanwhile is seen as some ten to thirty, on a busy machine as fifty. */
const MOST_BYTES = 60;
const TIMEOUT_MS = 240_000;

const LINES = [
  "PING",
  "GET key:7",
  "SET key:7 another-value",
  "SET key:8 value EX 1000",
  "INCR counter",
  "EXPIRE key:9 1000",
  "HSET hash field:7 another-value",
  "HGET hash field:7",
  "HINCRBY small field 1",
  "SADD set member:7",
  "SISMEMBER set member:7",
  "RPUSH queue value",
  "LPOP queue",
  "LRANGE list 0 9",
  "ZADD zset 17 member:7",
  "ZADD ranks NX 3 member",
  "ZINCRBY zset 1 member:8",
  "ZRANGE zset 0 9",
  "ZRANK zset member:9",
  "XADD stream MAXLEN ~ 100 * field value",
  "SETBIT bits 7 1",
  "PFADD visitors somebody",
  "PUBLISH channel message",
];

/** Bytes that the runs of each line have allocated, by what the log says before collections. */
function allocatedBytes(log: string): Map<string, number> {
  const allocated = new Map<string, number>();
  let line = "";
  let afterKb = 0;
  for (const [, begun, startKb, endKb] of log.matchAll(
    /^BEGIN (.*)$|START M (\d+)kb|=> (\d+)kb, p=|^END .*$/gm,
  )) {
    if (begun !== undefined) {
      line = begun;
      allocated.set(line, 0);
    } else if (startKb !== undefined) {
      const before = allocated.get(line);
      if (before !== undefined) allocated.set(line, before + (Number(startKb) - afterKb) * 1024);
    } else if (endKb !== undefined) {
      afterKb = Number(endKb);
    } else {
      line = "";
    }
  }
  return allocated;
}

/** Of these lines those that seem to allocate, each with how many bytes a request costs. */
async function wasteful(lines: readonly string[]): Promise<Map<string, number>> {
  const child = Bun.spawn([process.execPath, PROBE, String(COUNT), ...lines], {
    env: { ...process.env, BUN_JSC_logGC: "1" },
    stdout: "ignore",
    stderr: "pipe",
  });
  const log = await child.stderr.text();
  expect(await child.exited).toBe(0);
  const allocated = allocatedBytes(log);
  expect([...allocated.keys()]).toEqual([...lines]);
  // The log is understood: something is seen of each of them.
  expect(Math.min(...allocated.values())).toBeGreaterThan(0);
  const each = [...allocated].map(([line, bytes]) => [line, Math.round(bytes / COUNT)] as const);
  return new Map(each.filter(([, bytes]) => bytes > MOST_BYTES));
}

test(
  "requests leave no garbage",
  async () => {
    const suspects = await wasteful(LINES);
    if (suspects.size === 0) return;
    // Who allocates does so every time; what is compiled late on a busy machine falls elsewhere.
    expect(await wasteful([...suspects.keys()])).toEqual(new Map());
  },
  TIMEOUT_MS,
);
