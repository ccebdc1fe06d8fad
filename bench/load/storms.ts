/**
 * Storms: so much expires within one second that removing it could hold clients up. A storm is one
 * row. The time of each key (or field) is written as `{at}` and lies within the second that the
 * measurement chooses, so everything must be there before that begins.
 */
import type { Filling } from "../support/loader.ts";

export interface Storm {
  readonly name: string;
  /** What expires; counts are those of a run that is not quick. */
  readonly title: string;
  readonly directives?: readonly string[];
  /** Sent before the storm; words hold `{at}` for a time in unix milliseconds. */
  readonly fillings: readonly Filling[];
  /** The command whose reply is 0 once all has gone. */
  readonly countedBy: string;
  /** Redis 7.0 cannot do it. */
  readonly isPedisOnly?: true;
}

const KEY_COUNT = 1_000_000;
const FIELDS_AT_ONCE = 100;
const SET_COUNT = 20_000;
const SET_MEMBERS = 200;

const KEYS: Filling = {
  request: ["SET", "key:{i}", "val:{i}", "PXAT", "{at}"],
  count: KEY_COUNT,
};

export const STORMS: readonly Storm[] = [
  {
    name: "storm",
    title: "1,000,000 keys",
    fillings: [KEYS],
    countedBy: "DBSIZE",
  },
  {
    name: "storm-aof",
    title: "1,000,000 keys, AOF everysec",
    directives: ["appendonly yes", "appendfsync everysec", "auto-aof-rewrite-percentage 0"],
    fillings: [KEYS],
    countedBy: "DBSIZE",
  },
  {
    name: "storm-notified",
    title: "1,000,000 keys, each notified of",
    directives: ["notify-keyspace-events KEA"],
    fillings: [KEYS],
    countedBy: "DBSIZE",
  },
  {
    name: "storm-sets",
    title: "20,000 sets of 200 members",
    fillings: [
      {
        request: ["SADD", "key:{i}"],
        each: ["member:{n}"],
        elements: SET_MEMBERS,
        count: SET_COUNT,
      },
      { request: ["PEXPIREAT", "key:{i}", "{at}"], count: SET_COUNT },
    ],
    countedBy: "DBSIZE",
  },
  {
    name: "storm-fields",
    title: "1,000,000 fields of a hash",
    fillings: [
      {
        request: ["HSET", "hash"],
        each: ["field:{n}", "val:{n}"],
        elements: FIELDS_AT_ONCE,
        count: KEY_COUNT / FIELDS_AT_ONCE,
      },
      {
        request: ["HPEXPIREAT", "hash", "{at}", "FIELDS", String(FIELDS_AT_ONCE)],
        each: ["field:{n}"],
        elements: FIELDS_AT_ONCE,
        count: KEY_COUNT / FIELDS_AT_ONCE,
        replyLines: 1 + FIELDS_AT_ONCE,
      },
    ],
    countedBy: "HLEN hash",
    isPedisOnly: true,
  },
];
