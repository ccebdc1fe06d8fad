/** The bytes of a stream's nodes beside the oracle's, and what a stream takes and gives back. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { TYPE_STREAM } from "../../../src/memory/entry.ts";
import { Stream, StreamValue } from "../../../src/values/stream.ts";
import { parseStreamId, SEQUENCE_FIRST, StreamId } from "../../../src/values/stream-id.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";
import { findOracle } from "../../support/oracle.ts";
import { randomFrom } from "../../support/random.ts";
import type { RespClient } from "../../support/resp-client.ts";
import { PEDIS, startServer } from "../../support/server.ts";
import { BORDER_INTEGERS, NO_INTEGERS } from "../../support/byte-texts.ts";
import { DUMP_DIRECTIVES, Ground } from "./_homes.ts";

const LIMITS = { maxNodeBytes: 4096, maxNodeEntries: 100 };

function idOf(text: string): StreamId {
  const id = new StreamId();
  const bytes = bytesOf(text);
  if (!parseStreamId(bytes, 0, bytes.length, SEQUENCE_FIRST, id)) throw new Error(text);
  return id;
}

function append(stream: Stream, id: string, pairs: string[], limits = LIMITS): void {
  const args = new Arguments();
  args.assign(pairs.map(bytesOf));
  const { bytes, starts, lengths } = args;
  stream.append(idOf(id), bytes, starts, lengths, 0, pairs.length / 2, limits);
}

function nodesOf(stream: Stream): { id: string; bytes: Uint8Array }[] {
  const nodes: { id: string; bytes: Uint8Array }[] = [];
  stream.visitNodes((id, bytes, start, length) => {
    nodes.push({ id: id.toString(), bytes: bytes.slice(start, start + length) });
  });
  return nodes;
}

/** The nodes in the oracle's DUMP: behind type and count, each an ID and a listpack as strings. */
async function dumpedNodes(client: RespClient): Promise<{ id: string; bytes: Uint8Array }[]> {
  const { raw } = await client.do("DUMP s");
  const dump = raw.subarray(raw.indexOf(10) + 1);
  const view = new DataView(dump.buffer, dump.byteOffset);
  let at = 1;
  const length = (): number => {
    const first = dump[at++];
    if (first < 64) return first;
    if (first < 128) return ((first & 63) << 8) | dump[at++];
    at += 4;
    return view.getUint32(at - 4);
  };
  const nodes: { id: string; bytes: Uint8Array }[] = [];
  for (let count = length(); count > 0; count--) {
    at++;
    const id = new StreamId().read(dump, at).toString();
    at += 16;
    const size = length();
    nodes.push({ id, bytes: dump.slice(at, at + size) });
    at += size;
  }
  return nodes;
}

const oracle = findOracle();

test.skipIf(oracle === null)("nodes are the oracle's to the byte", async () => {
  const random = randomFrom(20);
  const texts = [...BORDER_INTEGERS.map(String), ...NO_INTEGERS];
  for (const length of [1, 63, 64, 127, 128, 4094, 4095, 4096, 17_000]) {
    texts.push("x".repeat(length));
  }
  await using server = await startServer({ program: oracle ?? PEDIS, directives: DUMP_DIRECTIVES });
  await server.withClient(async (client) => {
    for (const limits of [
      { maxNodeBytes: 4096, maxNodeEntries: 100 },
      { maxNodeBytes: 0, maxNodeEntries: 300 },
      { maxNodeBytes: 40_000, maxNodeEntries: 0 },
    ]) {
      const { maxNodeBytes, maxNodeEntries } = limits;
      await client.do(`CONFIG SET stream-node-max-bytes ${maxNodeBytes}`);
      await client.do(`CONFIG SET stream-node-max-entries ${maxNodeEntries}`);
      await client.do("DEL s");
      const stream = new Stream(new Arena());
      const ids: string[] = [];
      for (let i = 1; i <= 700; i++) {
        const ms = Math.max(i, stream.lastId.ms + 1);
        // Sequences that fall while milliseconds rise: differences below zero.
        const id = random.chance(0.02)
          ? `${ms + 2 ** 33}-${2n ** 63n - BigInt(i)}`
          : `${ms}-${random.below(300)}`;
        const pairs = random.chance(0.7)
          ? ["field", random.pick(texts), "12", "v"]
          : Array.from({ length: random.between(1, 4) * 2 }, () => random.pick(texts));
        append(stream, id, pairs, limits);
        await client.do("XADD", "s", id, ...pairs);
        ids.push(id);
        if (random.chance(0.3)) {
          const deleted = random.pick(ids);
          const { value } = await client.do(`XDEL s ${deleted}`);
          expect(stream.delete(idOf(deleted))).toBe(value === 1);
        }
        if (random.chance(0.01)) {
          await client.do(`XTRIM s MAXLEN = ${stream.length - 3}`);
          stream.trimToLength(stream.length - 3, false, 0);
        }
      }
      expect(nodesOf(stream)).toEqual(await dumpedNodes(client));
    }
  });
});

