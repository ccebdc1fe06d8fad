/**
 * Files that a crash cut or a disk damaged, where Redis 7.0 loses acknowledged writes, changes what
 * it refuses, or aborts with a bug report.
 */
import { beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { contentOf, differences } from "../support/content.ts";
import { makeDataset } from "../support/dataset.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import { filesOf, rewriteAof, sendAll, withDirectory } from "../support/saving.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const BASIC = ['save ""', "enable-debug-command yes"];
const AOF = [...BASIC, "appendonly yes", "appendfsync always"];
const GROUP = ["MULTI", "INCR one", "RPUSH list a b c", "INCR other", "EXEC"];
const DAMAGES = scale(4);

describe("An AOF that ends inside a transaction", () => {
  /** Bytes of the end to be cut off: of the EXEC, all of it, and more and more of the group. */
  test.each([
    [1, "yes"],
    [14, "no"],
    [40, "yes"],
    [110, "no"],
  ])(
    "%d bytes cut off, what is written then stays (aof-use-rdb-preamble %s)",
    async (cut, base) => {
      await using server = await startServer({
        directives: [...AOF, `aof-use-rdb-preamble ${base}`],
      });
      await server.withClient(async (client) => {
        await client.pipeline(["SET before 1", ...GROUP]);
        await rewriteAof(client);
        await client.pipeline(["SET between 1", ...GROUP]);
      });
      await server.kill9();
      const increment = join(server.dir, "appendonlydir", "appendonly.aof.2.incr.aof");
      truncateSync(increment, readFileSync(increment).length - cut);
      await server.start();
      await expectState(server, "1");
      await server.withClient((client) => client.pipeline(["SET after 1", ...GROUP]));
      await expectState(server, "2", "after");
      for (const mode of ["crash", "stop"]) {
        await (mode === "crash" ? server.kill9() : server.stop());
        await server.start();
        await expectState(server, "2", "after");
      }
    },
  );

  async function expectState(server: ServerProcess, groups: string, ...keys: string[]) {
    await server.withClient(async (client) => {
      expect(await client.value("MGET", "one", "other")).toEqual([groups, groups]);
      expect(await client.value("LLEN list")).toBe(Number(groups) * 3);
      expect(await client.value("EXISTS", "before", "between", ...keys)).toBe(2 + keys.length);
    });
  }
});

test.each(["yes", "no"])(
  "A cut increment that is not the last is refused, and left as it was (aof-load-truncated %s)",
  async (loads) => {
    await withDirectory(async (dir) => {
      const logs = join(dir, "appendonlydir");
      mkdirSync(logs);
      const set = (key: string): string => `*3\r\n$3\r\nSET\r\n$1\r\n${key}\r\n$1\r\n1\r\n`;
      writeFileSync(join(logs, "appendonly.aof.1.incr.aof"), set("a") + set("b").slice(0, -4));
      writeFileSync(join(logs, "appendonly.aof.2.incr.aof"), set("c"));
      const names = [1, 2].map((n) => `file appendonly.aof.${n}.incr.aof seq ${n} type i\n`);
      writeFileSync(join(logs, "appendonly.aof.manifest"), names.join(""));
      const before = filesOf(dir);
      const directives = [...AOF, `aof-load-truncated ${loads}`];
      const message = await refusalOf(dir, directives);
      expect(message).toContain("ended at start (1)");
      expect(message).toContain("The last whole command ends at offset 27");
      expect(filesOf(dir)).toEqual(before);
    });
  },
);

describe("A damaged RDB file", () => {
  const { seed } = seededRandom("damaged RDB files");

  let saved: Buffer;

  beforeAll(async () => {
    await using server = await startServer({ directives: BASIC });
    await server.withClient(async (client) => {
      await sendAll(client, makeDataset(randomFrom(seed), { isSmall: true }).commands);
      expect(await client.value("SAVE")).toBe("OK");
    });
    saved = readFileSync(join(server.dir, "dump.rdb"));
  });

  test("that was cut is refused with the offset, and left as it was", async () => {
    await withSavedFile(async (dir, bytes) => {
      const random = randomFrom(seed);
      for (let i = 0; i < DAMAGES; i++) {
        const length = random.below(bytes.length);
        writeFileSync(join(dir, "dump.rdb"), bytes.subarray(0, length));
        await expectRefused(dir, /offset \d+/);
        expect(readFileSync(join(dir, "dump.rdb")).length).toBe(length);
      }
    });
  });

  test("with a changed byte is refused, wherever it is", async () => {
    await withSavedFile(async (dir, bytes) => {
      const random = randomFrom(seed + 1);
      for (let i = 0; i < DAMAGES; i++) {
        const damaged = Buffer.from(bytes);
        damaged[random.below(bytes.length)] ^= 1 << random.below(8);
        writeFileSync(join(dir, "dump.rdb"), damaged);
        await expectRefused(dir, /offset \d+/);
      }
    });
  });

  test("without checksums is refused or serves what it can", async () => {
    await withSavedFile(async (dir, bytes) => {
      const random = randomFrom(seed + 2);
      for (let i = 0; i < DAMAGES; i++) {
        const damaged = Buffer.from(bytes);
        damaged[random.below(bytes.length)] ^= 1 << random.below(8);
        writeFileSync(join(dir, "dump.rdb"), damaged);
        const directives = [...BASIC, "rdbchecksum no"];
        const server = await startServer({ dir, directives }).catch(String);
        if (typeof server === "string") {
          expectRefusal(server, /offset \d+/);
          continue;
        }
        await using running = server;
        // Whatever was loaded can be read.
        const content = await running.withClient((client) => contentOf(client));
        const again = await running.withClient((client) => reloaded(client));
        expect(differences(again, content)).toEqual([]);
      }
    });
  });

  async function reloaded(client: RespClient) {
    expect(await client.value("DEBUG RELOAD")).toBe("OK");
    return await contentOf(client);
  }

  async function withSavedFile(use: (dir: string, bytes: Buffer) => Promise<void>): Promise<void> {
    await withDirectory((dir) => use(dir, saved));
  }

  async function expectRefused(dir: string, reason: RegExp): Promise<void> {
    expectRefusal(await refusalOf(dir, BASIC), reason);
  }

  function expectRefusal(message: string, reason: RegExp): void {
    expect(message).toContain("ended at start (1)");
    expect(message).toMatch(reason);
    expect(message).not.toMatch(/assert|BUG REPORT|at .*\.ts:\d+/i);
  }
});

/** Why a server does not start on the directory. */
async function refusalOf(dir: string, directives: readonly string[]): Promise<string> {
  const server = await startServer({ dir, directives }).catch(String);
  if (typeof server === "string") return server;
  await server[Symbol.asyncDispose]();
  return "It started";
}
