import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { CutRequest } from "../../../src/engine/cut-request.ts";
import { INCOMPLETE, REQUEST, RequestParser } from "../../../src/protocol/request-parser.ts";

/** A parser that has read `chunk` from `start` on and needs more. */
function cutAt(chunk: Uint8Array, start: number): CutRequest {
  const parser = new RequestParser();
  parser.restart(start);
  expect(parser.next(chunk, chunk.length)).toBe(INCOMPLETE);
  return new CutRequest(parser, chunk, start);
}

test("a large argument is copied once, into a buffer of the request's size", () => {
  const header = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8000000\r\n";
  const cut = cutAt(bytesOf(`PING\r\n${header}abc`), 6);
  const { bytes } = cut;
  expect(bytes.length).toBe(header.length + 8_000_000 + 2);
  const chunk = new Uint8Array(500_000).fill(120);
  let left = 8_000_000 - 3;
  while (left > 0) {
    const size = Math.min(left, chunk.length);
    expect(cut.add(chunk.subarray(0, size), 0)).toBe(size);
    expect(cut.parse()).toBe(INCOMPLETE);
    left -= size;
  }
  expect(cut.bytes).toBe(bytes);
  expect(cut.add(bytesOf("\r\nPING\r\n"), 0)).toBe(8);
  expect(cut.parse()).toBe(REQUEST);
  expect(cut.parser.args.text(0)).toBe("SET");
  expect(cut.parser.args.lengths[2]).toBe(8_000_000);
  expect(cut.parser.args.text(2).slice(0, 4)).toBe("abcx");
  expect(cut.length - cut.parser.position).toBe(6);
});

test("a request of many small arguments is not copied at each of its pieces", () => {
  const argument = "$3\r\nabc\r\n";
  const count = 200_000;
  const piece = bytesOf(argument.repeat(1000));
  const cut = cutAt(bytesOf(`*${count}\r\n`), 0);
  let copies = 0;
  let status = INCOMPLETE;
  for (let sent = 0; sent < count; sent += 1000) {
    for (let from = 0; from < piece.length;) {
      const { bytes } = cut;
      from += cut.add(piece, from);
      if (cut.bytes !== bytes) copies++;
      status = cut.parse();
    }
  }
  expect(status).toBe(REQUEST);
  expect(cut.parser.args.count).toBe(count);
  expect(cut.parser.args.text(count - 1)).toBe("abc");
  expect(copies).toBeLessThan(25);
});
