/**
 * The README's recipe for moving from Redis to Pedis and back, run as it is written there: only the
 * addresses are the test's. A writer and a reader are busy all the time; no request of theirs may
 * fail that is not mended by making it again, and no write may be lost.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { readmeBlock } from "../support/recipe.ts";
import { RespClient } from "../support/resp-client.ts";
import { freePort, PEDIS, type ServerProcess, startServer } from "../support/server.ts";
import { findSentinel, PRIMARY_NAME, startSentinels, until } from "../support/sentinels.ts";
import { SentinelRequester, SwitchingRequester, Traffic } from "./_traffic.ts";

const oracle = findOracle();
const hasSentinel = findSentinel() !== null;
const LIMIT_MS = 60_000;
const REQUESTS = 200;
const TEST_TIMEOUT_MS = 180_000;
const PASSWORD = "open sesame";
const report: string[] = [];

afterAll(() => {
  for (const line of report) console.log(line);
});

/** A Redis that runs, a Pedis to be, and a shell that has the recipe's helpers. */
class Move implements AsyncDisposable {
  readonly redis: ServerProcess;
  readonly pedisPort: number;
  private readonly password: string;
  private readonly dir = mkdtempSync(join(tmpdir(), "moving-"));

  constructor(redis: ServerProcess, pedisPort: number, password: string) {
    this.redis = redis;
    this.password = password;
    this.pedisPort = pedisPort;
    const path = join(this.dir, "pedis-server");
    const command = PEDIS.command.map((word) => `'${word}'`).join(" ");
    writeFileSync(path, `#!/bin/sh\nexec ${command} "$@" --enable-debug-command yes\n`);
    chmodSync(path, 0o755);
  }

  /** `password`: that of both servers; none where it is empty. */
  static async begin(password: string): Promise<Move> {
    if (oracle === null) throw new Error("redis-server is not installed");
    const config = ["enable-debug-command yes", 'save ""', "repl-diskless-sync-delay 0"];
    if (password !== "") config.push(`requirepass "${password}"`, `masterauth "${password}"`);
    return new Move(await startServer({ program: oracle, config }), await freePort(), password);
  }

  /** Runs the README's block of this name and gives what it prints, trimmed. */
  async run(name: string, isSwapped = false, edit = (text: string) => text): Promise<string> {
    const ports = [this.redis.port, this.pedisPort];
    const [oldPort, newPort] = isSwapped ? ports.toReversed() : ports;
    const addresses = [
      `OLD_HOST=127.0.0.1 OLD_PORT=${oldPort}`,
      `NEW_HOST=127.0.0.1 NEW_PORT=${newPort} NEW_DIR='${join(this.dir, "data")}'`,
    ];
    expect(namesSet(addresses.join("\n"))).toEqual(namesSet(readmeBlock("moving, addresses")));
    const block = edit(readmeBlock(`moving, ${name}`));
    const script = [...addresses, readmeBlock("moving, helpers"), block].join("\n");
    const shell = Bun.spawn(["bash", "-u"], {
      cwd: this.dir,
      env: this.password === "" ? process.env : { ...process.env, REDISCLI_AUTH: this.password },
      stdin: Buffer.from(script),
      stdout: "pipe",
      stderr: "pipe",
    });
    const timer = setTimeout(() => shell.kill("SIGKILL"), LIMIT_MS);
    const output = await Promise.all([shell.stdout.text(), shell.stderr.text()]);
    clearTimeout(timer);
    if (shell.signalCode !== null) throw new Error(`"${name}" does not end:\n${this.log()}`);
    return output.join("").trim();
  }

  async connect(port: number): Promise<RespClient> {
    const client = await RespClient.connect({ port });
    if (this.password !== "") await client.value("AUTH", this.password);
    return client;
  }

  log(): string {
    return `${this.redis.log}\n${readFileSync(join(this.dir, "data", "pedis.log"), "utf8")}`;
  }

