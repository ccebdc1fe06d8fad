/** The frames of a snapshot, whole, byte by byte and at every cut. */
import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { Payload } from "../../../src/replication/_payload.ts";

const MARK = "0123456789abcdef".repeat(3).slice(0, 40);

interface Outcome {
  readonly text: string;
  readonly sizeBytes: number | null;
  readonly isWhole: boolean;
  readonly problem: string | null;
  /** What came behind it. */
  readonly rest: string;
}

/** What becomes of chunks. */
function read(chunks: readonly string[]): Outcome {
  let text = "";
  let sizeBytes: number | null = -1;
  let problem: string | null = null;
  let rest = "";
  const payload = new Payload({
    begins(size) {
      sizeBytes = size;
      return {
        problem: null,
        database: -1,
        isBusy: false,
        whenFree() {},
        write(bytes, start, length) {
          text += textOf(bytes, start, length);
        },
        finish() {},
        abort() {},
      };
    },
    failed(why) {
      problem = why;
    },
  });
  for (const chunk of chunks) {
    const bytes = bytesOf(chunk);
    if (problem !== null) break;
    if (payload.isWhole) rest += chunk;
    else rest += textOf(bytes, payload.receive(bytes, 0));
  }
  return { text, sizeBytes, isWhole: payload.isWhole, problem, rest };
}

function cuts(text: string): string[][] {
  const halves = Array.from({ length: text.length + 1 }, (_, at) => [
    text.slice(0, at),
    text.slice(at),
  ]);
  return [[text], text.split(""), ...halves];
}

describe("a counted snapshot", () => {
  test("ends where it says, and the stream follows", () => {
    for (const chunks of cuts("\n\n$11\r\nREDIS0009ab*1\r\n$4\r\nPING\r\n")) {
      expect(read(chunks)).toEqual({
        text: "REDIS0009ab",
        sizeBytes: 11,
        isWhole: true,
        problem: null,
        rest: "*1\r\n$4\r\nPING\r\n",
      });
    }
  });

  test("is not whole before its last byte", () => {
    expect(read(["$11\r\nREDIS0009a"])).toMatchObject({ text: "REDIS0009a", isWhole: false });
  });

  test("may be empty", () => {
    expect(read(["$0\r\n", "rest"])).toMatchObject({ text: "", isWhole: true, rest: "rest" });
  });
});

describe("a marked snapshot", () => {
  const bodies = ["", "x", "REDIS0009".repeat(3), `${"y".repeat(100)}${MARK.slice(0, 39)}`];
  for (const body of bodies) {
    test(`of ${body.length} bytes ends before its mark`, () => {
      for (const chunks of cuts(`\n$EOF:${MARK}\r\n${body}${MARK}`)) {
        expect(read(chunks)).toEqual({
          text: body,
          sizeBytes: null,
          isWhole: true,
          problem: null,
          rest: "",
        });
      }
    });
  }

  test("is not whole with a part of its mark", () => {
    const body = "z".repeat(50);
    const { text, isWhole } = read([`$EOF:${MARK}\r\n${body}${MARK.slice(0, 39)}`]);
    expect(isWhole).toBe(false);
    expect(body.startsWith(text)).toBe(true);
  });

  test("may have the mark's beginning within", () => {
    const body = `${MARK.slice(0, 20)}${MARK.slice(0, 39)}!`;
    for (const chunks of cuts(`$EOF:${MARK}\r\n${body}${MARK}`)) {
      expect(read(chunks)).toMatchObject({ text: body, isWhole: true });
    }
  });
});

describe("what is no snapshot", () => {
  test("is an error of the primary", () => {
    for (const chunks of cuts("\n-ERR no disk\r\n")) {
      expect(read(chunks).problem).toBe("MASTER aborted replication with an error: ERR no disk");
    }
  });

  test("is another protocol", () => {
    expect(read(["HTTP/1.1 400\r\n"]).problem).toBe(
      "Bad protocol from MASTER, the first byte is not '$' (we received 'HTTP/1.1 400'), " +
        "are you sure the host and port are right?",
    );
    expect(read(["x".repeat(2000)]).problem).toEndWith("the line is too long");
  });
});
