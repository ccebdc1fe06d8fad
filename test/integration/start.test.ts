/** Starting and ending the program: refusals, files, signals, log lines. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";
import { RespClient } from "../support/resp-client.ts";
import { freePort, PEDIS, startServer } from "../support/server.ts";

const LIMIT_MS = 20_000;
const dir = mkdtempSync(join(tmpdir(), "pedis-start-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function start(args: readonly string[], input = ""): Promise<{ code: number; text: string }> {
  const child = Bun.spawn([...PEDIS.command, ...args], {
    cwd: dir,
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const texts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  return { code: await child.exited, text: (await Promise.all(texts)).join("") };
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + LIMIT_MS;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`It never came to this: ${isSo.toString()}`);
    await Bun.sleep(20);
  }
}

/** A connection to a server that is about to listen. */
async function connected(port: number): Promise<RespClient> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const client = await RespClient.connect({ port }).catch(() => null);
    if (client !== null) return client;
    if (Date.now() > deadline) throw new Error("It did not start");
    await Bun.sleep(20);
  }
}

test.each([
  [["--nosuch", "1"], "Bad directive or wrong number of arguments"],
  [["--port", "abc"], "argument couldn't be parsed into an integer"],
  [["--port", "65536"], "argument must be between 0 and 65535 inclusive"],
  [["--maxmemory", "1x"], "argument must be a memory value"],
  [["--dir", "/nosuch/dir"], "No such file or directory"],
  [["/nosuch/file.conf"], "Fatal error, can't open config file"],
  [["--port", "0"], "Configured to not listen anywhere, exiting."],
  [["--sentinel"], "Sentinel mode is not supported"],
])("%j is refused with a reason", async (args, reason) => {
  const { code, text } = await start(args);
  expect(text).toContain(reason);
  expect(code).toBe(1);
});

test("a line of a file that is wrong is named by its number", async () => {
  const file = join(dir, "bad.conf");
  writeFileSync(file, "# a comment\nport 0\n\ntimeout soon\n");
  const { code, text } = await start([file]);
  expect(text).toContain("*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***");
  expect(text).toContain("Reading the configuration file, at line 4\n>>> 'timeout soon'");
  expect(code).toBe(1);
});

test("a port that is taken is a reason to end", async () => {
  await using server = await startServer();
  const { code, text } = await start(["--port", String(server.port), "--bind", "127.0.0.1"]);
  expect(text).toContain(`Failed listening on port ${server.port} (tcp), aborting.`);
  expect(code).toBe(1);
});

test("--version and --help", async () => {
  expect((await start(["--version"])).text).toMatch(/^Redis server v=7\.2\.4 .*\n$/);
  expect((await start(["-h"])).text).toContain("Usage: ./pedis-server");
});

test("file, standard input and options are read in this order", async () => {
  const port = await freePort();
  const included = join(dir, "more.conf");
  writeFileSync(included, 'requirepass "a \\"b\\""\n');
  const file = join(dir, "good.conf");
  writeFileSync(file, `port 1\ntimeout 5\ninclude ${included}\nlogfile start.log\n`);
  const child = Bun.spawn(
    [...PEDIS.command, file, "--port", String(port), "--pidfile", join(dir, "pid"), "-"],
    { cwd: dir, stdin: Buffer.from("timeout 7\n"), stdout: "ignore", stderr: "pipe" },
  );
  const log = join(dir, "start.log");
  const isUp = (): boolean =>
    existsSync(log) && readFileSync(log, "utf8").includes("Ready to accept connections tcp");
  await until(isUp);
  const lines = readFileSync(log, "utf8");
  expect(lines).toMatch(/^\d+:C \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3} \* oO0OoO0OoO0Oo Redis is/m);
  expect(lines).toMatch(/^\d+:M .* Server initialized$/m);
  expect(readFileSync(join(dir, "pid"), "utf8")).toBe(`${child.pid}\n`);
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  expect(readFileSync(log, "utf8")).toContain("Received SIGTERM scheduling shutdown...");
  expect(existsSync(join(dir, "pid"))).toBe(false);
});

test("always-show-logo names the process for those who wait for it", async () => {
  await using server = await startServer({ directives: ["always-show-logo yes"] });
  await server.waitForLog(new RegExp(`PID: ${server.pid}\\b`));
  expect(await server.stop("SIGINT")).toBe(0);
});

test("a daemon outlives its parent and can be ended by its pid file", async () => {
  const port = await freePort();
  const pidFile = join(dir, "daemon.pid");
  const args = ["--daemonize", "yes", "--port", String(port), "--pidfile", pidFile];
  const { code } = await start(args);
  expect(code).toBe(0);
  // An empty one would stand for process group 0, which is that of the test.
  await until(() => existsSync(pidFile) && /^\d+\n$/.test(readFileSync(pidFile, "utf8")));
  const pid = Number(readFileSync(pidFile, "utf8"));
  expect(process.kill(pid, 0)).toBe(true);
  process.kill(pid, "SIGTERM");
  await until(() => !existsSync(pidFile));
});

test("CONFIG REWRITE keeps comments and order, and a restart reads it back", async () => {
  const file = join(dir, "rewrite.conf");
  const port = await freePort();
  writeFileSync(file, `# mine\nport ${port}\n# about time\ntimeout 0\n`);
  const child = Bun.spawn([...PEDIS.command, file], { cwd: dir, stdout: "ignore" });
  {
    await using client = await connected(port);
    expect(await client.value("CONFIG", "SET", "timeout", "99")).toBe("OK");
    expect(await client.value("CONFIG", "REWRITE")).toBe("OK");
  }
  child.kill("SIGTERM");
  expect(await child.exited).toBe(0);
  const text = readFileSync(file, "utf8");
  expect(text.startsWith(`# mine\nport ${port}\n# about time\ntimeout 99\n`)).toBe(true);
});

test("what is written with all defaults is what a start reads", async () => {
  await using server = await startServer({ config: ['save "60 1"', "enable-debug-command yes"] });
  const configuration = () => server.withClient((client) => client.value("CONFIG GET *"));
  const before = await configuration();
  expect(await server.withClient((client) => client.value("DEBUG CONFIG-REWRITE-FORCE-ALL"))).toBe(
    "OK",
  );
  expect(readFileSync(join(server.dir, "server.conf"), "utf8")).toContain("\nrepl-timeout 60\n");
  await server.stop();
  await server.start();
  expect(await configuration()).toEqual(before);
});

test("a log that can't be written is no reason to end", async () => {
  const port = await freePort();
  const child = Bun.spawn([...PEDIS.command, "--port", String(port), "--save", ""], {
    cwd: dir,
    stdin: "ignore",
    stdout: Bun.file("/dev/full"),
    stderr: "ignore",
  });
  try {
    let client: RespClient | null = null;
    while (client === null && child.exitCode === null) {
      client = await RespClient.connect({ port }).catch(() => Bun.sleep(20).then(() => null));
    }
    expect(await client?.value("PING")).toBe("PONG");
    await client?.close();
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
});
