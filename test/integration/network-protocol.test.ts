/**
 * What clients send, over sockets: the same bytes must come back from Pedis and redis-server,
 * and the connection must end alike, however the request is cut.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { findOracle } from "../support/oracle.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";
import {
  LONG_VECTORS,
  type RequestVector,
  SHORT_VECTORS,
} from "../unit/protocol/request-vectors.ts";

const oracle = findOracle();
const PROGRAMS: readonly Program[] = oracle === null ? [PEDIS] : [PEDIS, oracle];
/** What is not told by the vector's problem: these end the connection, too. */
const ENDING = /^(QUIT|POST|host:)/im;
const MORE: readonly string[] = [
  "QUIT\r\nPING\r\n",
  "PING\r\nQUIT\r\nPING\r\n",
  "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPING\r\n",
  "hOsT: x\r\nPING\r\n",
  "*1\r\n$4\r\npost\r\nPING\r\n",
  "SET k v\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
  "nosuch 'a b' \"\\x00\\xff\"\r\n",
  "*3\r\n$6\r\nnosuch\r\n$2\r\n\r\n\r\n$0\r\n\r\n",
];
const VECTORS = [
  ...SHORT_VECTORS,
  ...MORE.map((sent): RequestVector => ({ sent, requests: [], problem: null })),
];
const PIECE_PAUSE_MS = 2;
const PARALLEL = 40;

let servers: ServerProcess[] = [];

beforeAll(async () => {
  servers = await Promise.all(PROGRAMS.map((program) => startServer({ program })));
});

afterAll(async () => {
  for (const server of servers) await server[Symbol.asyncDispose]();
});

/**
 * All that comes back to these pieces. Where the server is not to end the connection, our side
 * half-closes it after the last piece; the server then ends it, once everything is answered.
 */
function play(server: ServerProcess, pieces: readonly string[], endsItself: boolean) {
  return new Promise<string>((resolve, reject) => {
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    let received = "";
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`${server.program.name} did not end the connection; ${received}`));
    }, 20_000);
    const finish = (how: string) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(`${received}<${how}>`);
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.on("end", () => finish("end"));
    // What is still to be sent may meet a closed connection.
    socket.on("error", () => finish("end"));
    const send = async (): Promise<void> => {
      for (const piece of pieces) {
        socket.write(piece, "latin1");
        if (pieces.length > 1) await Bun.sleep(PIECE_PAUSE_MS);
      }
      if (!endsItself) socket.end();
    };
    socket.on("connect", () => void send());
  });
}

async function expectAlike(vector: RequestVector, pieces: readonly string[]): Promise<void> {
  const endsItself = vector.problem !== null || ENDING.test(vector.sent);
  const [pedis = "", redis = pedis] = await Promise.all(
    servers.map((server) => play(server, pieces, endsItself)),
  );
  const sent = JSON.stringify(pieces).slice(0, 300);
  expect(`${sent} → ${pedis}`).toBe(`${sent} → ${redis}`);
  if (vector.problem === null) return;
  const problem = vector.problem.replace(/[\r\n]/g, " ");
  expect(pedis).toEndWith(`-ERR Protocol error: ${problem}\r\n<end>`);
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const work = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}

describe("what clients send is answered as redis-server does", () => {
  test("in one piece", async () => {
    await inParallel([...VECTORS, ...LONG_VECTORS], (vector) => expectAlike(vector, [vector.sent]));
  });

  test("byte by byte", async () => {
    await inParallel(VECTORS, (vector) => expectAlike(vector, Array.from(vector.sent)));
  });

  test("cut at every position", async () => {
    const cuts = VECTORS.flatMap((vector) =>
      Array.from({ length: vector.sent.length - 1 }, (_, i) => ({ vector, at: i + 1 })),
    );
    await inParallel(cuts, ({ vector, at }) =>
      expectAlike(vector, [vector.sent.slice(0, at), vector.sent.slice(at)]),
    );
  });
});

test("a client that has not authenticated is told of limits in the same words", async () => {
  const protectedServers = await Promise.all(
    PROGRAMS.map((program) => startServer({ program, directives: ["requirepass secret"] })),
  );
  const unprotected = servers;
  servers = protectedServers;
  try {
    const vectors: readonly RequestVector[] = [
      { sent: "*11\r\n", requests: [], problem: "unauthenticated multibulk length" },
      { sent: "*1\r\n$16385\r\n", requests: [], problem: "unauthenticated bulk length" },
      { sent: "*10\r\n$4\r\nPING\r\n", requests: [], problem: null },
      { sent: "PING\r\nGET k\r\nnosuch\r\n", requests: [], problem: null },
      { sent: "AUTH secret\r\n*11\r\n$3\r\nDEL\r\n", requests: [], problem: null },
      { sent: "AUTH wrong\r\nPING\r\nAUTH secret\r\nPING\r\n", requests: [], problem: null },
    ];
    await inParallel(vectors, (vector) => expectAlike(vector, [vector.sent]));
  } finally {
    servers = unprotected;
    for (const server of protectedServers) await server[Symbol.asyncDispose]();
  }
});
