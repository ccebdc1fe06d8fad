/** MIGRATE: keys that leave for another server. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INCOMPLETE,
  KEY_RW,
  keysAt,
  WRITE,
} from "../../engine/command.ts";
import type { KeyPlaces } from "../../engine/key-finder.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Arguments } from "../../protocol/arguments.ts";
import { MIGRATE_CANNOT_WAIT, MIGRATE_KEY_AND_KEYS, SYNTAX } from "../../protocol/errors.ts";
import { Migration, type MigrationOrder } from "./_migration.ts";

const HOST = 1;
const PORT = 2;
const KEY = 3;
const DATABASE = 4;
const TIMEOUT = 5;
const FIRST_OPTION = 6;
const KEY_FLAGS = KEY_RW | KEY_ACCESS | KEY_DELETE;
const DEFAULT_TIMEOUT_MS = 1000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

export const migrate = command({
  name: "migrate",
  group: "generic",
  since: "2.6.0",
  summary: "Moves keys to another server, each of them at once from here to there.",
  complexity:
    "That of DUMP and DEL here and of RESTORE there, and O(N) for the N bytes that are sent",
  arity: -6,
  flags: WRITE,
  categories: ["keyspace", "dangerous"],
  tips: ["nondeterministic_output"],
  history: [
    ["3.0.0", "Added the `COPY` and `REPLACE` options."],
    ["3.0.6", "Added the `KEYS` option."],
    ["4.0.7", "Added the `AUTH` option."],
    ["6.0.0", "Added the `AUTH2` option."],
  ],
  keys: [
    keysAt(KEY_FLAGS, KEY),
    {
      flags: KEY_FLAGS | KEY_INCOMPLETE,
      begin: { keyword: "KEYS", startFrom: -2 },
      find: { lastKey: -1, step: 1, limit: 0 },
    },
  ],
  findKeys,
  args: [
    { name: "host", type: "string" },
    { name: "port", type: "integer" },
    {
      name: "key_or_empty_string",
      type: "oneof",
      parts: [
        { name: "key", type: "key", keySpec: 0 },
        { name: "empty_string", type: "pure-token", token: "" },
      ],
    },
    { name: "destination-db", type: "integer" },
    { name: "timeout", type: "integer" },
    { name: "copy", type: "pure-token", token: "COPY", since: "3.0.0", optional: true },
    { name: "replace", type: "pure-token", token: "REPLACE", since: "3.0.0", optional: true },
    {
      name: "authentication",
      type: "oneof",
      optional: true,
      parts: [
        { name: "password", type: "string", token: "AUTH", since: "4.0.7", optional: true },
        {
          name: "username_password",
          type: "block",
          token: "AUTH2",
          since: "6.0.0",
          optional: true,
          parts: [
            { name: "username", type: "string" },
            { name: "password", type: "string" },
          ],
        },
      ],
    },
    {
      name: "key",
      type: "key",
      token: "KEYS",
      since: "3.0.6",
      keySpec: 1,
      optional: true,
      multiple: true,
    },
  ],
  secrets: (args) => readOptions(args).secrets,
  run(call) {
    const options = readOptions(call.args);
    if (options.problem !== "") call.refuse(options.problem);
    const timeoutMs = Number(call.int64(TIMEOUT));
    const database = call.int64(DATABASE);
    if (call.refused()) return;
    const keys = existing(call, options.firstKey, options.lastKey);
    if (keys.length === 0) {
      call.reply.simple("NOKEY");
      return;
    }
    const request = call.wait({ timeoutMs: 0, giveUp: null, counts: false });
    if (request === null) {
      call.fail(MIGRATE_CANNOT_WAIT);
      return;
    }
    const order: MigrationOrder = {
      host: call.text(HOST),
      port: portOf(call.text(PORT)),
      timeoutMs: timeoutMs > 0 ? Math.min(timeoutMs, MAX_TIMEOUT_MS) : DEFAULT_TIMEOUT_MS,
      database,
      credentials: credentialsOf(call, options),
      copies: options.copies,
      replaces: options.replaces,
      keys,
    };
    new Migration(call.engine, request, order).start();
  },
});

interface Options {
  copies: boolean;
  replaces: boolean;
  /** Arguments, as all numbers here; 0: there is none. */
  user: number;
  password: number;
  secrets: number[];
  firstKey: number;
  lastKey: number;
  problem: string;
}

/** Options up to the first problem. */
function readOptions(args: Arguments): Options {
  const options: Options = {
    copies: false,
    replaces: false,
    user: 0,
    password: 0,
    secrets: [],
    firstKey: KEY,
    lastKey: KEY,
    problem: "",
  };
  const last = args.count - 1;
  for (let i = FIRST_OPTION; i <= last; i++) {
    if (args.is(i, "COPY")) options.copies = true;
    else if (args.is(i, "REPLACE")) options.replaces = true;
    else if (args.is(i, "AUTH") && i < last) {
      options.password = ++i;
      options.secrets.push(i);
    } else if (args.is(i, "AUTH2") && i + 1 < last) {
      options.user = ++i;
      options.password = ++i;
      options.secrets.push(i - 1, i);
    } else if (args.is(i, "KEYS")) {
      if (args.lengths[KEY] !== 0) options.problem = MIGRATE_KEY_AND_KEYS;
      options.firstKey = i + 1;
      options.lastKey = last;
      break;
    } else {
      options.problem = SYNTAX;
      break;
    }
  }
  return options;
}

/** What AUTH is sent with. */
function credentialsOf({ args }: Call, { user, password }: Options): Uint8Array[] {
  if (password === 0) return [];
  return user === 0 ? [args.copy(password)] : [args.copy(user), args.copy(password)];
}

/**
 * As MIGRATE itself would find them, whatever else may be wrong (migrateGetKeys, db.c). A last KEYS
 * does not count, since the specifications are looked at first.
 */
function findKeys(args: Arguments, offset: number, found: KeyPlaces): boolean {
  for (let i = offset + FIRST_OPTION; i < args.count; i++) {
    if (args.is(i, "KEYS") && i + 1 < args.count) {
      if (args.lengths[offset + KEY] > 0) return true;
      for (let key = i + 1; key < args.count; key++) found.add(key, KEY_FLAGS);
      return true;
    }
    if (args.is(i, "AUTH")) i += 1;
    else if (args.is(i, "AUTH2")) i += 2;
  }
  found.add(offset + KEY, KEY_FLAGS);
  return true;
}

/** The arguments from `first` to `last` that name a key which is there. */
function existing(call: Call, first: number, last: number): number[] {
  const keys: number[] = [];
  call.fetchKeys(first, 1);
  for (let i = first; i <= last; i++) if (call.readKey(i) !== NULL_REF) keys.push(i);
  return keys;
}

/** As atoi: what is no number is port 0, where nobody is. */
function portOf(text: string): number {
  const port = Number.parseInt(text, 10);
  return Number.isNaN(port) ? 0 : port;
}
