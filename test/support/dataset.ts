/**
 * Content of every type and encoding, drawn by chance, as commands that Redis 7.0 and Pedis take
 * alike: what is written to files and read back by either. Nothing follows from the clock but the
 * times in the groups of streams.
 */
import { distinct, longElement, score, shortElement } from "./_dataset-values.ts";
import { deletedPending, oddStreams, streamCommands } from "./_dataset-streams.ts";
import type { Argument } from "./readable.ts";
import type { Random } from "./random.ts";

export interface DatasetKey {
  readonly database: number;
  readonly key: Uint8Array;
}

export interface Dataset {
  /** In order; SELECT is among them. */
  readonly commands: readonly (readonly Argument[])[];
  readonly keys: readonly DatasetKey[];
}

export interface DatasetOptions {
  /** Only the small values, in all databases. */
  readonly isSmall?: boolean;
  /** Put before each key, so that a second dataset adds to the first. */
  readonly prefix?: string;
  /** Also hashes with fields that expire, which redis-server 7.0 does not know. */
  readonly hasFieldExpiry?: boolean;
  /**
   * Also what no commands rebuild: pending entries that the stream has no more, and -0 as a score,
   * which does not survive in a sorted set while it is packed.
   */
  readonly forRdb?: boolean;
}

export const DATABASES = 16;
const LAST_EXPIRY_MS = 33_177_117_420_000;
/** Names that are no text, one of them with a space, one long. */
const ODD_NAMES = ["", " ", "\0", "\xff\xfe", "\r\n", "n".repeat(70), "N".repeat(20_000), "-7"];

type Command = readonly Argument[];
type KeyOf = (name: string) => Uint8Array;

/** Everything in database 0, a little of everything in all others. */
export function makeDataset(r: Random, options: DatasetOptions = {}): Dataset {
  const commands: Command[] = [];
  const keys: DatasetKey[] = [];
  const forRdb = options.forRdb === true;
  for (let database = 0; database < DATABASES; database++) {
    const isMain = database === 0 && options.isSmall !== true;
    const named = new Map<string, Uint8Array>();
    const keyOf: KeyOf = (name) => {
      const key = Buffer.from(`${options.prefix ?? ""}${name}`, "latin1");
      named.set(name, key);
      return key;
    };
    const made = [
      ...strings(r, keyOf, isMain),
      ...lists(r, keyOf, isMain),
      ...sets(r, keyOf, isMain),
      ...sortedSets(r, keyOf, isMain, forRdb ? "-0" : "0"),
      ...hashes(r, keyOf, isMain),
      ...streams(r, keyOf, isMain),
      ...(forRdb ? deletedPending(keyOf("x:deleted")) : []),
      ...(options.hasFieldExpiry === true ? expiringFields(r, keyOf, isMain) : []),
    ];
    commands.push(["SELECT", database], ...made);
    for (const [name, key] of named) {
      keys.push({ database, key });
      // Every other key of each kind: also of the kinds with only two.
      if (named.size % 2 === name.length % 2) commands.push(["PEXPIREAT", key, expiry(r)]);
    }
  }
  return { commands, keys };
}

function expiry(r: Random): number {
  const tomorrow = Date.now() + 86_400_000;
  return r.chance(0.5) ? LAST_EXPIRY_MS + r.below(1e6) : tomorrow + r.below(1e9);
}

function strings(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  const set = (name: string, value: Argument): Command => ["SET", keyOf(name), value];
  const commands = [
    set("int", r.between(-2e9, 2e9)),
    set("text", shortElement(r)),
    set("raw", longElement(r, r.between(45, 900))),
    ["PFADD", keyOf("hll:sparse"), ...distinct(r, r.between(1, 30), shortElement)],
    ["SETRANGE", keyOf("zeros"), 30_000, "end"],
  ];
  if (!isMain) return commands;
  for (const name of ODD_NAMES) commands.push(set(name, shortElement(r)));
  for (const [i, length] of [0, 1, 20, 21, 43, 44, 45, 16_384, 16_385, 100_000].entries()) {
    commands.push(set(`s${i}`, longElement(r, length)), set(`s${i}:random`, r.bytes(length)));
  }
  for (const limit of ["9223372036854775807", "-9223372036854775808", "9223372036854775808"]) {
    commands.push(set(limit, limit));
  }
  for (const power of [7, 8, 15, 16, 31, 32, 53]) {
    commands.push(set(`2^${power}`, 2 ** power), set(`-2^${power}-1`, -(2 ** power) - 1));
  }
  const elements = distinct(r, 4000, (_, i) => Buffer.from(`element ${i}`));
  commands.push(
    set("huge", longElement(r, (1 << 20) + r.below(1 << 20))),
    set("huge:random", r.bytes((1 << 20) + 1)),
    ["PFADD", keyOf("hll:dense"), ...elements],
    ["SETBIT", keyOf("bits"), 4_000_000, 1],
  );
  return commands;
}

