/** What the benchmarks' loader sends, byte by byte, and how it counts replies. */
import { describe, expect, test } from "bun:test";
import { cutDown, elementCount, type Filling, load } from "../../bench/support/loader.ts";
import { encodeRequest } from "../support/resp-client.ts";

describe("fillings", () => {
  test("number requests and elements, over several batches", async () => {
    const filling = {
      request: ["HSET", "hash:{i}"],
      each: ["f{e}", "{n:3}"],
      elements: 2,
      count: 3,
      depth: 2,
    };
    expect(await sentBy(filling)).toEqual([
      ["HSET", "hash:000000000000", "f0", "000", "f1", "001"],
      ["HSET", "hash:000000000001", "f0", "002", "f1", "003"],
      ["HSET", "hash:000000000002", "f0", "004", "f1", "005"],
    ]);
  });

  test("scatter numbers alike in every run, within their digits", async () => {
    const filling = { request: ["ZADD", "z", "{r:2}", "{n:2}"], count: 50 };
    const sent = await sentBy(filling);
    const scores = sent.map(([, , score]) => score);
    for (const score of scores) expect(score).toMatch(/^\d\d$/);
    expect(new Set(scores).size).toBeGreaterThan(25);
    expect(scores).not.toEqual(scores.toSorted());
    expect(await sentBy(filling)).toEqual(sent);
  });

  test("end when all lines of all replies are there", async () => {
    const filling = { request: ["SPOP", "set", "2"], count: 5, depth: 1, replyLines: 5 };
    const sent = await sentBy(filling, "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
    expect(sent).toHaveLength(5);
  });

  test("are refused where the digits do not suffice, or by the server", async () => {
    const messageOf = (problem: Error) => problem.message;
    const few = sentBy({ request: ["SET", "{i:1}", "x"], count: 11 });
    expect(await few.catch(messageOf)).toBe("10 has more than 1 digits: SET {i:1} x");
    const refused = sentBy({ request: ["NO"], count: 3 }, "-ERR no\r\n");
    expect(await refused.catch(messageOf)).toBe("-ERR no");
  });

  test("are cut down to a number of elements", () => {
    const filling: Filling = { request: ["X"], elements: 100, count: 50 };
    expect(elementCount(filling)).toBe(5_000);
    expect(cutDown(filling, 250).count).toBe(3);
    expect(cutDown(filling, 1).count).toBe(1);
    expect(cutDown(filling, 1e6).count).toBe(50);
  });
});

/** The requests that a server sees which answers each of them by `reply`. */
async function sentBy(filling: Filling, reply = "+OK\r\n"): Promise<string[][]> {
  const sent: string[][] = [];
  let rest = "";
  using server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data(socket, chunk) {
        rest += Buffer.from(chunk).toString();
        for (let words = firstRequest(rest); words !== null; words = firstRequest(rest)) {
          rest = rest.slice(encodeRequest(words).length);
          sent.push(words);
          socket.write(reply);
        }
      },
    },
  });
  await load(server.port, filling);
  expect(rest).toBe("");
  return sent;
}

/** The words of the request that the text begins with, if it is whole; none holds a line break. */
function firstRequest(text: string): string[] | null {
  const lines = text.split("\r\n");
  const end = 1 + 2 * Number(lines[0].slice(1));
  if (lines.length <= end) return null;
  return lines.slice(1, end).filter((_, index) => index % 2 === 1);
}
