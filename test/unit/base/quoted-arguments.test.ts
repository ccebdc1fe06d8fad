import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { quoteBytes, splitArguments } from "../../../src/base/quoted-arguments.ts";
import { oracleMissing, seededChance, startOracle } from "./_oracle.ts";
import type { Oracle } from "./_oracle.ts";

/** The arguments as texts; the line lies between quotes that must not count. */
function split(line: string): string[] | null {
  const words = splitArguments(bytesOf(`"'${line}'"`), 2, line.length);
  return words === null ? null : words.map((word) => textOf(word));
}

test.each([
  ["", []],
  [" \t\r\n\v\f ", []],
  ["set k v", ["set", "k", "v"]],
  ["  set\tk \r\n", ["set", "k"]],
  ["a\vb \fc", ["a\vb", "c"]],
  ['""', [""]],
  ["''", [""]],
  ["\"\" '' x", ["", "", "x"]],
  ['"a b" c', ["a b", "c"]],
  ['ab"c d"', ["abc d"]],
  ["ab'c d' e", ["abc d", "e"]],
  ['"a"\tb', ["a", "b"]],
  ['"a"\vb', ["a", "b"]],
  ['"\\n\\r\\t\\b\\a\\"\\\\\\q\'"', ["\n\r\t\b\x07\"\\q'"]],
  ['"\\x00\\xfF\\x4"', ["\0\xffx4"]],
  ['"\\xg0"', ["xg0"]],
  ["'a\\'b\\n\"'", ["a'b\\n\""]],
  ["a\\n", ["a\\n"]],
  ["\xff\x80", ["\xff\x80"]],
  ["a b\0 c", ["a", "b"]],
  ['a "b\0"', null],
  ['"a"b', null],
  ["'a'b", null],
  ['"a""b"', null],
  ['"a', null],
  ["'a", null],
  ['"a\\"', null],
  ['"a\\', null],
  ['"\\x4', null],
  ["'a\\'", null],
  ["a'", null],
])("%j splits into %j", (line, words) => {
  expect(split(line)).toEqual(words);
});

test("an argument keeps its own bytes", () => {
  const line = bytesOf("ab cd");
  const words = splitArguments(line, 0, line.length);
  line.fill(0);
  expect(words?.map((word) => textOf(word))).toEqual(["ab", "cd"]);
});

const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));

test("quoting", () => {
  expect(quoteBytes(bytesOf('xab"\\x'), 1, 4)).toBe('"ab\\"\\\\"');
  expect(quoteBytes(bytesOf("\n\r\t\x07\b\0 ~\x7f\xff"), 0, 10)).toBe(
    '"\\n\\r\\t\\a\\b\\x00 ~\\x7f\\xff"',
  );
  const quoted = quoteBytes(bytesOf(EVERY_BYTE), 0, 256);
  expect(split(quoted)).toEqual([EVERY_BYTE]);
  expect(split(`a ${quoted} b`)).toEqual(["a", EVERY_BYTE, "b"]);
});

describe.skipIf(oracleMissing)("as redis-server answers (skipped where not installed)", () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle();
  });
  afterAll(() => oracle.stop());

  /** Sends a request and collects the answer until it is whole or the server hangs up. */
  async function exchange(request: string, isWhole: (answer: string) => boolean) {
    let answer = "";
    const { promise, resolve } = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      unix: oracle.socketPath,
      socket: {
        open(opened) {
          opened.write(bytesOf(request));
        },
        data(_, chunk) {
          answer += textOf(chunk);
          if (isWhole(answer)) resolve();
        },
        close() {
          resolve();
        },
      },
    });
    await promise;
    socket.end();
    return answer;
  }

  test("inline commands put together by chance", async () => {
    const chance = seededChance(6);
    const parts = [
      '"',
      '"',
      "'",
      "'",
      "\\",
      " ",
      " ",
      "a",
      "n",
      "\\x4f",
      "\\x",
      "\t",
      "\v",
      "\xff",
    ];
    let valid = 0;
    for (let i = 0; i < 1200; i++) {
      let line = "";
      for (let left = chance(9); left > 0; left--) line += parts[chance(parts.length)];
      const words = split(line);
      if (words !== null) valid++;
      const expected =
        words === null
          ? "-ERR Protocol error: unbalanced quotes in request\r\n"
          : `*${words.length}\r\n${words.map((w) => `$${w.length}\r\n${w}\r\n`).join("")}`;
      const isWhole = (answer: string) => answer.length >= expected.length;
      const answer = await exchange(`EVAL "return ARGV" 0 ${line}\r\n`, isWhole);
      expect({ line, answer }).toEqual({ line, answer: expected });
    }
    expect(valid).toBeGreaterThan(200);
  }, 60_000);

  test("MONITOR quotes every byte alike", async () => {
    const marker = quoteBytes(bytesOf(EVERY_BYTE), 0, 256);
    const monitored = exchange("MONITOR\r\n", (answer) => /"ECHO" .*\r\n$/.test(answer));
    const echo = ["ECHO", Buffer.from(EVERY_BYTE, "latin1")];
    while (!String(await oracle.client.call("CLIENT", "LIST")).includes("cmd=monitor")) {
      await Bun.sleep(1);
    }
    await oracle.run([echo]);
    const lines = (await monitored).split("\r\n");
    expect(lines.find((line) => line.includes('"ECHO"'))?.split('"ECHO" ')[1]).toBe(marker);
  });
});
