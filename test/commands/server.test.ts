/** SLOWLOG, LATENCY, MEMORY, LOLWUT, TIME and SHUTDOWN: what they tell is what happened. */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";
import { entriesOf, textOf } from "./_texts.ts";

const SECRET = "(redacted)";

transcript("SLOWLOG keeps the newest calls, shortened, secrets hidden", (t) => {
  t.do("CONFIG SET slowlog-log-slower-than -1").is("OK");
  t.do("SLOWLOG RESET").is("OK");
  t.do("SLOWLOG GET").is([]);
  t.do("CLIENT SETNAME me").is("OK");
  t.do("CONFIG SET slowlog-log-slower-than 0").is("OK");
  t.do("SET k v").is("OK");
  t.do("GET", "k".repeat(200)).is(null);
  t.do("DEL", ...Array.from({ length: 40 }, (_, i) => String(i))).is(0);
  t.do("CONFIG SET masterauth pw maxmemory 0").is("OK");
  t.do("AUTH pw").matching(() => true);
  t.do("HELLO 2 AUTH default pw").matching(() => true);
  t.do("SLOWLOG LEN").is(7);
  t.do("CONFIG SET slowlog-log-slower-than -1").is("OK");
  t.do("SLOWLOG GET 3").matching((value) => (value as unknown[]).length === 3);
  t.do("SLOWLOG GET -1").matching((value) => {
    const entries = value as unknown[][];
    const long = `${"k".repeat(128)}... (72 more bytes)`;
    const many = ["DEL", ...Array.from({ length: 30 }, (_, i) => String(i))];
    const wanted = [
      ["SLOWLOG", "LEN"],
      ["HELLO", "2", "AUTH", SECRET, SECRET],
      ["AUTH", SECRET],
      ["CONFIG", "SET", "masterauth", SECRET, "maxmemory", "0"],
      [...many, "... (10 more arguments)"],
      ["GET", long],
      ["SET", "k", "v"],
      ["CONFIG", "SET", "slowlog-log-slower-than", "0"],
    ];
    const ids = entries.map(([id]) => Number(id));
    return (
      JSON.stringify(entries.map((entry) => entry[3])) === JSON.stringify(wanted) &&
      ids.every((id, i) => id === (ids[0] ?? 0) - i) &&
      entries.every(([, at, us]) => Number(at) > 1.6e9 && Number(us) >= 0) &&
      entries.every((entry) => /^127\.0\.0\.1:\d+$/.test(String(entry[4])) && entry[5] === "me")
    );
  });
  t.do("CONFIG SET slowlog-max-len 2").is("OK");
  t.do("SLOWLOG LEN").matching((length) => Number(length) <= 8);
  t.do("CONFIG SET slowlog-log-slower-than 10000 slowlog-max-len 128").is("OK");
  t.do('CONFIG SET masterauth ""').is("OK");
});

compare(
  "SLOWLOG, LATENCY and MEMORY refuse what Redis refuses",
  `
  SLOWLOG
  SLOWLOG NOSUCH
  SLOWLOG GET 1 2
  slowlog get 1 2
  SLOWLOG GET -2
  SLOWLOG GET x
  SLOWLOG LEN x
  SLOWLOG HELP
  LATENCY
  LATENCY NOSUCH
  LATENCY GRAPH
  LATENCY GRAPH nosuch
  LATENCY HISTORY nosuch
  LATENCY RESET nosuch
  LATENCY LATEST x
  LATENCY DOCTOR x
  LATENCY HELP
  LATENCY HISTOGRAM nosuch get|nosuch
  MEMORY
  MEMORY NOSUCH
  MEMORY USAGE
  MEMORY USAGE nosuch
  MEMORY USAGE nosuch SAMPLES x
  MEMORY USAGE nosuch SAMPLES -1
  MEMORY USAGE nosuch SAMPLES 5
  MEMORY USAGE nosuch SAMPLES 5 SAMPLES
  MEMORY USAGE nosuch SAMPLES 5 SAMPLES 0
  TIME x
  LOLWUT VERSION x
  SHUTDOWN NOSUCH
  SHUTDOWN SAVE NOSAVE
  SHUTDOWN NOW ABORT
  SHUTDOWN ABORT
  `,
);

/** Far above what a command takes that a busy machine has put aside for a while. */
const monitored = transcripts({ directives: ["latency-monitor-threshold 150"] });

monitored.transcript("LATENCY sees slow commands", (t) => {
  const near = (value: unknown, low: number) => Number(value) >= low && Number(value) < low + 9000;
  t.do("LATENCY RESET").likeInteger();
  t.do("LATENCY LATEST").is([]);
  t.do("DEBUG SLEEP 0.16").is("OK");
  t.do("LATENCY LATEST").matching((value) => {
    const [[name, at, last, worst] = []] = value as unknown[][];
    return name === "command" && Number(at) > 1.6e9 && near(last, 160) && worst === last;
  });
  // Spikes of the same second are one.
  t.pause(850);
  t.do("DEBUG SLEEP 0.19").is("OK");
  t.do("LATENCY HISTORY command").matching((value) => {
    const spikes = value as [number, number][];
    return spikes.length === 2 && near(spikes[0]?.[1], 160) && near(spikes[1]?.[1], 190);
  });
  t.do("LATENCY GRAPH command").matching((value) => {
    const [title = "", line = ""] = textOf(value).split("\n");
    const form = /^command - high (\d+) ms, low (\d+) ms \(all time high (\d+) ms\)$/;
    const [, high, low, all] = form.exec(title) ?? [];
    return near(high, 190) && near(low, 160) && all === high && line === "-".repeat(80);
  });
  t.do("LATENCY DOCTOR").matching((value) => /command: 2 /.test(textOf(value)));
  t.do("LATENCY RESET nosuch command").is(1);
  t.do("LATENCY HISTORY command").is([]);
  t.do("LATENCY RESET").is(0);
});

