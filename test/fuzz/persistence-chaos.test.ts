/**
 * Saves, rewrites, switches, flushes, reloads and the end of the server fired at it in any order
 * between changes of all types, now and then with something in the way of their files. Only one
 * connection changes anything, so the digest that it reads says what must be there after the end,
 * whether that is a crash, a signal or SHUTDOWN: with the AOF on everything, else what some save
 * had before it. PEDIS_LONG multiplies the rounds.
 */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainReply } from "../support/readable.ts";
import { type Random, randomFrom, scale, seededRandom } from "../support/random.ts";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import { persistenceField, waitForField } from "../support/saving.ts";
import { type ServerProcess, startServer } from "../support/server.ts";
import { changes, type Command, filling } from "../support/changes.ts";

const ROUNDS = scale(2);
const STEPS_PER_ROUND = 20;
const SETTLE_TIMEOUT_MS = 40_000;
/** For each key: the save lasts until it is taken back. */
const SLOW_SAVE_US = 100_000;
const DIRECTIVES = [
  // FLUSHALL, SIGTERM and SHUTDOWN save; nothing else does by itself.
  "save 3600 100000000",
  "enable-debug-command yes",
  "enable-protected-configs yes",
  "stop-writes-on-bgsave-error no",
  "auto-aof-rewrite-percentage 0",
  "hash-max-listpack-entries 32",
  "list-max-listpack-size 64",
];
const OPTIONS = { keys: 8, hugeSize: 1500, databases: 3, hasFieldExpiry: false };
/** What expires between the digest and the restart. */
const LEFT_OUT = new Set(["PEXPIRE"]);
const EMPTY = "0".repeat(40);
const LARGE_BYTES = 1_300_000;
/** What a server says that has come upon a bug of its own. */
const BUG = /assert|BUG REPORT|TypeError|RangeError|\.ts:\d+/i;

class Chaos {
  readonly history: string[] = [];
  private readonly stream: Generator<Command, never>;
  private readonly random: Random;
  private readonly server: ServerProcess;
  private client: RespClient;
  /** Where files go, where the AOF has stayed, and whether it is on. */
  private dir: string;
  private aofDir: string;
  private isAofOn: boolean;
  private readonly other: string;
  /** Digests before saves into the first directory since the file there was last known. */
  private saved = new Set<string>();

  constructor(random: Random, server: ServerProcess, client: RespClient, isAofOn: boolean) {
    this.random = random;
    this.server = server;
    this.client = client;
    this.isAofOn = isAofOn;
    this.dir = this.aofDir = server.dir;
    this.other = join(server.dir, "other");
    mkdirSync(this.other);
    this.stream = changes(random, OPTIONS);
    this.saved.add(EMPTY);
  }

  async fill(): Promise<void> {
    await this.client.pipeline([...filling(this.random, OPTIONS)]);
    await this.change();
  }

  async step(): Promise<void> {
    await this.change();
    const { random } = this;
    const actions = [
      () => this.save("BGSAVE"),
      () => this.save("BGSAVE"),
      () => this.save("BGSAVE SCHEDULE"),
      () => this.save("SAVE"),
      () => this.save("DEBUG RELOAD"),
      () => this.do("BGREWRITEAOF"),
      () => this.do("BGREWRITEAOF"),
      () => this.switchOn(),
      () => this.switchOff(),
      () => this.reloadAof(),
      () => this.moveDirectory(),
      () => this.flush(),
      () => this.obstruct(),
      () => this.obstruct(),
      () => this.do(`CONFIG SET rdb-key-save-delay ${random.pick([0, 0, 50, 3000])}`),
      () => this.do(`CONFIG SET aof-use-rdb-preamble ${random.pick(["yes", "no"])}`),
      () => this.do(`CONFIG SET appendfsync ${random.pick(["always", "everysec", "no"])}`),
      () => this.shutDownInVain(),
      () => Bun.sleep(random.below(120)),
    ];
    await random.pick(actions)();
    const info = plainReply(await this.client.value("INFO persistence"));
    expect(info).toContain("loading:0");
    expect(this.server.log).not.toMatch(BUG);
  }