test("a node that holds many entries says its counts in more bytes", () => {
  const limits = { maxNodeBytes: 0, maxNodeEntries: 0 };
  const stream = new Stream(new Arena());
  for (let i = 1; i <= 1000; i++) append(stream, `${i}`, ["f", "v"], limits);
  for (let i = 1; i < 1000; i++) expect(stream.delete(idOf(`${i}`))).toBe(true);
  expect([stream.length, stream.firstId.toString(), stream.nodes.count]).toEqual([1, "1000-0", 1]);
  expect(stream.delete(idOf("1000"))).toBe(true);
  expect([stream.length, stream.firstId.toString(), stream.nodes.count]).toEqual([0, "0-0", 0]);
  expect(stream.maxDeletedId.toString()).toBe("1000-0");
});

test("nodes hardly take more than their bytes", () => {
  const stream = new Stream(new Arena());
  for (let i = 1; i <= 100_000; i++) append(stream, `${1e12 + i}-0`, ["field", `value:${i}`]);
  let bytes = 0;
  for (const node of nodesOf(stream)) bytes += node.bytes.length;
  expect(stream.nodes.blockBytes / bytes).toBeLessThan(1.2);
  expect(stream.sizeBytes() - stream.nodes.blockBytes).toBeLessThan(stream.nodes.count * 50);
});

test("what is deleted goes in slices, and all of it", () => {
  const ground = new Ground();
  const before = ground.usedBytes;
  const home = ground.open(TYPE_STREAM, "s");
  const stream = new StreamValue(home).obtain();
  for (let i = 1; i <= 50_000; i++) append(stream, `${i}`, ["f", "x".repeat(i % 100)]);
  append(stream, "50001", ["f", "x".repeat(100_000)]);
  home.remove();
  const { reclaimer } = ground.context;
  expect(reclaimer.isEmpty).toBe(false);
  let slices = 0;
  for (; !reclaimer.isEmpty; slices++) reclaimer.run(100);
  expect(slices).toBeGreaterThan(3);
  expect(ground.usedBytes).toBe(before);
});

test("radix nodes are counted as Redis would have them", () => {
  const stream = new Stream(new Arena());
  const limits = { maxNodeBytes: 0, maxNodeEntries: 1 };
  expect(stream.radixNodeCount).toBe(1);
  append(stream, "1-1", ["f", "v"], limits);
  expect(stream.radixNodeCount).toBe(2);
  append(stream, "1-2", ["f", "v"], limits);
  // The bytes that both share, a branch and two leaves.
  expect(stream.radixNodeCount).toBe(4);
  append(stream, "1-256", ["f", "v"], limits);
  // A branch above the other, a byte and a leaf behind it.
  expect(stream.radixNodeCount).toBe(7);
});
