import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { ReplyWriter } from "../../../src/protocol/reply-writer.ts";

function written(resp3: boolean, write: (reply: ReplyWriter) => void): string {
  const reply = new ReplyWriter();
  reply.resp3 = resp3;
  write(reply);
  return textOf(reply.bytes, 0, reply.at);
}

const FORMS: readonly (readonly [
  name: string,
  write: (reply: ReplyWriter) => void,
  resp2: string,
  resp3: string,
])[] = [
  ["ok", (r) => r.ok(), "+OK\r\n", "+OK\r\n"],
  ["simple", (r) => r.simple("PONG"), "+PONG\r\n", "+PONG\r\n"],
  ["error", (r) => r.error("ERR a\r\nb"), "-ERR a  b\r\n", "-ERR a  b\r\n"],
  ["integer", (r) => r.integer(-12345), ":-12345\r\n", ":-12345\r\n"],
  ["int64", (r) => r.int64(2n ** 63n - 1n), ":9223372036854775807\r\n", ":9223372036854775807\r\n"],
  ["bulk", (r) => r.bulk(bytesOf("xabcx"), 1, 3), "$3\r\nabc\r\n", "$3\r\nabc\r\n"],
  ["empty bulk", (r) => r.emptyBulk(), "$0\r\n\r\n", "$0\r\n\r\n"],
  ["text", (r) => r.bulkText("0123456789"), "$10\r\n0123456789\r\n", "$10\r\n0123456789\r\n"],
  ["nil", (r) => r.nil(), "$-1\r\n", "_\r\n"],
  ["null array", (r) => r.nullArray(), "*-1\r\n", "_\r\n"],
  ["true", (r) => r.boolean(true), ":1\r\n", "#t\r\n"],
  ["array", (r) => r.array(12), "*12\r\n", "*12\r\n"],
  ["map", (r) => r.map(2), "*4\r\n", "%2\r\n"],
  ["set", (r) => r.set(2), "*2\r\n", "~2\r\n"],
  ["push", (r) => r.push(2), "*2\r\n", ">2\r\n"],
  ["double", (r) => r.double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n"],
  ["infinity", (r) => r.double(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["verbatim", (r) => r.verbatim("hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n"],
  ["big number", (r) => r.bigNumber("123"), "$3\r\n123\r\n", "(123\r\n"],
];

test.each(FORMS)("%s", (_name, write, resp2, resp3) => {
  expect(written(false, write)).toBe(resp2);
  expect(written(true, write)).toBe(resp3);
});

test("a length known only afterwards is put before what was written", () => {
  const write = (reply: ReplyWriter): void => {
    reply.integer(7);
    const outer = reply.beginDeferred();
    reply.integer(1);
    const inner = reply.beginDeferred();
    reply.bulkText("k");
    reply.bulkText("v");
    reply.endDeferredMap(inner, 1);
    reply.endDeferred(outer, 2);
  };
  expect(written(false, write)).toBe(":7\r\n*2\r\n:1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
  expect(written(true, write)).toBe(":7\r\n*2\r\n:1\r\n%1\r\n$1\r\nk\r\n$1\r\nv\r\n");
});

test("the buffer grows, and is given up after a large reply", () => {
  const reply = new ReplyWriter();
  const initial = reply.bytes.length;
  const value = new Uint8Array(10_000_000).fill(65);
  reply.bulk(value, 0, value.length);
  reply.ok();
  expect(textOf(reply.bytes, reply.at - 8, 8)).toBe("A\r\n+OK\r\n".slice(-8));
  expect(textOf(reply.bytes, 0, 14)).toBe("$10000000\r\nAAA");
  reply.clear();
  expect(reply.bytes.length).toBe(initial);
  expect(reply.at).toBe(0);
});

test("a small reply is kept as a copy, a large one as the buffer itself", () => {
  const reply = new ReplyWriter();
  reply.bulkText("abc");
  const small = reply.keep(0, reply.at);
  const buffer = reply.bytes;
  reply.clear();
  expect(reply.bytes).toBe(buffer);
  reply.ok();
  expect(textOf(small, 0, small.length)).toBe("$3\r\nabc\r\n");

  const value = new Uint8Array(1_000_000).fill(65);
  reply.bulk(value, 0, value.length);
  const large = reply.keep(5, reply.at);
  expect(large.buffer).toBe(reply.bytes.buffer);
  reply.clear();
  reply.simple("something else");
  expect(textOf(large, 0, 14)).toBe("$1000000\r\nAAAA");
  expect(textOf(large, large.length - 3, 3)).toBe("A\r\n");
});