  /** Ends the server in some way, starts it again and looks at what it has. */
  async endAndCheck(): Promise<void> {
    if (this.isAofOn) await this.untilAofIsWhole();
    await this.do(`CONFIG SET dir ${this.server.dir}`);
    this.dir = this.server.dir;
    if (this.random.chance(0.5)) await this.do("BGREWRITEAOF");
    if (this.random.chance(0.5)) await this.save("BGSAVE");
    await this.change();
    const digest = await this.digest();
    const isWhole = await this.end(digest);
    const dir = this.isAofOn ? this.aofDir : this.server.dir;
    await this.client[Symbol.asyncDispose]();
    this.clear();
    await this.server.start([`appendonly ${this.isAofOn ? "yes" : "no"}`, `dir ${dir}`]);
    this.client = await this.server.connect();
    const found = await this.digest();
    if (isWhole || !this.saved.has(found)) expect(found).toBe(digest);
    await this.do(`CONFIG SET dir ${this.server.dir}`);
    const left = readdirSync(this.aofDir).filter((name) => name.startsWith("temp-"));
    for (const name of left) rmSync(join(this.aofDir, name), { recursive: true });
    this.saved = new Set([EMPTY, found, ...this.saved]);
    expect(this.server.log).not.toMatch(BUG);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
  }

  /** Whether everything must be there afterwards. */
  private async end(digest: string): Promise<boolean> {
    const { random, server } = this;
    const way = random.pick(["kill", "kill", "SIGTERM", "SIGINT", "SHUTDOWN", "NOSAVE"]);
    this.history.push(way);
    if (way === "kill") {
      await Bun.sleep(random.below(60));
      await server.kill9();
      return this.isAofOn;
    }
    this.clear();
    await this.client.do("CONFIG SET rdb-key-save-delay 0");
    if (way === "NOSAVE") {
      this.client.begin("SHUTDOWN NOSAVE");
      expect(await server.exited()).toBe(0);
      return this.isAofOn;
    }
    this.saved.add(digest);
    if (way === "SHUTDOWN") {
      this.client.begin("SHUTDOWN");
      expect(await server.exited()).toBe(0);
    } else {
      expect(await server.stop(way as NodeJS.Signals)).toBe(0);
    }
    return true;
  }

  private async change(): Promise<void> {
    const commands: Command[] = [];
    while (commands.length < this.random.below(60)) {
      const command = this.stream.next().value;
      if (!LEFT_OUT.has(command[0])) commands.push(command);
    }
    commands.push(...this.largeChanges());
    await this.client.pipeline(commands);
  }

  /** To strings that are written in slices. */
  private largeChanges(): Command[] {
    const { random } = this;
    const name = `large${random.below(2)}`;
    const other = `large${random.below(2)}`;
    return random.pick<Command[]>([
      [["SET", name, random.word(20).repeat(LARGE_BYTES / 20)]],
      [["SETRANGE", name, String(LARGE_BYTES), "x"]],
      [["SETRANGE", name, String(random.below(LARGE_BYTES)), random.word(30)]],
      [["SETBIT", name, String(random.below(LARGE_BYTES * 8)), "1"]],
      [["APPEND", name, random.word(50)]],
      [["MOVE", name, String(random.below(OPTIONS.databases))]],
      [["COPY", name, other, "REPLACE"]],
      [["RENAME", name, other]],
      [["GETDEL", name]],
      [],
    ]);
  }

  private async do(command: string): Promise<unknown> {
    const reply = await this.client.value(command);
    const text = reply instanceof ReplyError ? reply.message : plainReply(reply);
    this.history.push(`${command} -> ${text}`);
    return reply;
  }

  private async digest(): Promise<string> {
    return plainReply(await this.client.value("DEBUG DIGEST"));
  }

  private async save(command: string): Promise<void> {
    const digest = await this.digest();
    if (this.dir === this.server.dir) this.saved.add(digest);
    // What is scheduled is saved as it is then.
    if (command.includes("SCHEDULE")) {
      await this.do(command);
      await waitForField(this.client, "rdb_bgsave_in_progress", "0", SETTLE_TIMEOUT_MS);
      return;
    }
    await this.do(command);
    if (command === "DEBUG RELOAD") expect(await this.digest()).toBe(digest);
  }

  private async switchOn(): Promise<void> {
    const reply = await this.do("CONFIG SET appendonly yes");
    if (this.isAofOn || reply instanceof ReplyError) return;
    this.isAofOn = true;
    this.aofDir = this.dir;
  }

  private async switchOff(): Promise<void> {
    await this.do("CONFIG SET appendonly no");
    this.isAofOn = false;
  }

