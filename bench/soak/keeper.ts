/** What operators and their monitors do to a server meanwhile, one thing after the other. */
import { infoFields } from "../support/info.ts";
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
  async (hand) => void (await hand.send(["BGREWRITEAOF"])),
  async (hand) => {
    await hand.send(["INFO", "everything"], ["CLIENT", "LIST"], ["SLOWLOG", "GET"]);
  },
  fillAside,
  async (hand) => void (await hand.send(["BGSAVE", "SCHEDULE"])),
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

/** Does a chore every `everyMs` until the end. */
export async function keep(stage: Stage, everyMs: number): Promise<void> {
  const { server, random, tally, endMs } = stage;
  await using client = await server.connect();
  const hand = new Hand(client, random, tally);
  for (let count = 1; ; count++) {
    await Bun.sleep(Math.max(0, Math.min(everyMs, endMs - performance.now())));
    if (performance.now() >= endMs) return;
    await CHORES[count % CHORES.length](hand, Math.floor(count / CHORES.length));
    const fields = await infoFields(client, "persistence");
    for (const name of STATUSES) hand.check(fields[name] === "ok", `${name} is not ok`, "");
  }
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
