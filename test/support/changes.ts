/** The content that random changes (_change-commands.ts) begin with, and the changes. */
import type { Random } from "./random.ts";
import { type ChangeOptions, changeCommands, elementOf, LETTERS } from "./_change-commands.ts";

export type { ChangeOptions } from "./_change-commands.ts";

export type Command = readonly string[];

const LAST_MS = 33_177_117_420_000;
const PER_COMMAND = 250;

/** Endless random changes. */
export function* changes(r: Random, options: ChangeOptions): Generator<Command, never> {
  const entries = changeCommands(options);
  const total = entries.reduce((sum, [weight]) => sum + weight, 0);
  for (;;) {
    let left = (r.below(1e9) / 1e9) * total;
    const entry = entries.find(([weight]) => (left -= weight) < 0) ?? entries[0];
    yield entry[1](r).map(String);
  }
}

/** Commands that make all keys of all databases; the huge ones are in database 0. */
export function* filling(r: Random, options: ChangeOptions): Generator<Command> {
  for (let database = 0; database < options.databases; database++) {
    yield ["SELECT", String(database)];
    for (let number = 0; number < options.keys; number++) {
      for (const letter of LETTERS) {
        const isHuge = number === 0 && database === 0;
        const size = isHuge ? options.hugeSize : r.pick([1, 5, 30, 200]);
        const key = letter + number;
        yield* made(r, key, size);
        if (letter === "h" && options.hasFieldExpiry) yield* fieldExpiries(r, key, size);
        if (r.chance(0.3)) yield ["PEXPIREAT", key, String(LAST_MS + r.below(1e6))];
      }
    }
  }
  yield ["SELECT", "0"];
}

function* made(r: Random, key: string, size: number): Generator<Command> {
  const elements = Array.from({ length: size }, (_, i) => elementOf(i));
  switch (key[0]) {
    case "s":
      yield ["SET", key, r.chance(0.3) ? String(size) : r.word(97).repeat(Math.ceil(size / 3))];
      return;
    case "p":
      yield* inParts(["PFADD", key], elements);
      return;
    case "l":
      yield* inParts(["RPUSH", key], elements);
      // Many chunks, where it is the huge one.
      yield* inParts(
        ["LPUSH", key],
        elements.map((text) => text.repeat(size > 1000 ? 12 : 1)),
      );
      if (size > 100) yield ["RPUSH", key, r.word(99).repeat(200), "last"];
      return;
    case "t":
      yield* inParts(["SADD", key], r.chance(0.3) ? elements.map((_, i) => String(i)) : elements);
      return;
    case "h":
      yield* inParts(
        ["HSET", key],
        elements.flatMap((field) => [field, r.word(r.below(30))]),
      );
      return;
    case "z":
      yield* inParts(
        ["ZADD", key],
        elements.flatMap((member) => [String(r.below(500)), member]),
      );
      return;
    default:
      yield* stream(r, key, size);
  }
}

function* stream(r: Random, key: string, size: number): Generator<Command> {
  const width = size > 1000 ? 90 : 9;
  for (let i = 1; i <= size; i++) yield ["XADD", key, `${i}-0`, "a", r.word(width), "b", String(i)];
  for (let group = 0; group < r.below(4); group++) {
    yield ["XGROUP", "CREATE", key, `g${group}`, "0"];
    const read = ["XREADGROUP", "GROUP", `g${group}`, `c${group}`];
    yield [...read, "COUNT", String(Math.ceil(size / 2)), "STREAMS", key, ">"];
  }
}

function* fieldExpiries(r: Random, key: string, size: number): Generator<Command> {
  for (let i = 0; i < size; i += r.between(1, 9)) {
    yield ["HPEXPIREAT", key, String(LAST_MS + r.below(1e6)), "FIELDS", "1", elementOf(i)];
  }
}

function* inParts(start: readonly string[], rest: readonly string[]): Generator<Command> {
  for (let from = 0; from < rest.length; from += PER_COMMAND) {
    yield [...start, ...rest.slice(from, from + PER_COMMAND)];
  }
}
