/** CONFIG as a command; what the directives themselves take is tested beside them. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Program, PEDIS, ServerProcess, freePort } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";
import { infoFields } from "./_texts.ts";

compare(
  "CONFIG and its errors",
  `
  CONFIG
  CONFIG NOSUCH
  CONFIG GET
  CONFIG GET nosuch
  CONFIG GET TIMEOUT
  CONFIG GET timeout timeout TimeOut
  CONFIG GET slave-priority
  ? CONFIG GET maxmemory* hz
  ? CONFIG GET hash-*listpack-*
  CONFIG SET
  CONFIG SET timeout
  CONFIG SET timeout 1 hz
  CONFIG SET nosuch 1
  CONFIG SET port 0 nosuch 1
  CONFIG SET timeout abc
  CONFIG SET timeout -1
  CONFIG SET maxmemory 1zb
  CONFIG SET appendfsync sometimes
  CONFIG SET databases 4
  CONFIG SET timeout 1 timeout 2
  CONFIG GET timeout
  CONFIG SET timeout 17 hz 20
  CONFIG GET timeout
  CONFIG GET hz
  CONFIG SET timeout 18 hz nonsense
  CONFIG GET timeout
  CONFIG SET timeout 0 hz 10
  CONFIG SET maxmemory 100mb
  CONFIG GET maxmemory
  CONFIG SET maxmemory 0
  CONFIG REWRITE
  CONFIG REWRITE x
  CONFIG RESETSTAT x
  CONFIG RESETSTAT
  CONFIG HELP
  CONFIG HELP x
  `,
);

transcript("CONFIG GET replies with a map in RESP3", (t) => {
  t.do("CONFIG GET databases").is(["databases", "16"], { databases: "16" });
});

test("CONFIG REWRITE writes what CONFIG SET changed; a restart finds it", async () => {
  const dir = mkdtempSync(join(tmpdir(), "config-rewrite-"));
  const file = join(dir, "redis.conf");
  writeFileSync(file, "# my server\ntimeout 5\nmaxmemory 10mb\n");
  const program: Program = { ...PEDIS, command: [...PEDIS.command, file] };
  await using server = new ServerProcess(await freePort(), { program, dir });
  await server.start();
  await server.withClient(async (client) => {
    expect(await client.value("CONFIG GET timeout")).toEqual(["timeout", "5"]);
    expect(await client.value("CONFIG SET timeout 9 slowlog-max-len 7")).toBe("OK");
    expect(await client.value("CONFIG REWRITE")).toBe("OK");
    expect((await infoFields(client, "server")).config_file).toBe(file);
  });
  const text = readFileSync(file, "utf8");
  expect(text).toStartWith("# my server\ntimeout 9\nmaxmemory 10mb\n");
  await server.restart();
  await server.withClient(async (client) => {
    expect(await client.value("CONFIG GET timeout")).toEqual(["timeout", "9"]);
    expect(await client.value("CONFIG GET slowlog-max-len")).toEqual(["slowlog-max-len", "7"]);
  });
  rmSync(dir, { recursive: true });
});
