/** What operators and their monitors do to a server meanwhile, one thing after the other. */
import { infoFields, until } from "../support/info.ts";
import { Hand } from "./hand.ts";
import type { Stage } from "./clients.ts";

type Chore = (hand: Hand, round: number) => Promise<void>;

const POLICIES = ["allkeys-lru", "allkeys-lfu", "allkeys-random"];
const STATUSES = ["rdb_last_bgsave_status", "aof_last_bgrewrite_status", "aof_last_write_status"];
const SIDE_DATABASE = "1";
const SIDE_KEYS = 2_000;
const SIDE_AT_ONCE = 50;
const SCAN_COUNT = "1000";
const REST_MS = 5;

const CHORES: readonly Chore[] = [
  rewrite,
  async (hand) => {
    await hand.send(["INFO", "everything"], ["CLIENT", "LIST"], ["SLOWLOG", "GET"]);
  },
  fillAside,
  save,
  async (hand) => {
    await hand.send(["MEMORY", "STATS"], ["MEMORY", "DOCTOR"], ["MEMORY", "PURGE"]);
  },
  scanAll,
  async (hand) => {
    await hand.send(["SELECT", SIDE_DATABASE], ["FLUSHDB", "ASYNC"], ["SELECT", "0"]);
  },
  async (hand, round) => {
    const policy = POLICIES[round % POLICIES.length];
    await hand.send(["CONFIG", "SET", "maxmemory-policy", policy]);
  },
];

/** Does a chore every `everyMs` until the end, and each of them once in any case. */
export async function keep(stage: Stage, everyMs: number): Promise<void> {
  const { server, random, tally, endMs } = stage;
  await using client = await server.connect();
  const hand = new Hand(client, random, tally);
  for (let count = 1; ; count++) {
    await Bun.sleep(Math.max(0, Math.min(everyMs, endMs - performance.now())));
    if (performance.now() >= endMs && count > CHORES.length) return;
    await CHORES[count % CHORES.length](hand, Math.floor(count / CHORES.length));
    const fields = await infoFields(client, "persistence");
    for (const name of STATUSES) hand.check(fields[name] === "ok", `${name} is not ok`, "");
  }
}

/** Where a rewrite is going on it waits for it, as it does the other way round. */
function save(hand: Hand): Promise<void> {
  return askAndAwait(hand, ["BGSAVE", "SCHEDULE"], "rdb_saves");
}

function rewrite(hand: Hand): Promise<void> {
  return askAndAwait(hand, ["BGREWRITEAOF"], "aof_rewrites");
}

async function askAndAwait(hand: Hand, request: readonly string[], field: string): Promise<void> {
  const count = async () => Number((await infoFields(hand.client, "persistence"))[field]);
  const before = await count();
  await hand.send(request);
  await until(async () => (await count()) > before);
}

async function fillAside(hand: Hand): Promise<void> {
  await hand.send(["SELECT", SIDE_DATABASE]);
  for (let from = 0; from < SIDE_KEYS; from += SIDE_AT_ONCE) {
    const keys = Array.from({ length: SIDE_AT_ONCE }, (_, index) => `aside:${from + index}`);
    await hand.send(
      ...keys.flatMap((key) => [
        ["SET", key, `${key}=1`, "EX", "600"],
        ["SADD", `${key}:set`, "1", "a"],
      ]),
    );
    await Bun.sleep(REST_MS);
  }
  await hand.send(["SWAPDB", SIDE_DATABASE, "2"], ["SWAPDB", SIDE_DATABASE, "2"]);
  await hand.send(["SELECT", "0"]);
}

async function scanAll(hand: Hand): Promise<void> {
  for (let cursor = "0"; ;) {
    const [reply] = await hand.send(["SCAN", cursor, "COUNT", SCAN_COUNT]);
    const next = Array.isArray(reply) ? reply[0] : null;
    if (typeof next !== "string" || next === "0") return;
    cursor = next;
    await Bun.sleep(REST_MS);
  }
}
