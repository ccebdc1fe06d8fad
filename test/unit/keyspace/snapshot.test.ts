/**
 * A snapshot that is stepped by hand between random commands must come out as the databases were
 * when it began: every key once, with its value of that moment.
 */
import { expect, test } from "bun:test";
import { textOf } from "../../../src/base/bytes.ts";
import { KeyView } from "../../../src/keyspace/entries.ts";
import { Snapshot } from "../../../src/keyspace/snapshot.ts";
import type { LargeEncoding, SnapshotEncoder } from "../../../src/keyspace/snapshot.ts";
import { ValueReader } from "../../../src/keyspace/value-reader.ts";
import type { Arena, Ref } from "../../../src/memory/arena.ts";
import type { ByteView } from "../../../src/memory/element.ts";
import {
  exactExpiryOf,
  HAS_EXPIRY,
  headerOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
} from "../../../src/memory/entry.ts";
import type { FrozenValue } from "../../../src/values/frozen.ts";
import { NO_FIELD_EXPIRY } from "../../../src/values/hash.ts";
import type { Stream } from "../../../src/values/stream.ts";
import { StringView } from "../../../src/values/string.ts";
import { LocalEngine } from "../../support/local-engine.ts";
import { type Random, randomFrom, scale, seededRandom } from "../../support/random.ts";

/** Values as lists of texts, whose order counts only where the type has one. */
class TextsOfEntries implements SnapshotEncoder {
  readonly entries = new Map<string, string[]>();
  largeCount = 0;
  hasEnded = false;
  private readonly key = new KeyView();
  private readonly string = new StringView();
  private readonly reader: ValueReader;

  constructor(engine: LocalEngine) {
    this.reader = new ValueReader(engine.engine.context);
  }

  begin(): void {}

  entry(database: number, arena: Arena, ref: Ref): void {
    this.put(this.nameOf(database, arena, ref), this.partsOf(arena, ref));
  }

  large(database: number, arena: Arena, ref: Ref, value: FrozenValue): LargeEncoding {
    this.largeCount++;
    const name = this.nameOf(database, arena, ref);
    const parts: string[] = [];
    if (value.kind === "stream") {
      this.reader.open(arena, ref);
      parts.push(describe(this.reader.stream.stream));
    }
    return {
      step: (budget) => {
        if (showSome(value, budget, parts)) return true;
        this.put(name, isOrdered(value.kind) ? parts : parts.sort());
        return false;
      },
    };
  }

  end(): void {
    this.hasEnded = true;
  }

  private put(name: string, parts: string[]): void {
    expect(this.entries.has(name)).toBe(false);
    this.entries.set(name, parts);
  }

  private nameOf(database: number, arena: Arena, ref: Ref): string {
    this.key.read(arena, ref);
    const { bytes, start, length } = this.key;
    const expires = (headerOf(arena, ref) & (HAS_EXPIRY << 8)) !== 0;
    const expiry = expires ? String(exactExpiryOf(arena, ref)) : "";
    return `${database} ${typeOf(arena, ref)} ${textOf(bytes, start, length)} ${expiry}`;
  }

  private partsOf(arena: Arena, ref: Ref): string[] {
    const { reader } = this;
    if (typeOf(arena, ref) === TYPE_STRING) {
      this.string.read(arena, ref);
      return [shown(this.string)];
    }
    const type = reader.open(arena, ref);
    const parts: string[] = [];
    if (type === TYPE_SET) {
      reader.set.rewind();
      while (reader.set.next()) parts.push(shown(reader.set.member));
    } else if (type === TYPE_HASH) {
      const { hash } = reader;
      hash.rewind();
      while (hash.next()) parts.push(field(hash.field, hash.value, hash.fieldExpiryMs));
    } else if (type === TYPE_STREAM) {
      const { stream } = reader.stream;
      parts.push(describe(stream));
      stream.visitNodes((id, bytes, start, length) => {
        parts.push(`${id.toString()} ${textOf(bytes, start, length)}`);
      });
      return parts;
    } else if (type === TYPE_LIST) {
      reader.list.seekEnd(true);
      do {
        reader.list.read();
        parts.push(shown(reader.list.item));
      } while (reader.list.next());
      return parts;
    } else {
      reader.sortedSet.rewind();
      while (reader.sortedSet.next()) {
        parts.push(`${shown(reader.sortedSet.member)} ${reader.sortedSet.score}`);
      }
    }
    return parts.sort();
  }
}

