/** The test helpers themselves, with the oracle on both sides. */
import { describe, expect, test } from "bun:test";
import { ReplyDecoder } from "./_reply-decoder.ts";
import { findOracle } from "./oracle.ts";
import { randomFrom } from "./random.ts";
import { readableCommand, readableReply, splitLine } from "./readable.ts";
import { ReplyError } from "./resp-client.ts";
import { PEDIS, runToExit, startServer } from "./server.ts";
import { playTranscript, transcripts } from "./transcript.ts";

const oracle = findOracle();

const REPLIES: readonly (readonly [string, string])[] = [
  ["+OK\r\n", '"OK"'],
  ["-ERR no\r\n", "(error) ERR no"],
  [":-7\r\n", "(number) -7"],
  [":9223372036854775807\r\n", "(number) 9223372036854775807"],
  ["$-1\r\n", "(nil)"],
  ["$0\r\n\r\n", '""'],
  ["$4\r\na\r\nb\r\n", '"a\\r\\nb"'],
  ["*-1\r\n", "(nil)"],
  ["*2\r\n:1\r\n*1\r\n+x\r\n", '1) (number) 1\n2) 1) "x"'],
  ["_\r\n", "(nil)"],
  ["#t\r\n", "(boolean) true"],
  [",-inf\r\n", "(number) -Infinity"],
  ["(12345678901234567890\r\n", "(number) 12345678901234567890"],
  ["=7\r\ntxt:a b\r\n", '"a b"'],
  ["!5\r\nERR x\r\n", "(error) ERR x"],
  ["%1\r\n+a\r\n:1\r\n", '1) "a" => (number) 1'],
  ["~1\r\n+a\r\n", '1) "a"'],
  ["|1\r\n+ttl\r\n:9\r\n+OK\r\n", '"OK"'],
];

describe("the reply decoder", () => {
  test.each(REPLIES)("reads %j whole and byte by byte", (raw, readable) => {
    const whole = new ReplyDecoder();
    whole.push(Buffer.from(raw + raw));
    const slow = new ReplyDecoder();
    for (const byte of Buffer.from(raw)) {
      expect(slow.next()).toBeNull();
      slow.push(Uint8Array.of(byte));
    }
    for (const reply of [whole.next(), whole.next(), slow.next()]) {
      expect(Buffer.from(reply?.raw ?? []).toString()).toBe(raw);
      expect(readableReply(reply?.value ?? null)).toBe(readable);
    }
    expect(whole.next()).toBeNull();
  });

  test("refuses what is not RESP", () => {
    const decoder = new ReplyDecoder();
    decoder.push(Buffer.from("HTTP/1.1 200\r\n"));
    expect(() => decoder.next()).toThrow("Not a RESP reply");
  });
});

describe("a command line", () => {
  test.each([
    ["SET  k v ", ["SET", "k", "v"]],
    [`SET "a b" 'it\\'s' ""`, ["SET", "a b", "it's", ""]],
    [`ECHO "\\x41\\n\\"\\\\"`, ["ECHO", 'A\n"\\']],
    [`EVAL it's 0`, ["EVAL", "it's", "0"]],
  ])("%s is split", (line, parts) => {
    const split = splitLine(line).map((part) => Buffer.from(part).toString());
    expect(split).toEqual(parts);
    expect(splitLine(readableCommand(parts))).toEqual(splitLine(line));
  });

  test("an escape is one byte, whatever it is", () => {
    expect(splitLine('"\\xff\\x00"')[0]).toEqual(Buffer.from([255, 0]));
    expect(splitLine(readableCommand([Uint8Array.of(255, 0)]))[0]).toEqual(Buffer.from([255, 0]));
  });

  test("quotes must be balanced", () => {
    expect(() => splitLine('SET "k')).toThrow("Unbalanced");
    expect(() => splitLine('SET "k"v')).toThrow("Unbalanced");
  });
});

test("a seed gives the same choices again, spread evenly", () => {
  const draw = (seed: number) => Array.from({ length: 2000 }, randomFrom(seed).below.bind(null, 4));
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  for (const value of [0, 1, 2, 3]) {
    const count = draw(7).filter((drawn) => drawn === value).length;
    expect(count).toBeGreaterThan(400);
    expect(count).toBeLessThan(600);
  }
});

