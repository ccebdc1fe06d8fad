/**
 * A snapshot that is stepped by hand between random changes, in both forms: an RDB file, and
 * commands. What is loaded from them must be what was there when the snapshot began.
 */
import { expect, test } from "bun:test";
import { rdbEncoder } from "../../src/persistence/rdb-form.ts";
import { CommandEncoder } from "../../src/persistence/command-encoder.ts";
import { Snapshot, type SnapshotEncoder } from "../../src/keyspace/snapshot.ts";
import { RdbLoader } from "../../src/rdb/rdb-loader.ts";
import {
  arraysOfBulks,
  type Asker,
  type Content,
  contentOf,
  type ContentOptions,
  differences,
} from "../support/content.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { ReplyError } from "../support/resp-client.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { changes, filling } from "./_changes.ts";

const ROUNDS = scale(3);
const OPTIONS = { keys: 12, hugeSize: 3500, databases: 3, hasFieldExpiry: true };
const WHOLE: ContentOptions = { hasFieldExpiry: true, hasNoEncodings: true };
/** What commands can't rebuild is left out. */
const REBUILT: ContentOptions = { ...WHOLE, isRebuilt: true, hasNoConsumers: true };
const CYCLES = 30;

type Write = (bytes: Uint8Array, start: number, length: number) => void;

interface Form {
  readonly content: ContentOptions;
  readonly makeEncoder: (local: LocalEngine, write: Write) => SnapshotEncoder;
  readonly load: (local: LocalEngine, bytes: Uint8Array) => void;
}

const FORMS: Readonly<Record<string, Form>> = {
  "an RDB file": {
    content: WHOLE,
    makeEncoder: (local, write) => rdbEncoder(local.engine, write, false),
    load: loadRdb,
  },
  commands: {
    content: REBUILT,
    makeEncoder: (local, write) => new CommandEncoder(local.engine.context, write, null),
    load: (local, bytes) => {
      for (const request of arraysOfBulks(bytes)) {
        const { value } = local.request(...request);
        if (value instanceof ReplyError) throw new Error(value.message);
      }
    },
  },
};

const { seed } = seededRandom("snapshots by hand");

test.each(
  Object.keys(FORMS).flatMap((name) =>
    Array.from({ length: ROUNDS }, (_, i) => [name, i] as const),
  ),
)("%s, round %d", async (name, round) => {
  const form = FORMS[name];
  const random = randomFrom(seed + round);
  const local = newEngine();
  for (const command of filling(random, OPTIONS)) local.do(...command);
  const stream = changes(random, OPTIONS);
  const change = (): void => {
    local.do(...stream.next().value);
    if (random.chance(0.05)) local.pass(random.below(100));
    if (random.chance(0.02)) local.expire();
  };
  for (let i = random.below(1000); i > 0; i--) change();
  local.do("SELECT 0");
  for (let i = 0; i < CYCLES; i++) local.expire();
  const before = await contentIn(local, form.content);
  const beganMs = local.clock.nowMs;

  const parts: Uint8Array[] = [];
  const write: Write = (bytes, start, length) => parts.push(bytes.slice(start, start + length));
  const snapshot = new Snapshot(local.engine.keyspace, form.makeEncoder(local, write));
  snapshot.begin();
  let steps = 0;
  const pace = random.pick([1, 10, 100]);
  do {
    for (let i = random.between(0, pace); i > 0; i--) change();
    steps++;
  } while (snapshot.step(() => true));
  expect(steps).toBeGreaterThan(3);
  expect(differences(await contentIn(local, form.content), before)).not.toEqual([]);

  const other = newEngine();
  other.clock.nowMs = beganMs;
  form.load(other, Buffer.concat(parts));
  expect(differences(await contentIn(other, form.content), before)).toEqual([]);
});

function newEngine(): LocalEngine {
  const local = new LocalEngine();
  // DEBUG.
  local.engine.allowsProtected = () => true;
  return local;
}

async function contentIn(local: LocalEngine, options: ContentOptions): Promise<Content> {
  const asker: Asker = {
    do: (...command) => Promise.resolve(local.request(...command)),
    value: (...command) => Promise.resolve(local.do(...command)),
    pipeline: (commands) => Promise.resolve(commands.map((command) => local.request(...command))),
  };
  const content = await contentOf(asker, options);
  // It knows of keys that have expired and were not removed, which no file has.
  return { ...content, digest: "" };
}

function loadRdb(local: LocalEngine, bytes: Uint8Array): void {
  const { engine } = local;
  const source = {
    sizeBytes: bytes.length,
    read(into: Uint8Array, at: number, length: number, from: number): number {
      const part = bytes.subarray(from, from + length);
      into.set(part, at);
      return part.length;
    },
  };
  const loader = new RdbLoader(engine.keyspace, source, {
    limits: engine.values,
    checksums: true,
    keepsExpired: false,
    replaces: false,
    warn: (message) => {
      throw new Error(message);
    },
  });
  while (loader.step(100_000));
  expect(loader.position).toBe(bytes.length);
}
