/**
 * How long a start takes that loads a file: from starting the process to its first answer to PING
 * that is not LOADING. redis-server has written the file, of which either server has a copy; its
 * pages are in the system's cache. The AOF has a base of commands, and an empty increment.
 */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readableReply } from "../../test/support/readable.ts";
import type { ReplyValue } from "../../test/support/resp-client.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { AOF_DIRECTIVES, type Contest, SIDES, startContestant } from "../support/contest.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { type Content, fill } from "./contents.ts";
import { infoFields, until } from "../support/info.ts";

export interface FileForm {
  readonly name: string;
  readonly title: string;
  /** With which a server loads such a file. */
  readonly directives: readonly string[];
  /** Has a server write it. */
  readonly write: (server: ServerProcess) => Promise<void>;
}

export const FILE_FORMS: readonly FileForm[] = [
  { name: "rdb", title: "RDB", directives: [], write: writeRdb },
  { name: "aof", title: "AOF", directives: AOF_DIRECTIVES, write: writeAof },
];

/** The files of either server, which go when the scope is left, and what they hold. */
interface Files extends Disposable {
  readonly dirs: Record<(typeof SIDES)[number], string>;
  readonly keys: ReplyValue;
}

export async function measureLoading(
  form: FileForm,
  content: Content,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const name = `load-${form.name}-${content.name}`;
  const title = `load of an ${form.title} of ${content.title}`;
  using files = await writeFiles(form, content, contest.programs.redis, scale);
  const target =
    content.atMost === null ? null : ({ of: "ratio", atMost: content.atMost } as const);
  return await takeTurns(
    { name, contest, scale },
    (program) => timeStart(program, form, files),
    [
      { figure: "cpuMs", title: `${title}: CPU`, unit: "ms", target: null },
      { figure: "wallMs", title: `${title}: time`, unit: "ms", target },
    ],
    ({ cpuMs, wallMs }) => `${readable(cpuMs)} ms of CPU, ${readable(wallMs)} ms`,
  );
}

async function writeFiles(
  form: FileForm,
  content: Content,
  program: Program,
  scale: Scale,
): Promise<Files> {
  await using server = await startContestant(program);
  await fill(server, content, scale);
  await form.write(server);
  const keys = await server.withClient((client) => client.value("DBSIZE"));
  await server.stop();
  const dirs = { pedis: "", redis: "" };
  for (const side of SIDES) {
    dirs[side] = mkdtempSync(join(tmpdir(), `${side}-files-`));
    cpSync(server.dir, dirs[side], { recursive: true });
  }
  return {
    dirs,
    keys,
    [Symbol.dispose]() {
      for (const side of SIDES) rmSync(dirs[side], { recursive: true, force: true });
    },
  };
}

async function writeRdb(server: ServerProcess): Promise<void> {
  await server.withClient((client) => client.do("SAVE"));
}

async function writeAof(server: ServerProcess): Promise<void> {
  await server.withClient(async (client) => {
    await client.do("CONFIG SET aof-use-rdb-preamble no appendonly yes");
    await until(async () => {
      const fields = await infoFields(client, "persistence");
      return fields["aof_enabled"] === "1" && fields["aof_rewrite_in_progress"] === "0";
    });
  });
}

async function timeStart(
  program: Program,
  { directives }: FileForm,
  { dirs, keys }: Files,
): Promise<{ cpuMs: number; wallMs: number }> {
  const startedAtMs = performance.now();
  await using server = await startContestant(program, directives, dirs[program.name]);
  const wallMs = performance.now() - startedAtMs;
  const cpuMs = cpuMicros(server.pid) / 1e3;
  const loaded = await server.withClient((client) => client.value("DBSIZE"));
  if (loaded !== keys) {
    throw new Error(`${program.name} answers DBSIZE by ${readableReply(loaded)}`);
  }
  return { cpuMs, wallMs };
}