describe.skipIf(oracle === null)("against redis-server", () => {
  const program = oracle ?? { name: "redis", command: [] };
  const { transcript, compare } = transcripts({ program });
  const play = (build: Parameters<typeof playTranscript>[1]) =>
    playTranscript(3, build, { program });

  test("a server is killed and comes back with its data", async () => {
    const directives = ["appendonly yes", "appendfsync always", 'save ""'];
    await using server = await startServer({ program, directives });
    await server.withClient((client) => client.do("SET k v"));
    await server.kill9();
    expect(server.isRunning).toBe(false);
    await server.start();
    expect(await server.withClient((client) => client.text("GET k"))).toBe('"v"');
    expect(server.residentBytes()).toBeGreaterThan(1e6);
    expect(await server.stop()).toBe(0);
    expect(server.log).toContain("Ready to accept connections");
  });

  const both = [PEDIS, program];
  test.each(both)(
    "$name is settled once it has run what was sent and knows who has gone",
    async (one) => {
      await using server = await startServer({ program: one, directives: ['save ""'] });
      await using client = await server.connect();
      expect(await client.text("CLIENT LIST")).not.toContain("cmd=ping");
      const other = await server.connect();
      other.begin("SET k v");
      await server.settled();
      expect(await client.value("GET k")).toBe("v");
      await other.close();
      await server.settled();
      expect(await client.text("CLIENT LIST")).not.toContain("cmd=set");
    },
  );

  test("a server that cannot start says why", async () => {
    const refused = startServer({ program, directives: ["port nonsense"] });
    expect(await failureOf(refused)).toMatch("argument couldn't be parsed into an integer");
    const { exitCode, stdout } = await runToExit(["--version"], program);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("7.0.15");
  });

  test("a client pipelines, reads pushes, and ends with the connection", async () => {
    await using server = await startServer({ program, directives: ['save ""'] });
    await using client = await server.connect();
    const replies = await client.pipeline(["SET k v", ["GET", "k"], "NOPE"]);
    expect(replies.map((reply) => reply.value)).toEqual([
      "OK",
      "v",
      new ReplyError("ERR unknown command 'NOPE', with args beginning with: "),
    ]);
    await client.do("HELLO 3");
    expect(await client.value("SUBSCRIBE a b")).toEqual([
      ["subscribe", "a", 1],
      ["subscribe", "b", 2],
    ]);
    expect(await client.value("PUBLISH a hello")).toBe(1);
    expect((await client.next()).value).toEqual(["message", "a", "hello"]);
    client.send("*1\r\n$4\r\nQUIT\r\n");
    expect((await client.next()).value).toBe("OK");
    await client.closed;
    expect(await failureOf(client.do("PING"))).toMatch("closed the connection");
  });

  compare(
    "a script of commands",
    `
      SET k "a b"
      GET k                # a remark
      ? SADD s x y z
      ? SMEMBERS s
      ~ PTTL k
      @b BLPOP l 0
      RPUSH l x
      @b
      @c SUBSCRIBE ch
      @c
      PUBLISH ch hello
      @c
    `,
  );

  transcript("steps with expectations", (t) => {
    t.do("HSET h f v g w").is(2);
    t.do("HGETALL h").is(["f", "v", "g", "w"], { f: "v", g: "w" });
    t.do("HKEYS h").unordered().is(["g", "f"]);
    t.do("SET", "n", 5).is("OK");
    t.do("INCR k x").error("ERR wrong number of arguments for 'incr' command");
    t.do("TIME").matching((value) => Array.isArray(value) && value.length === 2);
    t.do("DBSIZE").within(2, 2);
    t.do("INCR counter").eventually().is(3);
    t.do("GET counter").is("3");
    t.do("PING").differsIn72("it does not, but a stated reply holds here").is("PONG");
    const scan = t.do("SCAN 0").likeShape();
    t.do(() => ["ECHO", (scan.value as string[])[0] ?? ""]).is("0");
    t.send("PING inline\r\n");
    t.reply().is("inline");
  });

  test("a wrong expectation fails, naming the command and both replies", async () => {
    const wrong = play((t) => {
      t.do("SET k v").is("OK");
      t.do("GET k").is("w");
    });
    expect(await failureOf(wrong)).toMatch(/support\.test\.ts:\d+\n\n {2}GET k\n {2}expected "w"/);
    expect(await failureOf(play((t) => t.do("TTL k").within(0, 9)))).toMatch("expected");
    expect(await failureOf(play((t) => t.do("PING").differsIn72("x")))).toMatch("nothing is");
  });

  test("replies that differ between the servers fail", async () => {
    await play((t) => t.do("ECHO same"));
    expect(await failureOf(play((t) => t.do("CLIENT ID")))).toMatch("the replies differ");
    await play((t) => t.do("INFO server").likeShape());
    expect(await failureOf(play((t) => t.do("CLIENT ID").sameNumbers()))).toMatch("differ");
    await play((t) => {
      t.do("ZADD z 0.1 m 1 n");
      t.do("ZRANGE z 0 -1 WITHSCORES").sameNumbers();
    });
  });
});

async function failureOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (problem) {
    return String(problem);
  }
  throw new Error("It did not fail");
}
