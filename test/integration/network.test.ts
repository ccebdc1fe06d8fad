/** Where a server listens, whom it lets in, and how it treats connections that come and go. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { findOracle } from "../support/oracle.ts";
import { encodeRequest, ReplyError, RespClient } from "../support/resp-client.ts";
import { freePort, type ServerProcess, startServer } from "../support/server.ts";

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const outerAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
const oracle = findOracle();

async function ping(host: string, port: number): Promise<unknown> {
  await using client = await RespClient.connect({ port, host });
  return await client.value("PING");
}

function refusal(host: string, port: number): Promise<string> {
  return ping(host, port).then(String, (problem: { code?: string }) => problem.code ?? "");
}

/** What the server sends to one who only connects, until it closes. */
function greeting(host: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
  });
}

/** The kernel's timer of the server's end of the connection from `clientPort`. */
function kernelTimer(serverPort: number, clientPort: number): { kind: string; jiffies: number } {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of readFileSync("/proc/net/tcp", "utf8").split("\n")) {
    const [, local = "", remote = "", , , timer = ""] = line.trim().split(/\s+/);
    if (!local.endsWith(`:${hex(serverPort)}`) || !remote.endsWith(`:${hex(clientPort)}`)) continue;
    const [kind = "", left = ""] = timer.split(":");
    return { kind, jiffies: Number.parseInt(left, 16) };
  }
  throw new Error("No such connection");
}

describe("bind", () => {
  test("several addresses", async () => {
    await using server = await startServer({ directives: ["bind 127.0.0.1 127.0.0.2"] });
    expect(await ping("127.0.0.1", server.port)).toBe("PONG");
    expect(await ping("127.0.0.2", server.port)).toBe("PONG");
    expect(await refusal("127.0.0.3", server.port)).toBe("ECONNREFUSED");
  });

  test.skipIf(!hasIpv6)("IPv6 beside IPv4, of all addresses by default", async () => {
    await using server = await startServer();
    expect(await ping("127.0.0.1", server.port)).toBe("PONG");
    await using client = await RespClient.connect({ port: server.port, host: "::1" });
    expect(await client.text("CLIENT INFO")).toMatch(/ addr=\[::1\]:\d+ laddr=\[::1\]:\d+ /);
  });

  test.skipIf(!hasIpv6)("only IPv6", async () => {
    const port = await freePort();
    await using server = await startServer({
      directives: ["bind ::1", `port ${port}`],
      address: { port, host: "::1" },
    });
    expect(server.isRunning).toBe(true);
    expect(await refusal("127.0.0.1", port)).toBe("ECONNREFUSED");
  });

  test("an address that may be missing", async () => {
    await using server = await startServer({ directives: ["bind 127.0.0.1 -203.0.113.1"] });
    expect(await ping("127.0.0.1", server.port)).toBe("PONG");
    expect(server.log).toContain(
      `Could not create server TCP listening socket 203.0.113.1:${server.port}: bind: ` +
        "Cannot assign requested address",
    );
  });

  test("CONFIG SET opens and closes listeners; refused, it leaves all as it was", async () => {
    await using server = await startServer({ directives: ["bind 127.0.0.1"] });
    await using client = await server.connect();
    expect(await client.value("CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2")).toBe("OK");
    expect(await ping("127.0.0.2", server.port)).toBe("PONG");
    expect(await client.value("CONFIG", "SET", "bind", "127.0.0.2 203.0.113.1")).toEqual(
      new ReplyError(
        "ERR CONFIG SET failed (possibly related to argument 'bind') - " +
          "Failed to bind to specified addresses.",
      ),
    );
    expect(await client.text("CONFIG GET bind")).toContain("127.0.0.1 127.0.0.2");
    expect(await ping("127.0.0.1", server.port)).toBe("PONG");
    expect(await client.value("CONFIG", "SET", "bind", "127.0.0.2")).toBe("OK");
    expect(await refusal("127.0.0.1", server.port)).toBe("ECONNREFUSED");
    expect(await client.value("PING")).toBe("PONG");
    const port = await freePort();
    expect(await client.value("CONFIG", "SET", "port", String(port))).toBe("OK");
    expect(await ping("127.0.0.2", port)).toBe("PONG");
    expect(await refusal("127.0.0.2", server.port)).toBe("ECONNREFUSED");
  });
});

