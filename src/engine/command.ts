/**
 * What a command is. A command is declared once, beside its handler, as an exported constant
 * in src/commands; the table, COMMAND and its subcommands, arity errors, ACL categories and
 * the admission checks all follow from the declaration. How to add one: src/README.md.
 */
import type { Arguments } from "../protocol/arguments.ts";
import type { Call } from "./call.ts";
import type { Engine } from "./engine.ts";
import type { KeyPlaces } from "./key-finder.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";

/** Command flags, by the names that COMMAND shows (redis/src/server.h). */
export const WRITE = 1 << 0;
export const READONLY = 1 << 1;
export const DENYOOM = 1 << 2;
export const ADMIN = 1 << 3;
export const PUBSUB = 1 << 4;
export const NOSCRIPT = 1 << 5;
export const BLOCKING = 1 << 6;
export const LOADING = 1 << 7;
export const STALE = 1 << 8;
export const SKIP_MONITOR = 1 << 9;
export const SKIP_SLOWLOG = 1 << 10;
export const ASKING = 1 << 11;
export const FAST = 1 << 12;
export const NO_AUTH = 1 << 13;
export const MAY_REPLICATE = 1 << 14;
export const NO_MANDATORY_KEYS = 1 << 15;
export const PROTECTED = 1 << 16;
export const NO_ASYNC_LOADING = 1 << 17;
export const NO_MULTI = 1 << 18;
export const ALLOW_BUSY = 1 << 19;
export const TOUCHES_ARBITRARY_KEYS = 1 << 20;

/** Key specification flags, by the names that COMMAND shows. */
export const KEY_RO = 1 << 0;
export const KEY_RW = 1 << 1;
export const KEY_OW = 1 << 2;
export const KEY_RM = 1 << 3;
export const KEY_ACCESS = 1 << 4;
export const KEY_UPDATE = 1 << 5;
export const KEY_INSERT = 1 << 6;
export const KEY_DELETE = 1 << 7;
export const KEY_NOT_KEY = 1 << 8;
export const KEY_INCOMPLETE = 1 << 9;
export const KEY_VARIABLE_FLAGS = 1 << 10;

export type Group =
  | "bitmap"
  | "connection"
  | "generic"
  | "geo"
  | "hash"
  | "hyperloglog"
  | "list"
  | "pubsub"
  | "scripting"
  | "server"
  | "set"
  | "sorted-set"
  | "stream"
  | "string"
  | "transactions";

/** ACL categories that do not follow from the flags. */
export type Category =
  | "admin"
  | "bitmap"
  | "connection"
  | "dangerous"
  | "geo"
  | "hash"
  | "hyperloglog"
  | "keyspace"
  | "list"
  | "scripting"
  | "set"
  | "sortedset"
  | "stream"
  | "string"
  | "transaction";

/** Where a command's keys stand among its arguments. */
export interface KeySpec {
  readonly flags: number;
  readonly notes?: string;
  readonly begin:
    | { readonly index: number }
    | { readonly keyword: string; readonly startFrom: number }
    | "unknown";
  readonly find:
    | { readonly lastKey: number; readonly step: number; readonly limit: number }
    | { readonly keyNumIndex: number; readonly firstKey: number; readonly step: number }
    | "unknown";
}

export type ArgumentType =
  | "string"
  | "integer"
  | "double"
  | "key"
  | "pattern"
  | "unix-time"
  | "pure-token"
  | "oneof"
  | "block";

/** An argument as COMMAND DOCS describes it. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: ArgumentType;
  readonly token?: string;
  readonly display?: string;
  readonly summary?: string;
  readonly since?: string;
  readonly keySpec?: number;
  readonly optional?: boolean;
  readonly multiple?: boolean;
  readonly multipleToken?: boolean;
  readonly deprecatedSince?: string;
  readonly parts?: readonly ArgumentDoc[];
}

export interface Declaration {
  /** In lower case; a subcommand's is its own word only. */
  readonly name: string;
  readonly group: Group;
  readonly since: string;
  readonly summary: string;
  readonly complexity: string;
  /** Arguments with the name; negative: at least so many. */
  readonly arity: number;
  readonly flags: number;
  readonly categories?: readonly Category[];
  readonly tips?: readonly string[];
  readonly keys?: readonly KeySpec[];
  readonly args?: readonly ArgumentDoc[];
  readonly history?: readonly (readonly [since: string, change: string])[];
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /**
   * For COMMAND GETKEYS and ACLs where the specifications cannot say it: adds the keys of a command
   * that begins at argument `offset`; false where they can't be told.
   */
  readonly findKeys?: (args: Arguments, offset: number, found: KeyPlaces) => boolean;
  /**
   * Which arguments are channels, for ACLs: the first one, all, or all and they are patterns.
   * Commands that only end a subscription have none.
   */
  readonly channels?: "first" | "all" | "patterns";
  /** Indices of arguments that MONITOR and the slow log must not show. */
  readonly secrets?: (args: Arguments, engine: Engine) => readonly number[];
  /** Only servers send it to each other, or developers to them; COMMAND DOCS says so. */
  readonly isSystem?: true;
  readonly subcommands?: readonly Command[];
  /** Runs the command; absent for a container, whose subcommands run. */
  readonly run?: (call: Call) => void;
}

