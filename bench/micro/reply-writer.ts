/** Replies into the buffer that all connections share. */
import { ReplyWriter } from "../../src/protocol/reply-writer.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";

const OPERATIONS = 256;
const NOT_AN_INTEGER = "ERR value is not an integer or out of range";

export const replyWriter: readonly MicroBenchmark[] = [
  { name: "bulk of 16 bytes", prepare: () => bulk(16, "$16\r\n") },
  { name: "bulk of 1 KiB", prepare: () => bulk(1024, "$1024\r\n") },
  { name: "integer 7", prepare: () => written((reply) => reply.integer(7), ":7\r\n") },
  {
    name: "integer 1234567890",
    prepare: () => written((reply) => reply.integer(1234567890), ":1234567890\r\n"),
  },
  {
    name: "error",
    prepare: () => written((reply) => reply.error(NOT_AN_INTEGER), `-${NOT_AN_INTEGER}\r\n`),
  },
  { name: "OK", prepare: () => written((reply) => reply.ok(), "+OK\r\n") },
  { name: "nil", prepare: () => written((reply) => reply.nil(), "$-1\r\n") },
];

function bulk(length: number, header: string): Body {
  const value = new Uint8Array(length + 100).fill(118);
  const text = `${header}${"v".repeat(length)}\r\n`;
  return written((reply) => reply.bulk(value, 50, length), text);
}

/** Writes a reply many times; `text` is what one of them must look like. */
function written(write: (reply: ReplyWriter) => void, text: string): Body {
  const reply = new ReplyWriter();
  write(reply);
  const first = Buffer.from(reply.bytes.subarray(0, reply.at)).toString("latin1");
  if (first !== text) throw new Error(`The reply is ${first}, expected ${text}`);
  return {
    operations: OPERATIONS,
    expected: OPERATIONS * text.length,
    run() {
      reply.clear();
      for (let i = 0; i < OPERATIONS; i++) write(reply);
      return reply.at;
    },
  };
}
