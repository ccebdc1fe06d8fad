import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { NO_ID, ReplicationStream } from "../../../src/replication/stream.ts";
import type { Reader } from "../../../src/replication/stream.ts";
import { seededRandom } from "../../support/random.ts";

const ID = "a".repeat(40);
const BACKLOG_BYTES = 64 * 1024;

function append(stream: ReplicationStream, database: number, text: string): void {
  const bytes = bytesOf(text);
  stream.append(database, bytes, 0, bytes.length);
}

/** All that is kept from a position on. */
function readFrom(stream: ReplicationStream, position: number): string | null {
  stream.settle();
  let block = stream.blockAt(position);
  if (block === null) return null;
  let text = textOf(block.bytes, position - block.start, block.length - (position - block.start));
  for (block = block.next; block !== null; block = block.next) {
    text += textOf(block.bytes, 0, block.length);
  }
  return text;
}

describe("the replication stream", () => {
  test("goes on behind a history of which nothing is kept", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.open();
    append(stream, 3, "x");
    const text = "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\nx";
    stream.rebase(1000);
    expect([stream.offset, stream.firstOffset]).toEqual([1000 + text.length, 1001]);
    append(stream, 3, "y");
    expect(readFrom(stream, 1000)).toBe(`${text}y`);
    expect(readFrom(stream, 999)).toBeNull();
  });

  test("counts from the moment it is kept, and names the database where it changes", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    expect([stream.isOpen, stream.firstOffset, stream.historyBytes]).toEqual([false, 0, 0]);
    stream.open();
    append(stream, 0, "*1\r\n$4\r\nPING\r\n");
    append(stream, 0, "x");
    append(stream, 9, "y");
    const expected =
      "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*1\r\n$4\r\nPING\r\nx*2\r\n$6\r\nSELECT\r\n$1\r\n9\r\ny";
    expect(readFrom(stream, 0)).toBe(expected);
    expect(stream.offset).toBe(expected.length);
    expect(stream.position).toEqual({ id: ID, offset: expected.length, database: 9 });
  });

  test("requests of one chunk are counted at once and copied together", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.open();
    append(stream, 0, "");
    const before = stream.offset;
    const chunk = bytesOf("..onetwothree!");
    stream.appendRequest(0, chunk, 2, 3);
    stream.appendRequest(0, chunk, 5, 3);
    stream.appendRequest(0, chunk, 8, 5);
    expect(stream.isPending).toBe(true);
    expect(stream.offset).toBe(before + 11);
    expect(readFrom(stream, before)).toBe("onetwothree");
    expect(stream.isPending).toBe(false);
  });

  test("a branch keeps the old id up to where it was; a new history has none", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.open();
    append(stream, 0, "abc");
    const { offset } = stream;
    stream.branch();
    expect([stream.secondId, stream.secondOffset]).toEqual([ID, offset + 1]);
    expect(stream.id).toMatch(/^[0-9a-f]{40}$/);
    append(stream, 0, "d");
    expect(readFrom(stream, offset)).toBe("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\nd");
    stream.renew();
    expect([stream.secondId, stream.secondOffset]).toEqual([NO_ID, -1]);
  });

  test("another's history is gone on with where it ends", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.open();
    append(stream, 0, "abc");
    stream.adopt({ id: "b".repeat(40), offset: 1000, database: 3 });
    expect([stream.id, stream.offset, stream.firstOffset]).toEqual(["b".repeat(40), 1000, 1001]);
    stream.pass(bytesOf("--more--"), 2, 4, 0);
    expect(readFrom(stream, 1000)).toBe("more");
    expect(readFrom(stream, 999)).toBeNull();
  });

  test("without being kept only the offset moves", () => {
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.pass(bytesOf("abc"), 0, 3, 0);
    expect([stream.offset, stream.keptBytes, readFrom(stream, 0)]).toEqual([3, 0, null]);
  });

  test("keeps what the slowest reads, and else about the size of the backlog", () => {
    const random = seededRandom("replication stream");
    const stream = new ReplicationStream(ID, BACKLOG_BYTES);
    stream.open();
    append(stream, 0, "");
    let all = readFrom(stream, 0) ?? "";
    const readers: Reader[] = [];
    for (let i = 0; i < 3000; i++) {
      const text = String.fromCharCode(97 + random.below(26)).repeat(1 + random.below(3000));
      if (random.below(2) === 0) append(stream, 0, text);
      else stream.appendRequest(0, bytesOf(text), 0, text.length);
      all += text;
      if (readers.length < 3 && random.below(100) === 0) {
        const reader = { position: stream.offset };
        readers.push(reader);
        stream.addReader(reader);
      }
      for (const reader of readers) {
        if (random.below(20) === 0) {
          const seen = readFrom(stream, reader.position);
          expect(seen).toBe(all.slice(reader.position));
          reader.position = all.length;
        }
      }
      if (readers.length > 0 && random.below(200) === 0) {
        stream.removeReader(readers.shift() as Reader);
      }
      const slowest = Math.min(all.length, ...readers.map(({ position }) => position));
      const needed = Math.max(all.length - slowest, Math.min(all.length, BACKLOG_BYTES));
      expect(stream.historyBytes).toBeGreaterThanOrEqual(needed);
    }
    for (const reader of readers) stream.removeReader(reader);
    append(stream, 0, "z".repeat(10_000));
    expect(stream.historyBytes).toBeLessThan(2 * BACKLOG_BYTES);
    expect(readFrom(stream, stream.offset - BACKLOG_BYTES)).toBe(
      (all + "z".repeat(10_000)).slice(-BACKLOG_BYTES),
    );
    stream.resize(16 * 1024);
    append(stream, 0, "y".repeat(20_000));
    expect(stream.historyBytes).toBeLessThan(64 * 1024);
    expect(stream.keptBytes).toBeLessThan(64 * 1024);
  });
});
