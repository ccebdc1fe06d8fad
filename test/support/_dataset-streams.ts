/** Streams with several nodes, removed entries, groups, consumers and pending entries. */
import type { Argument } from "./readable.ts";
import type { Random } from "./random.ts";
import { compressible, shortElement } from "./_dataset-values.ts";

type Command = readonly Argument[];

const MAX_ID = "18446744073709551615-18446744073709551615";

export function streamCommands(r: Random, key: Uint8Array, entries: number): Command[] {
  const commands: Command[] = [];
  const ids: string[] = [];
  let ms = r.between(1, 1e9);
  for (let i = 0; i < entries; i++) {
    ms += r.pick([0, 0, 1, 1, 7, 1e6]);
    const id = `${ms}-${i}`;
    ids.push(id);
    commands.push(["XADD", key, id, ...fieldsOf(r, i)]);
  }
  const removed = ids.filter(() => r.chance(0.15));
  // A whole node in the middle, and the last entry.
  removed.push(...ids.slice(100, 205), ids[ids.length - 1]);
  commands.push(["XDEL", key, ...removed]);
  if (r.chance(0.5)) commands.push(["XTRIM", key, "MAXLEN", r.between(1, entries)]);
  for (let group = r.below(4); group > 0; group--) {
    commands.push(...groupCommands(r, key, Buffer.from(`group ${group}\0`), ids));
  }
  if (r.chance(0.3)) {
    commands.push(["XSETID", key, `${ms + 9}-1`, "ENTRIESADDED", 100_000, "MAXDELETEDID", ids[0]]);
  }
  return commands;
}

/** Streams at the edges: empty ones, the last possible ID, one long value. */
export function oddStreams(r: Random, keyOf: (name: string) => Uint8Array): Command[] {
  const [empty, grouped, last, long] = ["empty", "grouped", "last", "long"].map(keyOf);
  return [
    ["XADD", empty, "5-5", "field", "value"],
    ["XDEL", empty, "5-5"],
    ["XGROUP", "CREATE", grouped, "g", "$", "MKSTREAM"],
    ["XGROUP", "CREATECONSUMER", grouped, "g", "nobody"],
    ["XADD", last, MAX_ID, "field", shortElement(r)],
    ["XGROUP", "CREATE", last, "g", MAX_ID, "ENTRIESREAD", 1],
    ["XADD", long, "1-1", compressible(r, 3000), compressible(r, 70_000)],
    ["XADD", long, "1-2", "short", ""],
  ];
}

export function deletedPending(key: Uint8Array): Command[] {
  const commands: Command[] = [];
  for (let i = 1; i <= 20; i++) commands.push(["XADD", key, `1-${i}`, "field", i]);
  commands.push(["XGROUP", "CREATE", key, "g", 0]);
  commands.push(["XREADGROUP", "GROUP", "g", "reader", "COUNT", 15, "STREAMS", key, ">"]);
  commands.push(["XDEL", key, ...Array.from({ length: 9 }, (_, i) => `1-${i + 3}`)]);
  return commands;
}

function fieldsOf(r: Random, index: number): Uint8Array[] {
  const names = r.chance(0.7) ? ["a", "b"] : [`c${index}`, ...(r.chance(0.3) ? ["a", "d"] : [])];
  return names.flatMap((name) => [Buffer.from(name), shortElement(r)]);
}

function groupCommands(r: Random, key: Uint8Array, group: Uint8Array, ids: string[]): Command[] {
  const start = r.pick(["0", "$", ids[0], ids[Math.floor(ids.length / 2)]]);
  const read = r.chance(0.5) ? ["ENTRIESREAD", r.below(ids.length)] : [];
  const commands: Command[] = [["XGROUP", "CREATE", key, group, start, ...read]];
  const consumers = Array.from({ length: r.below(4) }, (_, i) => Buffer.from(`consumer\xff${i}`));
  for (const consumer of consumers) {
    const count = r.between(1, 70);
    const stream = ["STREAMS", key, ">"] as const;
    commands.push(["XREADGROUP", "GROUP", group, consumer, "COUNT", count, ...stream]);
    commands.push(["XACK", key, group, ...ids.filter(() => r.chance(0.1)), "1-0"]);
    const claimed = ids.filter(() => r.chance(0.03));
    const how = ["TIME", r.between(1e11, 1e12), "RETRYCOUNT", r.below(300), "FORCE", "JUSTID"];
    commands.push(["XCLAIM", key, group, consumer, 0, "1-0", ...claimed, ...how]);
  }
  if (r.chance(0.5)) commands.push(["XGROUP", "CREATECONSUMER", key, group, "idle"]);
  return commands;
}
