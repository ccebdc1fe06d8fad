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
import { changes, filling } from "../support/changes.ts";

const ROUNDS = scale(1);
const OPTIONS = { keys: 6, hugeSize: 5000, databases: 3, hasFieldExpiry: true };
const WHOLE: ContentOptions = { hasFieldExpiry: true, hasNoEncodings: true };
/** What commands can't rebuild is left out. */
const REBUILT: ContentOptions = { ...WHOLE, isRebuilt: true, hasNoConsumers: true };
const CYCLES = 30;
const SNAPSHOTS = 3;
const THRESHOLDS = [
  [],
  ["hash-max-listpack-entries 8", "zset-max-listpack-entries 8", "set-max-listpack-entries 8"],
  ["list-max-listpack-size 5", "stream-node-max-entries 7", "set-max-intset-entries 8"],
  ["list-compress-depth 1", "hash-max-listpack-value 20", "zset-max-listpack-value 10"],
];

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
  for (const line of random.pick(THRESHOLDS)) local.do(`CONFIG SET ${line}`);
  for (const command of filling(random, OPTIONS)) local.do(...command);
  const stream = changes(random, OPTIONS);
  const change = (most: number): void => {
    for (let i = random.between(0, most); i > 0; i--) {
      local.do(...stream.next().value);
      if (random.chance(0.05)) local.pass(random.below(100));
      if (random.chance(0.02)) local.expire();
    }
  };
  for (let i = 0; i < SNAPSHOTS; i++) {
    change(300);
    if (random.chance(0.3)) runInPart(local, form, () => change(20), random.below(200));
    local.do("SELECT 0");
    for (let cycle = 0; cycle < CYCLES; cycle++) local.expire();
    const before = await contentIn(local, form.content);
    const other = newEngine();
    other.clock.nowMs = local.clock.nowMs;
    const pace = random.pick([3, 20, 100]);
    form.load(
      other,
      runWhole(local, form, () => change(pace)),
    );
    expect(differences(await contentIn(local, form.content), before)).not.toEqual([]);
    expect(differences(await contentIn(other, form.content), before)).toEqual([]);
  }
});

/** All that a snapshot writes, with changes before each of its steps. */
function runWhole(local: LocalEngine, form: Form, change: () => void): Uint8Array {
  const parts: Uint8Array[] = [];
  const snapshot = new Snapshot(
    local.engine.keyspace,
    form.makeEncoder(local, (bytes, start, length) => {
      parts.push(bytes.slice(start, start + length));
    }),
  );
  snapshot.begin();
  let steps = 0;
  do {
    change();
    steps++;
  } while (snapshot.step(() => true));
  expect(steps).toBeGreaterThan(3);
  return Buffer.concat(parts);
}

/** Begins a snapshot and ends it in its midst: it must not disturb the next one. */
function runInPart(local: LocalEngine, form: Form, change: () => void, steps: number): void {
  const encoder = form.makeEncoder(local, () => {});
  const snapshot = new Snapshot(local.engine.keyspace, encoder);
  snapshot.begin();
  for (let i = 0; i < steps && snapshot.step(() => true); i++) change();
  snapshot.abort();
}

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
