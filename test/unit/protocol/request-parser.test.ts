/** Every vector whole, byte by byte and cut at every position, and what only the parser shows. */
import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import {
  INCOMPLETE,
  MALFORMED,
  NOTHING,
  REQUEST,
  RequestParser,
} from "../../../src/protocol/request-parser.ts";
import { LONG_VECTORS, type RequestVector, SHORT_VECTORS } from "./request-vectors.ts";

interface Outcome {
  readonly requests: string[][];
  readonly problem: string | null;
}

/** What the parser finds when the bytes arrive up to each of `ends` in turn. */
function parse(bytes: Uint8Array, ends: readonly number[], parser = new RequestParser()): Outcome {
  const requests: string[][] = [];
  for (const end of ends) {
    for (;;) {
      const status = parser.next(bytes, end);
      if (status === MALFORMED) return { requests, problem: parser.problem };
      if (status === INCOMPLETE) {
        expect(parser.wantedEnd).toBeGreaterThan(parser.position);
        break;
      }
      if (status === NOTHING) continue;
      expect(status).toBe(REQUEST);
      requests.push(Array.from({ length: parser.args.count }, (_, i) => parser.args.text(i)));
    }
  }
  return { requests, problem: null };
}

function outcomeOf(vector: RequestVector): Outcome {
  return { requests: vector.requests.map((request) => [...request]), problem: vector.problem };
}

function everyEnd(length: number): number[] {
  return Array.from({ length }, (_, i) => i + 1);
}

describe("what clients send", () => {
  test.each(SHORT_VECTORS.map((vector) => [vector.sent, vector] as const))("%j", (_, vector) => {
    const bytes = bytesOf(vector.sent);
    const expected = outcomeOf(vector);
    expect(parse(bytes, [bytes.length])).toEqual(expected);
    expect(parse(bytes, everyEnd(bytes.length))).toEqual(expected);
    for (let cut = 1; cut < bytes.length; cut++) {
      expect(parse(bytes, [cut, bytes.length])).toEqual(expected);
    }
  });

  test.each(LONG_VECTORS.map((vector) => [vector.sent.slice(0, 12), vector] as const))(
    "%j and so on",
    (_, vector) => {
      const bytes = bytesOf(vector.sent);
      const expected = outcomeOf(vector);
      const { length } = bytes;
      expect(parse(bytes, [length])).toEqual(expected);
      for (const cut of [1, 5, 16_384, 32_768, 65_535, 65_536, length - 2, length - 1]) {
        if (cut < length) expect(parse(bytes, [cut, length])).toEqual(expected);
      }
      const steps = everyEnd(Math.ceil(length / 997)).map((step) => Math.min(length, step * 997));
      expect(parse(bytes, steps)).toEqual(expected);
    },
  );

  test("bytes behind the end are not looked at", () => {
    const bytes = bytesOf("*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n");
    expect(parse(bytes, [15])).toEqual({ requests: [["PING"]], problem: null });
  });
});

describe("before a client has authenticated", () => {
  const cases: readonly [string, string | null][] = [
    ["*10\r\n", null],
    ["*11\r\n", "unauthenticated multibulk length"],
    ["*1\r\n$16384\r\n", null],
    ["*1\r\n$16385\r\n", "unauthenticated bulk length"],
    ["*1\r\n$536870913\r\n", "invalid bulk length"],
    ["*2147483648\r\n", "invalid multibulk length"],
  ];
  test.each(cases)("%j", (sent, problem) => {
    const parser = new RequestParser();
    parser.isUnauthenticated = true;
    const bytes = bytesOf(sent);
    expect(parse(bytes, everyEnd(bytes.length), parser)).toEqual({ requests: [], problem });
  });
});

test("proto-max-bulk-len", () => {
  const parser = new RequestParser();
  parser.maxBulkBytes = 5;
  const bytes = bytesOf("*1\r\n$5\r\nhello\r\n*1\r\n$6\r\nhello!\r\n");
  expect(parse(bytes, [bytes.length], parser)).toEqual({
    requests: [["hello"]],
    problem: "invalid bulk length",
  });
});

test("a file's line that can't become right is refused at once", () => {
  for (const [sent, problem] of [
    ["*1\r\nx", "expected '$', got 'x'"],
    ["*1\r\n\0\0\0", "expected '$', got '\0'"],
    ["*\0\0\r\n", "invalid multibulk length"],
  ]) {
    const parser = new RequestParser();
    parser.isStream = false;
    const bytes = bytesOf(sent);
    expect(parse(bytes, [bytes.length], parser)).toEqual({ requests: [], problem });
  }
});

describe("a request's own bytes", () => {
  const raw = (sent: string): string | null => {
    const parser = new RequestParser();
    const bytes = bytesOf(sent);
    expect(parser.next(bytes, bytes.length)).toBe(REQUEST);
    const { args } = parser;
    return args.rawIsExact ? sent.slice(args.rawStart, args.rawEnd) : null;
  };

  test("are exact where they can be propagated as they came", () => {
    const request = "*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n";
    expect(raw(`${request}PING\r\n`)).toBe(request);
  });

  test.each([
    ["*2\rx$4\r\nECHO\r\n$2\r\nhi\r\n"],
    ["*2\r\n$4\rxECHO\r\n$2\r\nhi\r\n"],
    ["*2\r\n$4\r\nECHO\r\n$2\rxhi\r\n"],
    ["*2\r\n$4\r\nECHO\rx$2\r\nhi\r\n"],
    ["*2\r\n$4\r\nECHO\r\n$2\r\nhi\n\n"],
    ["ECHO hi\r\n"],
  ])("are not where a reader of the AOF would stumble: %j", (sent) => {
    expect(raw(sent)).toBeNull();
  });

  test("are exact again after a request that was not", () => {
    const parser = new RequestParser();
    const bytes = bytesOf("*1\rx$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n");
    parser.next(bytes, bytes.length);
    expect(parser.args.rawIsExact).toBe(false);
    parser.next(bytes, bytes.length);
    expect(parser.args.rawIsExact).toBe(true);
  });
});

test("the end that is wanted is that of the whole bulk", () => {
  const parser = new RequestParser();
  const bytes = bytesOf("*2\r\n$4\r\nECHO\r\n$1000\r\nab");
  expect(parser.next(bytes, bytes.length)).toBe(INCOMPLETE);
  expect(parser.wantedEnd).toBe(bytes.length - 2 + 1000 + 2);
});
