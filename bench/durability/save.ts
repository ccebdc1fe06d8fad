/** How long SAVE takes, by the clock and of the server's processor, and how large the file is. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { readableReply } from "../../test/support/readable.ts";
import type { ServerProcess } from "../../test/support/server.ts";
import { type Contest, SIDES, startPair } from "../support/contest.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { type Content, fill } from "./contents.ts";

interface SaveFigures {
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly megabytes: number;
}

export async function measureSave(
  content: Content,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  await using servers = await startPair(contest);
  for (const side of SIDES) await fill(servers[side], content, scale);
  const title = `SAVE of ${content.title}`;
  const target =
    content.atMost === null ? null : ({ of: "ratio", atMost: content.atMost } as const);
  return await takeTurns(
    { name: `save-${content.name}`, contest, scale },
    ({ name }) => save(servers[name]),
    [
      { figure: "cpuMs", title: `${title}: CPU`, unit: "ms", target: null },
      { figure: "wallMs", title: `${title}: time`, unit: "ms", target },
      { figure: "megabytes", title: `${title}: file`, unit: "MB", target: null },
    ],
    ({ cpuMs, wallMs }) => `${readable(cpuMs)} ms of CPU, ${readable(wallMs)} ms`,
  );
}

async function save(server: ServerProcess): Promise<SaveFigures> {
  await using client = await server.connect();
  const cpuBefore = cpuMicros(server.pid);
  const startedAtMs = performance.now();
  const reply = await client.value("SAVE");
  const wallMs = performance.now() - startedAtMs;
  const cpuMs = (cpuMicros(server.pid) - cpuBefore) / 1e3;
  if (reply !== "OK") throw new Error(`SAVE was answered by ${readableReply(reply)}`);
  return { cpuMs, wallMs, megabytes: statSync(join(server.dir, "dump.rdb")).size / 1e6 };
}