  private async untilAofIsWhole(): Promise<void> {
    this.clear();
    await this.client.do("CONFIG SET rdb-key-save-delay 0");
    await waitForField(this.client, "rdb_bgsave_in_progress", "0", SETTLE_TIMEOUT_MS);
    if ((await persistenceField(this.client, "aof_rewrite_scheduled")) === "1") {
      // After failures one that is scheduled waits for minutes, one that is asked for does not.
      await this.client.do("BGREWRITEAOF");
    }
    await waitForField(this.client, "aof_rewrite_scheduled", "0", SETTLE_TIMEOUT_MS);
    await waitForField(this.client, "aof_rewrite_in_progress", "0", SETTLE_TIMEOUT_MS);
  }

  private async reloadAof(): Promise<void> {
    if (!this.isAofOn) return;
    await this.untilAofIsWhole();
    if (this.random.chance(0.5)) await this.do("BGREWRITEAOF");
    if (this.random.chance(0.5)) await this.save("BGSAVE");
    const digest = await this.digest();
    await this.do("DEBUG LOADAOF");
    expect(await this.digest()).toBe(digest);
  }

  private async moveDirectory(): Promise<void> {
    const dir = this.random.pick([this.server.dir, this.other]);
    const reply = await this.do(`CONFIG SET dir ${dir}`);
    expect(reply).toBe("OK");
    this.dir = dir;
  }

  private async flush(): Promise<void> {
    if (this.random.chance(0.5)) return;
    await this.do(`FLUSHALL ${this.random.pick(["SYNC", "ASYNC"])}`);
    await this.client.pipeline([...filling(this.random, { ...OPTIONS, hugeSize: 700 })]);
  }

  /** Something in the way of a file, or nothing any more. */
  private async obstruct(): Promise<void> {
    const { pid } = this.server;
    const name = this.random.pick([
      `temp-${pid}.rdb`,
      `temp-rewriteaof-bg-${pid}.aof`,
      "appendonlydir/temp-appendonly.aof.manifest",
      "appendonlydir/temp-appendonly.aof.incr",
      "dump.rdb",
    ]);
    if (this.random.chance(0.5)) {
      this.clear();
      return;
    }
    const path = join(this.dir, name);
    if (existsSync(path) || !existsSync(join(path, ".."))) return;
    mkdirSync(path);
    writeFileSync(join(path, "obstacle"), "");
    this.history.push(`${name} is in the way`);
  }

  private clear(): void {
    for (const dir of [this.server.dir, this.other, this.aofDir]) {
      for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
        if (entry.name === "obstacle") rmSync(entry.parentPath, { recursive: true });
      }
    }
    this.history.push("nothing is in the way");
  }

  /** A shutdown that something prevents, or that is taken back. */
  private async shutDownInVain(): Promise<void> {
    const path = join(this.dir, `temp-${this.server.pid}.rdb`);
    if (existsSync(path)) return;
    mkdirSync(path);
    writeFileSync(join(path, "obstacle"), "");
    this.history.push("SHUTDOWN SAVE that fails");
    expect(await this.do("SHUTDOWN SAVE")).toBeInstanceOf(ReplyError);
    this.clear();
    await this.do(`CONFIG SET rdb-key-save-delay ${SLOW_SAVE_US}`);
    await using second = await this.server.connect();
    const digest = await this.digest();
    let isOver = false;
    const waiting = this.do("SHUTDOWN SAVE").finally(() => (isOver = true));
    await Bun.sleep(this.random.below(30));
    // It may come before the other one.
    while ((await second.value("SHUTDOWN ABORT")) instanceof ReplyError && !isOver) {
      await Bun.sleep(1);
    }
    this.history.push("SHUTDOWN ABORT");
    expect(await waiting).toBeInstanceOf(ReplyError);
    await this.do("CONFIG SET rdb-key-save-delay 0");
    expect(await this.digest()).toBe(digest);
  }
}

test.each([true, false])(
  "persistence in any order (AOF at first: %p)",
  async (isAofOn) => {
    const { seed } = seededRandom("persistence in any order");
    const random = randomFrom(seed + (isAofOn ? 1 : 0));
    const directives = [...DIRECTIVES, `appendonly ${isAofOn ? "yes" : "no"}`];
    await using server = await startServer({ directives });
    await using chaos = new Chaos(random, server, await server.connect(), isAofOn);
    await chaos.fill();
    try {
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < STEPS_PER_ROUND; i++) await chaos.step();
        await chaos.endAndCheck();
      }
    } catch (problem) {
      console.log(chaos.history.join("\n"));
      console.log(server.log.split("\n").slice(-60).join("\n"));
      throw problem;
    }
  },
  ROUNDS * 120_000,
);