let nextId = 0;

/** A declared command with what was derived from it and what was counted of it. */
export class Command {
  /** A small number of its own, for tables by command. */
  readonly id = nextId++;
  readonly name: string;
  readonly flags: number;
  readonly arity: number;
  readonly subcommands: readonly Command[];
  /** `client|list` for a subcommand. Set when its container is built. */
  fullName: string;
  parent: Command | null = null;
  /** Which admission checks can concern it; see admission.ts. Set by the table. */
  gates = 0;
  /** Keys at fixed places (`fixedKeysOf`); null where they must be looked for. */
  readonly fixedKeys: Int32Array | null;
  /** Arguments may be keys. */
  readonly hasKeys: boolean;
  /** Which arguments are channels, as the declaration says. */
  readonly channels: "first" | "all" | "patterns" | null;
  /** Whether calls in a row may be timed together: each is known to be quick. */
  readonly timedInRuns: boolean;
  readonly run: (call: Call) => void;

  calls = 0;
  totalUs = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  /** How long its calls took; null before the first. */
  latencies: LatencyHistogram | null = null;

  readonly declaration: Declaration;

  constructor(declaration: Declaration) {
    this.declaration = declaration;
    this.name = declaration.name;
    this.fullName = declaration.name;
    this.flags = declaration.flags;
    this.arity = declaration.arity;
    this.run = declaration.run ?? containerRuns;
    const keys = (declaration.keys ?? []).filter(({ flags }) => (flags & KEY_NOT_KEY) === 0);
    this.fixedKeys = declaration.findKeys === undefined ? fixedKeysOf(keys) : null;
    this.channels = declaration.channels ?? null;
    this.hasKeys = declaration.findKeys !== undefined || keys.length > 0;
    const isQuick =
      (declaration.flags & FAST) !== 0 ||
      (declaration.complexity === "O(1)" && (declaration.flags & (WRITE | READONLY)) !== 0);
    // What may block is timed by itself, since its time goes on when it runs again.
    this.timedInRuns = isQuick && (declaration.flags & BLOCKING) === 0;
    this.subcommands = declaration.subcommands ?? [];
    for (const subcommand of this.subcommands) {
      subcommand.parent = this;
      subcommand.fullName = `${declaration.name}|${subcommand.name}`;
    }
  }

  resetStats(): void {
    this.calls = 0;
    this.totalUs = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
  }

  acceptsCount(count: number): boolean {
    return this.arity >= 0 ? count === this.arity : count >= -this.arity;
  }
}

function containerRuns(): never {
  throw new Error("a container does not run, its subcommands do");
}

export function command(declaration: Declaration): Command {
  return new Command(declaration);
}

/** Keys at fixed places: from `first` to `last` (negative: from the end), every `step`. */
export function keysAt(flags: number, first: number, last = first, step = 1): KeySpec {
  const lastKey = last < 0 ? last : last - first;
  return { flags, begin: { index: first }, find: { lastKey, step, limit: 0 } };
}

/** Keys counted by an argument: `count` is its place, keys follow it. */
export function countedKeys(flags: number, count: number): KeySpec {
  return { flags, begin: { index: count }, find: { keyNumIndex: 0, firstKey: 1, step: 1 } };
}

/**
 * Specifications of keys that stand at fixed places, flattened for whoever looks at the keys of
 * every request: first argument, last one (counted from the first; negative: from the end), step,
 * KEY_ flags. Null where one has to be searched or counted.
 */
function fixedKeysOf(specs: readonly KeySpec[]): Int32Array | null {
  const words: number[] = [];
  for (const { begin, find, flags } of specs) {
    if (begin === "unknown" || !("index" in begin) || (flags & KEY_INCOMPLETE) !== 0) return null;
    if (find === "unknown" || !("lastKey" in find) || find.limit !== 0) return null;
    words.push(begin.index, find.lastKey, find.step, flags);
  }
  return Int32Array.from(words);
}

/** Words of `Command.fixedKeys` for each specification. */
export const FIXED_WORDS = 4;