function isOrdered(kind: FrozenValue["kind"]): boolean {
  return kind === "list" || kind === "stream" || kind === "string";
}

function shown({ bytes, start, length }: ByteView | StringView): string {
  return textOf(bytes, start, length);
}

function field(name: ByteView, value: ByteView, expiryMs: number): string {
  const expiry = expiryMs === NO_FIELD_EXPIRY ? "" : String(expiryMs);
  return `${shown(name)}=${shown(value)} ${expiry}`;
}

function describe(stream: Stream): string {
  const groups = stream
    .sortedGroups()
    .map((group) => `${textOf(group.name)} ${group.lastId.toString()}`);
  return `${stream.length} ${stream.lastId.toString()} ${stream.entriesAdded} ${groups.join()}`;
}

/** Writes the next parts of a frozen value; false at its end. */
function showSome(value: FrozenValue, budget: number, parts: string[]): boolean {
  if (value.kind === "string") {
    parts.push(textOf(value.bytes));
    return false;
  }
  if (value.kind === "set") return value.walk(budget, (member) => parts.push(shown(member)));
  if (value.kind === "hash") {
    return value.walk(budget, (name, data, expiryMs) => parts.push(field(name, data, expiryMs)));
  }
  if (value.kind === "zset") {
    return value.walk(budget, (member, score) => parts.push(`${shown(member)} ${score}`));
  }
  if (value.kind === "stream") {
    return value.walk(budget, (id, bytes, start, length) => {
      parts.push(`${id.toString()} ${textOf(bytes, start, length)}`);
    });
  }
  return value.walk(budget, (bytes, start, length, count) => {
    const items = itemsOf(bytes, start, length);
    expect(items.length).toBe(count);
    parts.push(...items);
  });
}

/** The items of a chunk: all written here are short texts, with a length in six bits. */
function itemsOf(bytes: Uint8Array, start: number, length: number): string[] {
  const items: string[] = [];
  for (let at = start; at < start + length;) {
    const size = bytes[at] & 63;
    expect(bytes[at] >> 6).toBe(2);
    items.push(textOf(bytes, at + 1, size));
    at += 1 + size + 1;
  }
  return items;
}

function wholeContent(engine: LocalEngine): Map<string, string[]> {
  const encoder = new TextsOfEntries(engine);
  for (const { index, table, arena } of engine.engine.keyspace.databases) {
    let cursor = 0;
    do {
      cursor = table.scan(cursor, 4096, (ref) => encoder.entry(index, arena, ref));
    } while (cursor !== 0);
  }
  return encoder.entries;
}

const many = (count: number, one: (i: number) => (string | number)[]): string[] =>
  Array.from({ length: count }, (_, i) => one(i).map(String)).flat();

