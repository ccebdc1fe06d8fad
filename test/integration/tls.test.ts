/** TLS: who is let in, with which clients, and how the configuration changes under way. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type ConnectionOptions } from "node:tls";
import { Redis } from "ioredis";
import { findOracle } from "../support/oracle.ts";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import {
  freePort,
  PEDIS,
  type Program,
  runToExit,
  type ServerProcess,
  startServer,
} from "../support/server.ts";

const redisCli = Bun.which("redis-cli");
const openssl = Bun.which("openssl");
const dir = mkdtempSync(join(tmpdir(), "pedis-tls-"));
const file = (name: string): string => join(dir, name);

function run(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([openssl ?? "openssl", ...args], { cwd: dir });
  if (exitCode !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr.toString()}`);
}

function makeAuthority(name: string): void {
  run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
  const subject = ["-subj", `/CN=${name}`, "-days", "10", "-out", `${name}.crt`];
  run("req", "-x509", "-new", "-key", `${name}.key`, ...subject);
}

/** A certificate for localhost that the authority has signed. */
function makeCertificate(name: string, authority: string): void {
  run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", `${name}.key`);
  run("req", "-new", "-key", `${name}.key`, "-subj", "/CN=localhost", "-out", `${name}.csr`);
  const signer = ["-CA", `${authority}.crt`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
  run("x509", "-req", "-in", `${name}.csr`, ...signer, "-days", "10", "-out", `${name}.crt`);
}

if (openssl !== null) {
  makeAuthority("authority");
  makeAuthority("stranger");
  makeCertificate("server", "authority");
  makeCertificate("client", "authority");
  makeCertificate("second", "authority");
  makeCertificate("foreign", "stranger");
  run("ec", "-in", "server.key", "-aes256", "-passout", "pass:open sesame", "-out", "locked.key");
}
afterAll(() => rmSync(dir, { recursive: true }));

const FILES = [
  `tls-cert-file ${file("server.crt")}`,
  `tls-key-file ${file("server.key")}`,
  `tls-ca-cert-file ${file("authority.crt")}`,
];

interface TlsServer extends AsyncDisposable {
  readonly port: number;
  readonly process: ServerProcess;
  readonly plain: RespClient;
}

async function startTls(...directives: string[]): Promise<TlsServer> {
  return await startProgram(PEDIS, ...directives);
}

async function startProgram(program: Program, ...directives: string[]): Promise<TlsServer> {
  const port = await freePort();
  const process = await startServer({ program, directives: [`tls-port ${port}`, ...directives] });
  const plain = await process.connect();
  return { port, process, plain, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

interface Attempt {
  /** The certificate that the client shows. */
  readonly cert?: string;
  readonly protocol?: "TLSv1.2" | "TLSv1.3";
  readonly ciphers?: string;
  readonly sent?: string;
  /** Half-closes after sending. */
  readonly ends?: boolean;
}

/** All that comes back until the server closes, or "refused". */
function talk(port: number, attempt: Attempt = {}): Promise<string> {
  const { cert, protocol, ciphers, sent = "PING\r\nQUIT\r\n", ends = false } = attempt;
  return new Promise((resolve) => {
    const options: ConnectionOptions = {
      port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: readFileSync(file("authority.crt")),
    };
    if (cert !== undefined) {
      options.cert = readFileSync(file(`${cert}.crt`));
      options.key = readFileSync(file(`${cert}.key`));
    }
    if (protocol !== undefined) options.minVersion = options.maxVersion = protocol;
    if (ciphers !== undefined) options.ciphers = ciphers;
    const socket = connect({ ...options, allowHalfOpen: true } as ConnectionOptions);
    let received = "";
    socket.on("secureConnect", () => {
      socket.write(sent);
      if (ends) socket.end();
    });
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    socket.on("close", () => resolve(received === "" ? "refused" : received));
  });
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("It never came to this");
    await Bun.sleep(10);
  }
}

/** Whether nobody else is connected; who has closed may be there for a moment. */
async function isAlone(client: RespClient): Promise<boolean> {
  return (await client.text("INFO clients")).includes("connected_clients:1\\r");
}

const SERVED = "+PONG\r\n+OK\r\n";

describe.skipIf(openssl === null)("TLS (needs openssl, to make certificates)", () => {
  test.each([
    ["no", undefined, SERVED],
    ["no", "foreign", SERVED],
    ["yes", undefined, "refused"],
    ["yes", "foreign", "refused"],
    ["yes", "client", SERVED],
    ["optional", undefined, SERVED],
    ["optional", "foreign", "refused"],
    ["optional", "client", SERVED],
  ] as const)("tls-auth-clients %s, a client that shows %s", async (asks, cert, expected) => {
    await using server = await startTls(...FILES, `tls-auth-clients ${asks}`);
    expect(await talk(server.port, cert === undefined ? {} : { cert })).toBe(expected);
    await server.process.waitForLog(/Ready to accept connections tls/);
    expect(await server.plain.value("PING")).toBe("PONG");
    await until(() => isAlone(server.plain));
  });

  const replicates = async (program: Program): Promise<void> => {
    await using primary = await startProgram(program, ...FILES, "repl-diskless-sync-delay 0");
    await using replica = await startTls(...FILES, "tls-replication yes");
    const isConnected = async (): Promise<boolean> =>
      ((await replica.plain.value("ROLE")) as string[])[3] === "connected";
    await primary.plain.do("SET k v");
    await replica.plain.do("REPLICAOF", "127.0.0.1", primary.port);
    await until(isConnected);
    expect(await replica.plain.value("GET k")).toBe("v");
    expect(await primary.plain.value("INFO replication")).toContain(`port=${replica.port},state`);
    // Nobody answers there who speaks TLS.
    await replica.plain.do("REPLICAOF", "127.0.0.1", primary.process.port);
    await Bun.sleep(300);
    expect(await isConnected()).toBe(false);
    await replica.plain.do("CONFIG SET tls-replication no");
    await replica.plain.do("REPLICAOF NO ONE");
    await replica.plain.do("REPLICAOF", "127.0.0.1", primary.process.port);
    await until(isConnected);
  };
  const oracle = findOracle();
  test("a replica of Pedis, where tls-replication says so", () => replicates(PEDIS));
  test.skipIf(oracle === null)("one of redis-server (which must be installed)", () =>
    replicates(oracle ?? PEDIS),
  );

  test("MIGRATE, where tls-cluster says so, only to whom an authority vouches for", async () => {
    await using source = await startTls(...FILES, "tls-cluster yes");
    await using target = await startTls(...FILES);
    const stranger = [
      `tls-cert-file ${file("foreign.crt")}`,
      `tls-key-file ${file("foreign.key")}`,
    ];
    await using other = await startTls(...FILES, ...stranger, "tls-auth-clients no");
    const { plain } = source;
    const migrate = (port: number, timeoutMs = 5000): Promise<unknown> =>
      plain.value(`MIGRATE 127.0.0.1 ${port} k 0 ${timeoutMs}`);
    const unreachable = new ReplyError("IOERR error or timeout connecting to the client");
    await plain.do("SET k v");
    expect(await migrate(other.port)).toEqual(unreachable);
    // It waits for the end of a line, this side for a handshake.
    expect(await migrate(target.process.port, 200)).toEqual(unreachable);
    expect(await migrate(target.port)).toBe("OK");
    expect(await plain.value("EXISTS k")).toBe(0);
    expect(await target.plain.value("GET k")).toBe("v");
    // It shows its own certificate, and another one where it has one for that.
    await plain.do(`CONFIG SET tls-client-key-file ${file("foreign.key")}`);
    await plain.do(`CONFIG SET tls-client-cert-file ${file("foreign.crt")}`);
    await plain.do("SET k v");
    expect(await plain.value(`MIGRATE localhost ${target.port} k 0 5000`)).toBeInstanceOf(
      ReplyError,
    );
    expect(await plain.value("GET k")).toBe("v");
    await plain.do("CONFIG SET tls-cluster no");
    expect(await migrate(target.process.port)).toEqual(
      new ReplyError(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists.",
      ),
    );
  });

  test("a peer that half-closes, and one that quits, get large replies whole", async () => {
    await using server = await startTls(...FILES, "tls-auth-clients no");
    await server.plain.do("SET", "large", Buffer.alloc(1_000_000, "x"));
    const each = "$1000000\r\n".length + 1_000_000 + 2;
    const sent = "GET large\r\n".repeat(30);
    expect(await talk(server.port, { sent, ends: true })).toHaveLength(30 * each);
    const quit = await talk(server.port, { sent: `${sent}QUIT\r\nPING\r\n` });
    expect(quit).toHaveLength(30 * each + "+OK\r\n".length);
  });

  test("maxclients is told in words", async () => {
    await using server = await startTls(...FILES, "tls-auth-clients no");
    expect(await server.plain.value("CONFIG SET maxclients 1")).toBe("OK");
    expect(await talk(server.port)).toBe("-ERR max number of clients reached\r\n");
  });

  test("connections that come and go leave nothing behind", async () => {
    await using server = await startTls(...FILES);
    const openFiles = () => readdirSync(`/proc/${server.process.pid}/fd`).length;
    const attempts: readonly Attempt[] = [
      { cert: "client" },
      { cert: "client", sent: "PING\r\n", ends: true },
      { cert: "client", sent: "*x\r\n" },
      { cert: "foreign" },
      {},
    ];
    const many = async () => {
      for (let i = 0; i < 20; i++) {
        await Promise.all(attempts.map((attempt) => talk(server.port, attempt)));
      }
    };
    await many();
    await until(() => isAlone(server.plain));
    const before = openFiles();
    await many();
    await until(() => isAlone(server.plain));
    await until(() => Promise.resolve(openFiles() <= before + 2));
  }, 60_000);

  test("tls-protocols and tls-ciphers", async () => {
    await using server = await startTls(...FILES, "tls-auth-clients no", "tls-protocols TLSv1.2");
    const { port, plain } = server;
    expect(await talk(port, { protocol: "TLSv1.2" })).toBe(SERVED);
    expect(await talk(port, { protocol: "TLSv1.3" })).toBe("refused");
    expect(await plain.value("CONFIG", "SET", "tls-protocols", "TLSv1.3")).toBe("OK");
    expect(await talk(port, { protocol: "TLSv1.2" })).toBe("refused");
    expect(await talk(port, { protocol: "TLSv1.3" })).toBe(SERVED);
    const one = "ECDHE-ECDSA-AES128-GCM-SHA256";
    const other = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const set = ["tls-protocols", "TLSv1.2 TLSv1.3", "tls-ciphers", one];
    expect(await plain.value("CONFIG", "SET", ...set)).toBe("OK");
    expect(await talk(port, { protocol: "TLSv1.2", ciphers: one })).toBe(SERVED);
    expect(await talk(port, { protocol: "TLSv1.2", ciphers: other })).toBe("refused");
  });

  test("authorities from a directory", async () => {
    const authorities = file("authorities");
    mkdirSync(authorities);
    const hash = Bun.spawnSync([
      "openssl",
      "x509",
      "-hash",
      "-noout",
      "-in",
      file("authority.crt"),
    ]);
    symlinkSync(file("authority.crt"), join(authorities, `${hash.stdout.toString().trim()}.0`));
    const [cert, key] = FILES;
    await using server = await startTls(cert, key, `tls-ca-cert-dir ${authorities}`);
    expect(await talk(server.port, { cert: "client" })).toBe(SERVED);
    expect(await talk(server.port, { cert: "foreign" })).toBe("refused");
  });

  test("a key with a pass phrase", async () => {
    const [cert, , authority] = FILES;
    const locked = `tls-key-file ${file("locked.key")}`;
    const pass = 'tls-key-file-pass "open sesame"';
    await using server = await startTls(cert, locked, authority, "tls-auth-clients no", pass);
    expect(await talk(server.port)).toBe(SERVED);
  });

  test("CONFIG SET changes the certificate; a bad one leaves the old one in place", async () => {
    await using server = await startTls(...FILES, "tls-auth-clients no");
    const { port, plain } = server;
    const shown = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.on("error", reject);
      });
    const first = await shown();
    const second = ["tls-cert-file", file("second.crt"), "tls-key-file", file("second.key")];
    expect(await plain.value("CONFIG", "SET", ...second)).toBe("OK");
    const now = await shown();
    expect(now).not.toBe(first);
    for (const [name, value] of [
      ["tls-cert-file", file("missing.crt")],
      ["tls-cert-file", file("server.crt")],
      ["tls-key-file", file("authority.crt")],
      ["tls-ciphers", "NO-SUCH-CIPHER"],
    ]) {
      expect(await plain.value("CONFIG", "SET", name, value)).toEqual(
        new ReplyError(
          `ERR CONFIG SET failed (possibly related to argument '${name}') - ` +
            "Unable to update TLS configuration. Check server logs.",
        ),
      );
      expect(await shown()).toBe(now);
    }
    expect(await talk(port)).toBe(SERVED);
  });

  test.each([
    ["No tls-cert-file configured!", []],
    ["No tls-key-file configured!", FILES.slice(0, 1)],
    ["Either tls-ca-cert-file or tls-ca-cert-dir must be specified", FILES.slice(0, 2)],
    ["Failed to load certificate: /no/such: No such file", [...FILES, "tls-cert-file /no/such"]],
    ["Failed to load certificate: ", [...FILES, `tls-key-file ${file("client.key")}`]],
    ["Invalid tls-protocols specified.", [...FILES, "tls-protocols SSLv3"]],
  ])("%s", async (problem, directives) => {
    const flags = directives.flatMap((directive) => `--${directive}`.split(" "));
    const port = String(await freePort());
    const report = await runToExit(["--port", "0", "--tls-port", port, ...flags]);
    expect(report.stdout).toContain(problem);
    expect(report.stdout).toContain("Failed to configure TLS. Check logs for more info.");
    expect(report.exitCode).toBe(1);
  });

  test.skipIf(redisCli === null)("redis-cli --tls", async () => {
    await using server = await startTls(...FILES);
    const options = ["--tls", "--cacert", file("authority.crt"), "--sni", "localhost"];
    const shown = ["--cert", file("client.crt"), "--key", file("client.key")];
    const cli = (...args: string[]) => {
      const program = redisCli ?? "redis-cli";
      return runProgram([program, "-p", String(server.port), ...options, ...args]);
    };
    expect(await cli(...shown, "SET", "k", "v")).toBe("OK\n");
    expect(await cli(...shown, "GET", "k")).toBe("v\n");
    expect(await cli("GET", "k")).not.toContain("v\n");
  });

  test("ioredis over TLS", async () => {
    await using server = await startTls(...FILES, "requirepass secret");
    const redis = new Redis({
      port: server.port,
      host: "127.0.0.1",
      password: "secret",
      tls: {
        servername: "localhost",
        ca: readFileSync(file("authority.crt")),
        cert: readFileSync(file("client.crt")),
        key: readFileSync(file("client.key")),
      },
    });
    try {
      const value = "x".repeat(300_000);
      expect(await redis.set("k", value)).toBe("OK");
      const replies = await redis.pipeline().get("k").incr("n").exec();
      expect(replies).toEqual([
        [null, value],
        [null, 1],
      ]);
    } finally {
      redis.disconnect();
    }
  });
});

async function runProgram(command: string[]): Promise<string> {
  const child = Bun.spawn(command, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const output = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  return output.join("");
}