transcript("LATENCY DOCTOR without monitoring says how to turn it on", (t) => {
  t.do("LATENCY DOCTOR").matching((value) =>
    textOf(value).includes("CONFIG SET latency-monitor-threshold <milliseconds>"),
  );
});

transcript("LATENCY HISTOGRAM counts every call of a command", (t) => {
  const counts = (value: unknown): Map<string, [number, number[]]> => {
    const found = new Map<string, [number, number[]]>();
    const flat = entriesOf(value);
    for (let i = 0; i < flat.length; i += 2) {
      const [, calls, , buckets] = entriesOf(flat[i + 1]);
      found.set(textOf(flat[i]), [Number(calls), entriesOf(buckets).map(Number)]);
    }
    return found;
  };
  /** Each bucket has more than the one before, the last one all; bounds double. */
  const isCumulative = ([calls, buckets]: [number, number[]]) => {
    const bounds = buckets.filter((_, i) => i % 2 === 0);
    const seen = buckets.filter((_, i) => i % 2 === 1);
    // Powers of two of 1,024 ns, as the largest values with two exact digits.
    const known = new Set(
      Array.from({ length: 24 }, (_, power) => Math.floor((1032 * 2 ** power) / 1000)),
    );
    return (
      seen.at(-1) === calls &&
      seen.every((count, i) => i === 0 || count > (seen[i - 1] ?? 0)) &&
      bounds.every((bound) => known.has(bound))
    );
  };
  t.do("CONFIG RESETSTAT").is("OK");
  for (let i = 0; i < 5; i++) t.do(`SET k ${i}`).is("OK");
  t.do("CLIENT ID").likeInteger();
  t.do("CLIENT GETNAME").is(null);
  t.do("LATENCY HISTOGRAM SET nosuch").matching((value) => {
    const found = counts(value);
    const set = found.get("set");
    return found.size === 1 && set !== undefined && set[0] === 5 && isCumulative(set);
  });
  t.do("LATENCY HISTOGRAM client").matching(
    (value) => [...counts(value).keys()].sort().join(" ") === "client|getname client|id",
  );
  t.do("LATENCY HISTOGRAM client|id").matching((value) => counts(value).size === 1);
  t.do("LATENCY HISTOGRAM").matching((value) => {
    const found = counts(value);
    return found.has("config|resetstat") && [...found.values()].every(isCumulative);
  });
  t.do("CONFIG SET latency-tracking no").is("OK");
  t.do("CONFIG RESETSTAT").is("OK");
  t.do("LATENCY HISTOGRAM").matching((value) => counts(value).size === 0);
  t.do("CONFIG SET latency-tracking yes").is("OK");
});

test("MEMORY USAGE follows the size of a value, and stays below redis-server's", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const usage = async (of: RespClient, value: string): Promise<number> => {
    await of.value("SET", "key", value);
    return Number(await of.value("MEMORY USAGE key"));
  };
  // A single key would have a whole table to itself.
  const others = Array.from({ length: 1500 }, (_, i) => ["SET", `other:${i}`, "1"]);
  await client.pipeline(others);
  const values = ["1", "12345678901", "x".repeat(16), "x".repeat(1000), "x".repeat(1_000_000)];
  const oracle = findOracle();
  await using redis = oracle === null ? null : await startServer({ program: oracle });
  await using other = redis === null ? null : await redis.connect();
  for (const value of values) {
    const bytes = await usage(client, value);
    expect(bytes).toBeGreaterThanOrEqual("key".length + value.length);
    if (other !== null) expect(bytes).toBeLessThanOrEqual(await usage(other, value));
  }
  expect(await client.value("MEMORY USAGE key SAMPLES 0")).toBeGreaterThan(1_000_000);
});

transcript("LOLWUT ends with the version, whatever is drawn", (t) => {
  const ends = (value: unknown) => /Redis ver\. 7\.\d+\.\d+\n$/.test(textOf(value));
  t.do("LOLWUT").matching(ends);
  t.do("LOLWUT VERSION").matching(ends);
  t.do("LOLWUT VERSION 5").matching(ends);
  t.do("LOLWUT VERSION 99").matching(ends);
  t.do("LOLWUT nosuch").matching(ends);
});

transcript("TIME is now", (t) => {
  t.do("TIME").matching((value) => {
    const [seconds, microseconds] = value as [string, string];
    const isNow = Math.abs(Number(seconds) - Date.now() / 1000) < 60;
    return isNow && /^\d{1,6}$/.test(microseconds);
  });
});

test.each(["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOW FORCE"])(
  "%s ends the server without a reply; what was acknowledged is on the disk",
  async (request) => {
    await using server = await startServer({ directives: ["appendonly yes"] });
    const client = await server.connect();
    await client.value("SET k v");
    client.begin(request);
    await client.closed;
    expect(client.unasked).toEqual([]);
    expect(await server.exited()).toBe(0);
    await server.start();
    expect(await server.withClient((again) => again.value("GET k"))).toBe("v");
  },
);