describe("a unix socket", () => {
  const dir = mkdtempSync(join(tmpdir(), "pedis-unix-"));
  const path = join(dir, "pedis.sock");
  afterAll(() => rmSync(dir, { recursive: true }));

  test("alone, with its mode, and gone when the server has ended", async () => {
    await Bun.write(path, "left by an earlier process");
    await using server = await startServer({
      directives: ["port 0", `unixsocket ${path}`, "unixsocketperm 700"],
      address: { path },
    });
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(await refusal("127.0.0.1", server.port)).toBe("ECONNREFUSED");
    await server.withClient(async (client) => {
      expect(await client.text("CLIENT INFO")).toContain(` addr=${path}:0 laddr=${path}:0 `);
    });
    expect(server.log).toContain("Ready to accept connections unix");
    expect(server.log).not.toContain("Ready to accept connections tcp");
    expect(await server.stop()).toBe(0);
    expect(readdirSync(dir)).not.toContain("pedis.sock");
  });
});

describe("protected-mode", () => {
  test.skipIf(outerAddress === undefined)(
    "turns away whoever comes from elsewhere, in redis-server's words",
    async () => {
      const programs = oracle === null ? [undefined] : [undefined, oracle];
      const texts = await Promise.all(
        programs.map(async (program) => {
          await using server = await startServer(program === undefined ? {} : { program });
          const text = await greeting(outerAddress ?? "", server.port);
          await server.withClient((client) => client.do("CONFIG SET protected-mode no"));
          expect(await ping(outerAddress ?? "", server.port)).toBe("PONG");
          return text;
        }),
      );
      expect(texts[0]).toStartWith("-DENIED Redis is running in protected mode");
      expect(new Set(texts).size).toBe(1);
    },
  );
});