/** What random commands do to a handful of keys, small and large. */
function randomCommand(r: Random): (string | number)[] {
  const key = (type: string): string => `${type}${r.below(4)}`;
  const word = (): string => `w${r.below(3000)}`;
  const any = (): string => key(r.pick(["s", "t", "h", "z", "l", "x", "k"]));
  const commands: (() => (string | number)[])[] = [
    () => ["SET", `k${r.below(300)}`, r.word(r.between(1, 100))],
    () => ["SET", `k${r.below(300)}`, r.below(1000), "PX", r.between(1, 5000)],
    () => ["APPEND", key("k"), r.word(30)],
    () => ["SETRANGE", key("s"), r.below(10), r.word(3)],
    () => ["SETBIT", key("s"), r.below(80), r.below(2)],
    () => ["SET", key("s"), r.word(9).repeat(r.chance(0.1) ? 130_000 : 2000)],
    () => ["INCR", `n${r.below(20)}`],
    () => ["SADD", key("t"), ...many(r.between(1, 30), () => [word()])],
    () => ["SREM", key("t"), ...many(r.between(1, 30), () => [word()])],
    () => ["SPOP", key("t"), r.below(20)],
    () => ["HSET", key("h"), ...many(r.between(1, 30), () => [word(), r.word(4)])],
    () => ["HDEL", key("h"), ...many(r.between(1, 30), () => [word()])],
    () => ["HPEXPIRE", key("h"), r.between(1, 3000), "FIELDS", 1, word()],
    () => ["HPERSIST", key("h"), "FIELDS", 1, word()],
    () => ["HGET", key("h"), word()],
    () => ["ZADD", key("z"), ...many(r.between(1, 30), () => [r.below(50), word()])],
    () => ["ZREM", key("z"), ...many(r.between(1, 30), () => [word()])],
    () => ["ZREMRANGEBYRANK", key("z"), r.below(100), r.below(120)],
    () => ["ZPOPMAX", key("z"), r.below(20)],
    () => ["RPUSH", key("l"), ...many(r.between(1, 30), () => [word()])],
    () => ["LPUSH", key("l"), ...many(r.between(1, 30), () => [word()])],
    () => ["LPOP", key("l"), r.below(20)],
    () => ["RPOP", key("l"), r.below(20)],
    () => ["LSET", key("l"), r.below(200), word()],
    () => ["LREM", key("l"), r.between(-2, 2), word()],
    () => ["LINSERT", key("l"), "BEFORE", word(), word()],
    () => ["LTRIM", key("l"), r.below(5), -r.between(1, 5)],
    () => ["XADD", key("x"), "*", "field", r.word(9)],
    () => ["XTRIM", key("x"), "MAXLEN", r.between(100, 400)],
    () => ["XREADGROUP", "GROUP", "g", "c", "COUNT", 3, "STREAMS", key("x"), ">"],
    () => ["DEL", any()],
    () => ["RENAME", any(), any()],
    () => ["COPY", any(), any(), "REPLACE"],
    () => ["MOVE", any(), r.below(3)],
    () => ["PEXPIRE", any(), r.between(1, 5000)],
    () => ["PERSIST", any()],
    () => ["PFADD", key("p"), word()],
    () => ["PFCOUNT", key("p")],
    () => ["SORT", key("l"), "ALPHA", "STORE", key("l")],
    () => ["SUNIONSTORE", key("t"), key("t"), key("t")],
    () => ["SELECT", r.below(3)],
  ];
  if (r.chance(0.002)) return r.chance(0.5) ? ["FLUSHDB"] : ["SWAPDB", 0, r.between(1, 2)];
  return r.pick(commands)();
}

function fill(engine: LocalEngine, r: Random): void {
  engine.do("CONFIG", "SET", "list-max-listpack-size", "8", "stream-node-max-entries", "5");
  for (let database = 0; database < 3; database++) {
    engine.do("SELECT", String(database));
    for (let i = 0; i < 300; i++) engine.do("SET", `k${i}`, r.word(r.below(60)));
    for (let i = 0; i < 4; i++) {
      const size = r.pick([20, 1500, 2500]);
      engine.do("SADD", `t${i}`, ...many(size, (n) => [`w${n}`]));
      engine.do("HSET", `h${i}`, ...many(size, (n) => [`w${n}`, r.word(5)]));
      engine.do("ZADD", `z${i}`, ...many(size, (n) => [r.below(50), `w${n}`]));
      engine.do("RPUSH", `l${i}`, ...many(size, (n) => [`w${n}`]));
      for (let n = 0; n < 300; n++) engine.do("XADD", `x${i}`, "*", "field", r.word(8));
      engine.do("XGROUP", "CREATE", `x${i}`, "g", "0");
    }
  }
}

for (let round = 0; round < scale(4); round++) {
  test(`a snapshot is of one moment, round ${round}`, () => {
    const r = randomFrom(seededRandom("snapshot").seed + round);
    const engine = new LocalEngine();
    fill(engine, r);
    for (let i = 0; i < 200; i++) engine.do(...randomCommand(r).map(String));
    let largeCount = 0;
    for (let pass = 0; pass < 4; pass++) {
      const expected = wholeContent(engine);
      const encoder = new TextsOfEntries(engine);
      const snapshot = new Snapshot(engine.engine.keyspace, encoder);
      snapshot.begin();
      const commandsPerStep = r.pick([0, 1, 5, 20]);
      const aborts = pass > 0 && r.chance(0.3);
      let steps = 0;
      while (snapshot.step(() => true)) {
        for (let i = 0; i < commandsPerStep; i++) engine.do(...randomCommand(r).map(String));
        if (r.chance(0.1)) engine.pass(r.below(200));
        if (r.chance(0.2)) engine.engine.context.reclaimer.run(1000);
        if (aborts && ++steps > 40) break;
      }
      if (aborts && !encoder.hasEnded) {
        snapshot.abort();
        continue;
      }
      expect(encoder.entries.size).toBe(expected.size);
      for (const [name, parts] of expected) {
        const isEqual = Bun.deepEquals(encoder.entries.get(name), parts);
        expect([name, isEqual]).toEqual([name, true]);
      }
      expect(snapshot.keysDone).toBe(snapshot.keysTotal);
      largeCount += encoder.largeCount;
    }
    expect(largeCount).toBeGreaterThan(0);
  }, 180_000);
}

