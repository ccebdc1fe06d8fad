/**
 * Scripts whose keyspace events are compared with the oracle's, line by line: what a subscriber of
 * `__key*` hears of each command, all classes being published. A line may state what it hears:
 *
 *     compareEvents("lists", `
 *       RPUSH l a b            => new l, rpush l
 *       @b BLPOP q 0           # @b on another connection, without waiting for the reply
 *       ! HEXPIRE h 1 …        => hexpire h      # ! the oracle does not know this command
 *       . 20                   # waits so many milliseconds
 *       !. 20                  # as above, but not with the oracle
 *     `);
 *
 * An event of a database other than 0 is written `1:set k`. `=>` without events: none. Events that
 * are stated are waited for, so a line may state what the cron will do.
 */
import { expect, test } from "bun:test";
import { findOracle } from "./oracle.ts";
import type { RespClient } from "./resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "./server.ts";

const QUIET = ['save ""', "appendonly no", "enable-debug-command yes", "loglevel warning"];
const ALL_EVENTS = "AKEnm";
const MARKER = "__key-marker__";
/** Within which events that are stated must come. */
const EVENTS_MS = 20_000;
/** Between two looks at what has come. */
const LOOK_MS = 10;

interface Line {
  readonly text: string;
  readonly connection: string;
  readonly pauseMs: number;
  readonly isOurs: boolean;
  readonly stated: readonly string[] | null;
}

const servers = new Map<string, Promise<ServerProcess>>();

export function compareEvents(name: string, script: string, directives: string[] = []): void {
  const lines = parse(script);
  test(name, async () => {
    const oracle = findOracle();
    const ours = await record(PEDIS, directives, lines);
    for (const [i, { text, stated }] of lines.entries()) {
      if (stated !== null) expect([text, ...summary(ours[i])]).toEqual([text, ...stated]);
    }
    if (oracle === null) return;
    const known = lines.map((line) =>
      line.isOurs ? { ...line, text: "", pauseMs: 0, stated: null } : line,
    );
    const theirs = await record(oracle, directives, known);
    const transcript = (heard: readonly string[][]): string[] =>
      known.flatMap(({ text }, i) => (text === "" ? [] : [text, ...heard[i].map((e) => `  ${e}`)]));
    expect(transcript(ours)).toEqual(transcript(theirs));
  });
}

function parse(script: string): Line[] {
  const lines: Line[] = [];
  for (const rawLine of script.split("\n")) {
    const line = rawLine.replace(/(^|\s)#(\s.*)?$/, "").trim();
    if (line === "") continue;
    const [command, statement] = line.split(/\s*=>\s*/);
    const [, mark = "", text = ""] = /^(!?\.|!|@\S+)?\s*(.*)$/.exec(command) ?? [];
    lines.push({
      text: mark.endsWith(".") ? "" : text,
      connection: mark.startsWith("@") ? mark : "",
      pauseMs: mark.endsWith(".") ? Number(text) : 0,
      isOurs: mark.startsWith("!"),
      stated: statement === undefined ? null : statement.split(", ").filter((e) => e !== ""),
    });
  }
  return lines;
}

/** What each line made a subscriber hear, as `channel message`. */
async function record(
  program: Program,
  directives: readonly string[],
  lines: readonly Line[],
): Promise<string[][]> {
  const server = await shared(program, directives);
  const clients = new Map<string, RespClient>();
  const client = async (name: string): Promise<RespClient> => {
    const known = clients.get(name) ?? (await server.connect());
    clients.set(name, known);
    return known;
  };
  const listener = await client("the listener");
  const publisher = await client("the publisher");
  try {
    await publisher.do("FLUSHALL");
    // Keys that are over go when they are looked at; a script may have it otherwise.
    await publisher.do("DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await publisher.do("CONFIG", "SET", "notify-keyspace-events", ALL_EVENTS);
    await listener.do("PSUBSCRIBE", "__key*");
    const heard: string[][] = [];
    for (const { text, connection, pauseMs, stated } of lines) {
      if (connection !== "") {
        (await client(connection)).begin(text);
        await server.settled();
      } else if (text !== "") {
        await (await client("main")).do(text);
      }
      if (pauseMs > 0) await Bun.sleep(pauseMs);
      heard.push(await hear(listener, publisher, stated?.length ?? 0));
    }
    return heard;
  } finally {
    await publisher.do("CONFIG", "SET", "notify-keyspace-events", "");
    await Promise.all(Array.from(clients.values(), (open) => open.close()));
    await server.settled();
  }
}

/** What has been heard by now, or as soon as it is so many events. */
async function hear(
  listener: RespClient,
  publisher: RespClient,
  events: number,
): Promise<string[]> {
  const heard: string[] = [];
  const endMs = performance.now() + EVENTS_MS;
  for (;;) {
    await publisher.do("PUBLISH", MARKER, "");
    heard.push(...(await untilMarker(listener)));
    if (summary(heard).length >= events || performance.now() >= endMs) return heard;
    await Bun.sleep(LOOK_MS);
  }
}

async function untilMarker(listener: RespClient): Promise<string[]> {
  const heard: string[] = [];
  for (;;) {
    const { value } = await listener.next();
    if (!Array.isArray(value)) throw new Error("not a message");
    const [, , channel, message] = value.map(String);
    if (channel === MARKER) return heard;
    heard.push(`${channel} ${message}`);
  }
}

/** The events of `__keyevent` channels, as a script states them. */
function summary(heard: readonly string[]): string[] {
  return heard.flatMap((line) => {
    const [, database = "", event = ""] = /^__keyevent@(\d+)__:(.*)$/s.exec(line) ?? [];
    if (event === "") return [];
    return [database === "0" ? event : `${database}:${event}`];
  });
}

async function shared(program: Program, directives: readonly string[]): Promise<ServerProcess> {
  const key = [program.name, ...directives].join("\n");
  const known = await servers.get(key);
  if (known?.isRunning) return known;
  const started = startServer({ program, directives: [...QUIET, ...directives] });
  servers.set(key, started);
  return await started;
}