  /** Waits until the contents of both are the same, and compares them. */
  async expectSameContent(): Promise<void> {
    await using redis = await this.connect(this.redis.port);
    await using pedis = await this.connect(this.pedisPort);
    let digests: unknown[] = [];
    await until(
      async () => {
        digests = [await redis.value("DEBUG DIGEST"), await pedis.value("DEBUG DIGEST")];
        return digests[0] === digests[1];
      },
      () => `The contents differ: ${digests.join(" ")}`,
      LIMIT_MS,
    );
    expect(digests[0]).toMatch(/^[0-9a-f]{40}$/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      process.kill(Number(readFileSync(join(this.dir, "data", "pedis.pid"), "utf8")), "SIGKILL");
    } catch {
      // It has ended, or never begun.
    }
    await this.redis[Symbol.asyncDispose]();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

describe.skipIf(oracle === null)("From Redis to Pedis and back (needs redis-server)", () => {
  test("FAILOVER, with clients that know both", walkOver, TEST_TIMEOUT_MS);
  test.skipIf(!hasSentinel)(
    "by Sentinel (needs redis-sentinel)",
    walkWithSentinel,
    TEST_TIMEOUT_MS,
  );
});

async function walkOver(): Promise<void> {
  await using move = await Move.begin(PASSWORD);
  const ports = [move.redis.port, move.pedisPort];
  const [writer, reader] = [0, 1].map(() => new SwitchingRequester(ports, PASSWORD));
  const traffic = new Traffic(writer, reader);
  await traffic.start();
  try {
    await traffic.goesOn(REQUESTS);
    expect(await move.run("before")).toBe("");
    expect(await move.run("replica", false, withPassword)).toMatch(/^\d+ of \d+ bytes$/);
    await traffic.goesOn(REQUESTS);
    expect(await move.run("change")).toBe("OK\nmaster");
    await traffic.goesOn(REQUESTS);
    reader.goTo(1);
    await traffic.goesOn(REQUESTS);
    expect(traffic.retried).toBeGreaterThan(0);
    report.push(`to Pedis: ${traffic.summary}`);

    expect(await move.run("before going back")).toBe("");
    expect(await move.run("back")).toBe("OK\nmaster");
    reader.goTo(0);
    await traffic.goesOn(REQUESTS);
    report.push(`and back: ${traffic.summary}`);
  } finally {
    await traffic.stop();
  }
  expect(traffic.failures).toEqual([]);
  await using redis = await move.connect(move.redis.port);
  expect(await traffic.lost(redis)).toEqual([]);
  await move.expectSameContent();
  // Each went on where the other had been; only at the beginning a snapshot was sent.
  expect(move.log().match(/Full resync from master/g)).toHaveLength(1);
}

async function walkWithSentinel(): Promise<void> {
  await using move = await Move.begin("");
  await using sentinels = await startSentinels({ primaryPort: move.redis.port });
  const { addresses } = sentinels;
  const traffic = new Traffic(
    new SentinelRequester(addresses, PRIMARY_NAME),
    new SentinelRequester(addresses, PRIMARY_NAME),
  );
  const edit = (text: string): string =>
    replaced(replaced(text, "-p 26379", `-p ${addresses[0].port}`), "mymaster", PRIMARY_NAME);
  await traffic.start();
  try {
    await move.run("replica");
    await sentinels.settled(1, LIMIT_MS);
    for (const isSwapped of [false, true]) {
      expect(await move.run("with Sentinel", isSwapped, edit)).toMatch(/^OK\nOK\nOK\n\d+\nOK$/);
      await traffic.goesOn(REQUESTS);
      report.push(`${isSwapped ? "and back" : "to Pedis"} by Sentinel: ${traffic.summary}`);
      const port = isSwapped ? move.redis.port : move.pedisPort;
      expect(await sentinels.primaryPorts()).toEqual([port, port, port]);
      await sentinels.settled(1, LIMIT_MS);
    }
  } finally {
    await traffic.stop();
  }
  expect(traffic.failures).toEqual([]);
  await using redis = await move.connect(move.redis.port);
  expect(await traffic.lost(redis)).toEqual([]);
  await move.expectSameContent();
}

/** What the recipe says to add to Pedis's options. */
function withPassword(text: string): string {
  const options = `--requirepass '${PASSWORD}' --masterauth '${PASSWORD}'`;
  return replaced(text, "./pedis-server ", `./pedis-server ${options} `);
}

/** The names of the variables that shell text sets. */
function namesSet(text: string): string[] {
  return Array.from(text.matchAll(/(\w+)=/g), ([, name]) => name);
}

function replaced(text: string, part: string, by: string): string {
  if (!text.includes(part)) throw new Error(`README.md has no ${part}`);
  return text.replaceAll(part, by);
}