describe("connections", () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await startServer({ directives: ['save ""'] });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("maxclients, in redis-server's words", async () => {
    for (const program of oracle === null ? [undefined] : [undefined, oracle]) {
      await using limited = await startServer({
        ...(program === undefined ? {} : { program }),
        directives: ["maxclients 3"],
      });
      const clients = await Promise.all([limited.connect(), limited.connect(), limited.connect()]);
      for (const client of clients) expect(await client.value("PING")).toBe("PONG");
      expect(await greeting("127.0.0.1", limited.port)).toBe(
        "-ERR max number of clients reached\r\n",
      );
      expect(await clients[0]?.text("INFO stats")).toContain("rejected_connections:1");
      await clients[2]?.close();
      expect(await ping("127.0.0.1", limited.port)).toBe("PONG");
      for (const client of clients) await client.close();
    }
  });

  test("timeout closes idle clients, and only those", async () => {
    await using idle = await server.connect();
    await using busy = await server.connect();
    await busy.do("CONFIG SET timeout 1");
    const startMs = Date.now();
    let isOver = false;
    void idle.closed.then(() => (isOver = true));
    while (!isOver && Date.now() - startMs < 5000) {
      await busy.do("PING");
      await Bun.sleep(50);
    }
    const tookMs = Date.now() - startMs;
    await busy.do("CONFIG SET timeout 0");
    expect(isOver).toBe(true);
    expect(tookMs).toBeGreaterThan(900);
    expect(await busy.value("PING")).toBe("PONG");
  });

  test("tcp-keepalive", async () => {
    await using client = await server.connect();
    for (const [seconds, kind] of [
      [300, "02"],
      [77, "02"],
      [0, "00"],
    ] as const) {
      await client.do("CONFIG", "SET", "tcp-keepalive", String(seconds));
      await using probe = await server.connect();
      const clientPort = Number(/ addr=[\d.]+:(\d+) /.exec(await probe.text("CLIENT INFO"))?.[1]);
      await Bun.sleep(20);
      const timer = kernelTimer(server.port, clientPort);
      expect(timer.kind).toBe(kind);
      // In hundredths of a second, counting down.
      if (seconds > 0) {
        expect(timer.jiffies).toBeLessThanOrEqual(seconds * 100);
        expect(timer.jiffies).toBeGreaterThan(seconds * 100 - 1000);
      }
    }
  });

  test("a peer that half-closes after a large pipeline gets all replies", async () => {
    await using client = await server.connect();
    await client.do("SET", "large", Buffer.alloc(100_000, "x"));
    const count = 500;
    const request = Buffer.from(encodeRequest(["GET", "large"]));
    const received = await new Promise<number>((resolve, reject) => {
      const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
      let bytes = 0;
      socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      socket.on("error", reject);
      socket.on("end", () => resolve(bytes));
      socket.write(Buffer.concat(Array.from({ length: count }, () => request)));
      socket.end();
      // Not reading for a while: the replies fill what the kernel holds.
      socket.pause();
      setTimeout(() => socket.resume(), 200);
    });
    expect(received).toBe(count * ("$100000\r\n".length + 100_000 + 2));
  });

  test("QUIT ends the connection when all before it has been received", async () => {
    await using client = await server.connect();
    await client.do("SET", "large", Buffer.alloc(1_000_000, "x"));
    const received = await new Promise<Buffer>((resolve, reject) => {
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("error", reject);
      socket.on("close", () => resolve(Buffer.concat(chunks)));
      socket.write("GET large\r\n".repeat(30) + "QUIT\r\n" + "SET after quit\r\n".repeat(1000));
      socket.pause();
      setTimeout(() => socket.resume(), 200);
    });
    expect(received.length).toBe(30 * ("$1000000\r\n".length + 1_000_000 + 2) + "+OK\r\n".length);
    expect(received.subarray(-7).toString()).toBe("\r\n+OK\r\n");
    expect(await client.value("EXISTS after")).toBe(0);
  });

  test("a client that ignores the end is forgotten all the same", async () => {
    await using client = await server.connect();
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    const ended = new Promise<void>((resolve) => socket.on("end", resolve));
    socket.on("data", () => {});
    socket.write("CLIENT SETNAME lingering\r\nQUIT\r\n");
    await ended;
    const deadline = Date.now() + 10_000;
    while ((await client.text("CLIENT LIST")).includes("name=lingering")) {
      expect(Date.now()).toBeLessThan(deadline);
      await Bun.sleep(100);
    }
    socket.destroy();
  }, 15_000);

  test("CLIENT KILL lets a peer read what it was sent before", async () => {
    await using client = await server.connect();
    const received = await new Promise<string>((resolve, reject) => {
      const socket = connect({ port: server.port, host: "127.0.0.1" });
      let text = "";
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
      socket.write("ECHO last\r\n");
      socket.pause();
      setTimeout(async () => {
        await client.do("CLIENT", "KILL", "ADDR", `127.0.0.1:${socket.localPort}`);
        socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
        socket.resume();
      }, 100);
    });
    expect(received).toBe("$4\r\nlast\r\n");
  });

  test("many that open and close leave nothing behind", async () => {
    const openFiles = () => readdirSync(`/proc/${server.pid}/fd`).length;
    const once = async (i: number) => {
      const client = await server.connect();
      await client.do("PING");
      if (i % 4 === 1) client.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\nabc");
      if (i % 4 === 2) client.send("QUIT\r\n");
      if (i % 4 === 3) client.send("*x\r\n");
      if (i % 4 > 1) await client.closed;
      else await client.close();
    };
    const many = async (count: number) => {
      for (let i = 0; i < count; i += 50) {
        await Promise.all(Array.from({ length: 50 }, (_, j) => once(i + j)));
      }
    };
    await many(1000);
    const filesBefore = openFiles();
    const residentBefore = server.residentBytes();
    await many(4000);
    await Bun.sleep(100);
    expect(openFiles()).toBeLessThanOrEqual(filesBefore + 5);
    expect(server.residentBytes() - residentBefore).toBeLessThan(24 * 1024 * 1024);
    await using client = await server.connect();
    expect(await client.text("INFO clients")).toContain("connected_clients:1\r\n");
  }, 60_000);
});
