/** The request parser over chunks as pipelining clients send them. */
import { bytesOf } from "../../src/base/bytes.ts";
import { INCOMPLETE, REQUEST, RequestParser } from "../../src/protocol/request-parser.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";

const PIPELINE = 64;
const LONG_BULK_BYTES = 1 << 20;
const CHUNK_BYTES = 64 * 1024;

export const requestParser: readonly MicroBenchmark[] = [
  { name: "SET of 16 bytes, pipelined", prepare: () => whole(setRequest("v".repeat(16))) },
  { name: "GET, pipelined", prepare: () => whole(["GET", KEY]) },
  { name: "MSET of 10, pipelined", prepare: () => whole(["MSET", ...pairs(10)]) },
  { name: "inline GET, pipelined", prepare: () => repeated(`GET ${KEY}\r\n`, 2) },
  { name: "SET of 1 MiB in one chunk", prepare: longBulk },
  { name: "SET of 1 MiB in chunks of 64 KiB", prepare: longBulkInChunks },
];

const KEY = "key:000000123456";

function setRequest(value: string): string[] {
  return ["SET", KEY, value];
}

function pairs(count: number): string[] {
  return Array.from({ length: count }, (_, i) => [`${KEY}${i}`, "v".repeat(16)]).flat();
}

function encoded(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function whole(words: readonly string[]): Body {
  return repeated(encoded(words), words.length);
}

/** A chunk that holds the request many times; its arguments are counted. */
function repeated(request: string, argumentCount: number): Body {
  const bytes = bytesOf(request.repeat(PIPELINE));
  const parser = new RequestParser();
  return {
    operations: PIPELINE,
    expected: PIPELINE * argumentCount,
    run() {
      let count = 0;
      parser.restart(0);
      while (parser.next(bytes, bytes.length) === REQUEST) count += parser.args.count;
      return count;
    },
  };
}

function longBulk(): Body {
  const bytes = bytesOf(encoded(setRequest("v".repeat(LONG_BULK_BYTES))));
  const parser = new RequestParser();
  return {
    operations: 1,
    expected: LONG_BULK_BYTES,
    run() {
      parser.restart(0);
      return parser.next(bytes, bytes.length) === REQUEST ? parser.args.lengths[2] : -1;
    },
  };
}

/** The parser stops at each chunk's end and goes on where it was; nothing is read twice. */
function longBulkInChunks(): Body {
  const bytes = bytesOf(encoded(setRequest("v".repeat(LONG_BULK_BYTES))));
  const parser = new RequestParser();
  return {
    operations: 1,
    expected: LONG_BULK_BYTES,
    run() {
      parser.restart(0);
      let status = INCOMPLETE;
      for (let end = CHUNK_BYTES; status === INCOMPLETE; end += CHUNK_BYTES) {
        status = parser.next(bytes, Math.min(end, bytes.length));
      }
      return status === REQUEST ? parser.args.lengths[2] : -1;
    },
  };
}