function lists(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  const push = (name: string, items: readonly Uint8Array[]): Command[] =>
    inBatches([r.pick(["RPUSH", "LPUSH"]), keyOf(name)], items);
  const items = (count: number): Uint8Array[] =>
    Array.from({ length: count }, () => shortElement(r));
  const commands = [...push("l:packed", items(r.between(1, 100))), ...push("l:one", items(1))];
  if (!isMain) return commands;
  const mixed = [...items(300), longElement(r, 9000), ...items(5), longElement(r, 66_000)];
  return [
    ...commands,
    ...push("l:chunks", items(r.between(2000, 3000))),
    ...push("l:large", [longElement(r, 8193), longElement(r, 70_000)]),
    ...push("l:mixed", [...mixed, ...items(300), r.bytes(9000)]),
    ...push(
      "l:larger",
      Array.from({ length: 40 }, () => longElement(r, r.between(100, 9000))),
    ),
    ...push("l:shrunk", items(2000)),
    ["LTRIM", keyOf("l:shrunk"), 900, 905],
  ];
}

function sets(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  const add = (name: string, members: readonly Uint8Array[]): Command[] =>
    inBatches(["SADD", keyOf(name)], members);
  const numbers = (count: number, limit: number): Uint8Array[] =>
    distinct(r, count, () => Buffer.from(String(r.between(-limit, limit))));
  const commands = [
    ...add("t:int16", numbers(r.between(1, 100), 32_000)),
    ...add("t:packed", [...distinct(r, r.between(1, 90), shortElement), Buffer.from("word")]),
  ];
  if (!isMain) return commands;
  return [
    ...commands,
    ...add("t:int32", numbers(300, 2e9)),
    ...add("t:int64", [
      ...numbers(400, 2e12),
      ...["9223372036854775807", "-9223372036854775808"].map((text) => Buffer.from(text)),
    ]),
    ...add("t:integers", numbers(900, 1e6)),
    ...add("t:table", [...distinct(r, 1200, shortElement)]),
    ...add(
      "t:long",
      distinct(r, 20, () => longElement(r, r.between(1, 200))),
    ),
    ...add("t:huge", [longElement(r, 70_000), longElement(r, 20_000)]),
  ];
}

function sortedSets(r: Random, keyOf: KeyOf, isMain: boolean, zero: string): Command[] {
  const add = (name: string, members: readonly Uint8Array[]): Command[] =>
    members.length === 0
      ? []
      : inBatches(
          ["ZADD", keyOf(name)],
          members.flatMap((member) => [Buffer.from(score(r)), member]),
        );
  const commands = add("z:packed", distinct(r, r.between(1, 120), shortElement));
  if (!isMain) return commands;
  return [
    ...commands,
    ...add("z:tree", distinct(r, 1200, shortElement)),
    ...add(
      "z:long",
      distinct(r, 30, () => longElement(r, r.between(1, 300))),
    ),
    ...add("z:huge", [longElement(r, 66_000)]),
    ["ZADD", keyOf("z:tree"), zero, "zero", "-1e-320", "tiny"],
    ["ZADD", keyOf("z:same"), ...distinct(r, 300, shortElement).flatMap((member) => ["1", member])],
    ["GEOADD", keyOf("z:geo"), "13.361389", "38.115556", "Palermo", "15.087269", "37.502669", "x"],
  ];
}

function hashes(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  const set = (name: string, fields: readonly Uint8Array[], length = 0): Command[] =>
    inBatches(
      ["HSET", keyOf(name)],
      fields.flatMap((field) => [
        field,
        length > 0 ? longElement(r, r.between(1, length)) : shortElement(r),
      ]),
    );
  const commands = set("h:packed", distinct(r, r.between(1, 120), shortElement));
  if (!isMain) return commands;
  return [
    ...commands,
    ...set("h:table", distinct(r, 1200, shortElement)),
    ...set("h:long", distinct(r, 30, shortElement), 400),
    ...set(
      "h:huge",
      distinct(r, 5, () => longElement(r, 5000)),
      80_000,
    ),
  ];
}

function streams(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  if (!isMain) return streamCommands(r, keyOf("x:small"), r.between(1, 30));
  const sizes = [250, 350, 700];
  return [
    ...sizes.flatMap((size) => streamCommands(r, keyOf(`x:${size}`), size)),
    ...oddStreams(r, (name) => keyOf(`x:${name}`)),
  ];
}

function expiringFields(r: Random, keyOf: KeyOf, isMain: boolean): Command[] {
  const commands: Command[] = [];
  for (const [name, size] of [
    ["h:ttl:packed", 60],
    ...(isMain ? [["h:ttl:table", 2000]] : []),
  ] as const) {
    const key = keyOf(String(name));
    const fields = distinct(r, Number(size), shortElement);
    commands.push(
      ...inBatches(
        ["HSET", key],
        fields.flatMap((field) => [field, shortElement(r)]),
      ),
    );
    for (let from = 0; from < fields.length; from += 10) {
      if (r.chance(0.3)) continue;
      const some = fields.slice(from, from + 8);
      commands.push(["HPEXPIREAT", key, expiry(r), "FIELDS", some.length, ...some]);
    }
  }
  return commands;
}

/** One command per 400 arguments. */
function inBatches(start: readonly Argument[], rest: readonly Uint8Array[]): Command[] {
  const commands: Command[] = [];
  for (let from = 0; from < rest.length; from += 400) {
    commands.push([...start, ...rest.slice(from, from + 400)]);
  }
  return commands;
}