test.each([
  ["MOVE", "large", "1"],
  ["RENAME", "large", "other"],
])("a large string that %s takes elsewhere is written as it was", (verb, key, target) => {
  const engine = new LocalEngine();
  const text = "x".repeat(2 << 20);
  engine.do("SET", "large", text);
  // From now on its bytes are its own, and changed in their place.
  engine.do("SETRANGE", "large", "0", "a");
  const encoder = new TextsOfEntries(engine);
  const snapshot = new Snapshot(engine.engine.keyspace, encoder);
  snapshot.begin();
  engine.do(verb, key, target);
  if (verb === "MOVE") engine.do("SELECT", "1");
  const name = verb === "MOVE" ? "large" : "other";
  engine.do("SETRANGE", name, "5", "changed");
  while (snapshot.step(() => true));
  expect(encoder.largeCount).toBe(1);
  const [[, [written]]] = encoder.entries;
  expect(written === `a${text.slice(1)}`).toBe(true);
  expect(engine.do("GETRANGE", name, "0", "12")).toBe("axxxxchangedx");
});

test("a field that expires meanwhile goes alone, and is saved as it was", () => {
  const engine = new LocalEngine();
  engine.do("HSET", "read", "f", "v", "g", "w");
  engine.do("HSET", "swept", "f", "v", "g", "w");
  for (const key of ["read", "swept"]) engine.do("HPEXPIRE", key, "1", "FIELDS", "1", "f");
  engine.pass(10);
  const encoder = new TextsOfEntries(engine);
  const snapshot = new Snapshot(engine.engine.keyspace, encoder);
  snapshot.begin();
  engine.recordEffects();
  expect(engine.do("HGET", "read", "f")).toBeNull();
  expect(engine.effects()).toEqual(["0: HDEL read f"]);
  engine.expire();
  expect(engine.effects()).toEqual(["0: HDEL swept f"]);
  expect(engine.do("HGETALL", "swept")).toEqual(["g", "w"]);
  while (snapshot.step(() => true));
  for (const fields of encoder.entries.values()) expect(fields).toHaveLength(2);
});

test("a value of a few large parts is written in as many steps as it takes", () => {
  const engine = new LocalEngine();
  const text = "x".repeat(100_000);
  for (let i = 0; i < 40; i++) {
    engine.do("HSET", "h", `f${i}`, text);
    engine.do("SADD", "t", `${i}${text}`);
    engine.do("RPUSH", "l", text);
  }
  engine.do("HSET", "few", "f", text, "g", text);
  const bytesPerStep: number[] = [];
  const encoder = new TextsOfEntries(engine);
  encoder.large = (_database, _arena, _ref, value) => ({
    step: (budget) => {
      const before = value.shownBytes;
      const hasMore = value.kind === "string" || walkOn(value, budget);
      bytesPerStep.push(value.shownBytes - before);
      return hasMore;
    },
  });
  encoder.entry = () => encoder.largeCount++;
  const snapshot = new Snapshot(engine.engine.keyspace, encoder);
  snapshot.begin();
  while (snapshot.step(() => true));
  expect(bytesPerStep.reduce((sum, bytes) => sum + bytes, 0)).toBeGreaterThan(120 * 100_000);
  // Homes of a table are shown together, and two members may have the same.
  expect(Math.max(...bytesPerStep)).toBeLessThan(600_000);
  expect(encoder.largeCount).toBe(1);
});

function walkOn(value: FrozenValue, budget: number): boolean {
  return value.kind !== "string" && value.walk(budget, () => {});
}
