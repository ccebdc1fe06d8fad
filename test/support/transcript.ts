/**
 * Tests that read as transcripts, run against Pedis and, where it is installed, against the
 * oracle: every reply of the two must be equal to the byte, in RESP2 and in RESP3. Most are just
 * commands, one per line, whose replies the oracle knows:
 *
 *     compare("APPEND makes and extends", `
 *       APPEND k ab
 *       APPEND k cd        # what follows a space and # is a remark
 *       ? SMEMBERS s       # ? the order of the elements is open
 *       ~ PTTL k           # ~ the number is open, its being a number is not
 *       = ZSCORE z m       # = the same number, however a double is written
 *       @b BLPOP l 0       # @b on another connection, without waiting for the reply
 *       RPUSH l x
 *       @b                 # @b alone reads that connection's next reply, or push
 *     `);
 *
 * Where a reply should be stated, or differs from the oracle's for a reason, steps are built:
 *
 *     transcript("SET with an odd option", (t) => {
 *       t.do("SET k v").is("OK");
 *       t.do("SET k v ODD").error("ERR syntax error");
 *       t.do("TIME").matching((value) => Array.isArray(value));
 *       t.do("DBSIZE").eventually().is(0);     # asked again until it is so
 *     });
 *
 * Without the oracle, stated replies still hold Pedis to account, and a line says so.
 */
import { test } from "bun:test";
import { describeFailure, judge, Step } from "./_step.ts";
import { findOracle, ORACLE_VERSION } from "./oracle.ts";
import { type Argument, readableCommand } from "./readable.ts";
import type { Reply, RespClient } from "./resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "./server.ts";

export interface TranscriptOptions {
  /** Directives of both servers, besides those that make them quiet and open to tests. */
  readonly directives?: readonly string[];
  /** Directives of what is tested alone. */
  readonly ownDirectives?: readonly string[];
  /** Both unless told. */
  readonly protocols?: readonly (2 | 3)[];
  readonly timeoutMs?: number;
  /** What is tested: Pedis unless told. */
  readonly program?: Program;
}

export interface Transcripts {
  readonly transcript: (name: string, build: (t: Conversation) => void) => void;
  readonly compare: (name: string, script: string) => void;
}

/** One connection of a transcript, on which steps are laid down in order. */
export interface Conversation {
  /** `do("SET k v")`, `do("SET", "k", bytes)`, or a function that makes the arguments late. */
  do(...command: readonly Argument[] | [() => readonly Argument[]]): Step;
  /** Sends without waiting; `reply` reads what comes back. */
  begin(...command: readonly Argument[]): void;
  /** The next reply to what `begin` or `send` sent, or the next push. */
  reply(): Step;
  /** Bytes as they are. */
  send(bytes: Uint8Array | string): void;
  /** Another connection; the same name is the same connection. */
  on(connection: string): Conversation;
  pause(ms: number): void;
}

/** What every transcript's server is started with. */
const QUIET = ['save ""', "appendonly no", "enable-debug-command yes", "loglevel warning"];
const TIMEOUT_MS = 120_000;
/** Within which a step's `eventually` must have come about, and how often it is looked at. */
const EVENTUALLY_MS = 20_000;
const LOOK_MS = 10;
const MAX_FAILURES_SHOWN = 5;
const MAIN_CONNECTION = "";

const startedServers = new Map<string, Promise<ServerProcess>>();
let hasWarned = false;

/** Transcripts whose servers run with `options`; the same options share the same servers. */
export function transcripts(options: TranscriptOptions = {}): Transcripts {
  const protocols = options.protocols ?? [2, 3];
  const declare = (name: string, build: (t: Conversation) => void) => {
    warnWithoutOracle();
    const place = callSite();
    for (const protocol of protocols) {
      test(
        `${name} (RESP${protocol})`,
        () => playTranscript(protocol, build, options, place),
        options.timeoutMs ?? TIMEOUT_MS,
      );
    }
  };
  return {
    transcript: declare,
    compare: (name, script) => declare(name, (t) => layDownScript(t, script)),
  };
}

export const { transcript, compare } = transcripts();

function layDownScript(t: Conversation, script: string): void {
  for (const rawLine of script.split("\n")) {
    const line = rawLine.replace(/(^|\s)#(\s.*)?$/, "").trim();
    if (line === "") continue;
    const [, mark = "", rest = ""] = /^([?~=]|@\S+)?\s*(.*)$/.exec(line) ?? [];
    if (mark === "?") t.do(rest).unordered();
    else if (mark === "~") t.do(rest).likeInteger();
    else if (mark === "=") t.do(rest).sameNumbers();
    else if (mark === "") t.do(rest);
    else if (rest === "") t.on(mark).reply();
    else t.on(mark).begin(rest);
  }
}

type Action =
  | { kind: "step"; connection: string; step: Step; args: (() => readonly Argument[]) | null }
  | { kind: "begin"; connection: string; args: readonly Argument[] }
  | { kind: "send"; connection: string; bytes: Uint8Array | string }
  | { kind: "pause"; ms: number };

/** What one server answered: a reply per step, or why there was none. */
type Answers = Map<Step, Reply>;

/** Plays one transcript on both servers; throws an error that describes what is wrong. */
export async function playTranscript(
  protocol: 2 | 3,
  build: (t: Conversation) => void,
  options: TranscriptOptions = {},
  place = callSite(),
): Promise<void> {
  const directives = options.directives ?? [];
  const oracle = findOracle();
  const actions: Action[] = [];
  build(conversation(actions, MAIN_CONNECTION));
  const own = [...directives, ...(options.ownDirectives ?? [])];
  const pedisAnswers = await perform(options.program ?? PEDIS, protocol, own, actions);
  const oracleAnswers =
    oracle === null ? null : await perform(oracle, protocol, directives, actions);

  const failures: string[] = [];
  for (const action of actions) {
    if (action.kind !== "step") continue;
    const reply = pedisAnswers.get(action.step);
    const wanted = oracleAnswers?.get(action.step) ?? null;
    if (reply === undefined) continue;
    const problem = judge(action.step, protocol, reply, wanted);
    if (problem !== null) failures.push(describeFailure(action.step, problem, reply, wanted));
  }
  if (failures.length === 0) return;
  const hidden = failures.length - MAX_FAILURES_SHOWN;
  if (hidden > 0) failures.splice(MAX_FAILURES_SHOWN, hidden, `… and ${hidden} more`);
  throw new Error(`The transcript at ${place}\n\n${failures.join("\n\n")}`);
}

/** Runs the actions on fresh connections to an emptied server. */
async function perform(
  program: Program,
  protocol: 2 | 3,
  directives: readonly string[],
  actions: readonly Action[],
): Promise<Answers> {
  const server = await sharedServer(program, directives);
  const answers: Answers = new Map();
  const clients = new Map<string, RespClient>();
  const client = async (name: string): Promise<RespClient> => {
    const known = clients.get(name);
    if (known !== undefined) return known;
    const fresh = await server.connect();
    clients.set(name, fresh);
    if (protocol === 3) await fresh.do("HELLO 3");
    return fresh;
  };
  try {
    await server.withClient((cleaner) => cleaner.do("FLUSHALL"));
    for (const action of actions) {
      if (action.kind === "pause") {
        await Bun.sleep(action.ms);
        continue;
      }
      const target = await client(action.connection);
      if (action.kind === "send") {
        target.send(action.bytes);
      } else if (action.kind === "begin") {
        target.begin(...action.args);
        // It has been run, or its client blocks, before the next step.
        await server.settled();
      } else {
        const { step, args } = action;
        const ask = () => (args === null ? target.next() : target.do(...args()));
        const reply = step.isAwaited ? await inTime(step, protocol, ask) : await ask();
        step.lastReply = reply;
        answers.set(step, reply);
      }
    }
    return answers;
  } catch (problem) {
    throw new Error(`${program.name}: ${String(problem)}\n${server.log.slice(-4000)}`, {
      cause: problem,
    });
  } finally {
    await Promise.all(Array.from(clients.values(), (open) => open.close()));
    // The next transcript shall not meet them.
    if (server.isRunning) await server.settled();
  }
}

/** Asks again and again, until the reply is what the step expects or time is up. */
async function inTime(step: Step, protocol: 2 | 3, ask: () => Promise<Reply>): Promise<Reply> {
  const endMs = performance.now() + EVENTUALLY_MS;
  for (;;) {
    const reply = await ask();
    if (judge(step, protocol, reply, null) === null || performance.now() > endMs) return reply;
    await Bun.sleep(LOOK_MS);
  }
}

async function sharedServer(
  program: Program,
  directives: readonly string[],
): Promise<ServerProcess> {
  const key = [program.name, ...directives].join("\n");
  const known = await startedServers.get(key);
  if (known?.isRunning) return known;
  const started = startServer({ program, directives: [...QUIET, ...directives] });
  startedServers.set(key, started);
  return await started;
}

function conversation(actions: Action[], connection: string): Conversation {
  const addStep = (what: string, args: (() => readonly Argument[]) | null) => {
    const step = new Step(connection === MAIN_CONNECTION ? what : `${connection}  ${what}`);
    actions.push({ kind: "step", connection, step, args });
    return step;
  };
  return {
    do: (...command) => {
      const [first] = command;
      if (typeof first === "function") return addStep("(made of earlier replies)", first);
      const args = command as readonly Argument[];
      return addStep(
        typeof first === "string" && command.length === 1 ? first : readableCommand(args),
        () => args,
      );
    },
    begin: (...args) => {
      actions.push({ kind: "begin", connection, args });
    },
    reply: () => addStep("(what comes next)", null),
    send: (bytes) => {
      actions.push({ kind: "send", connection, bytes });
    },
    on: (name) => conversation(actions, name),
    pause: (ms) => {
      actions.push({ kind: "pause", ms });
    },
  };
}

function warnWithoutOracle(): void {
  if (hasWarned || findOracle() !== null) return;
  hasWarned = true;
  console.log(
    `redis-server ${ORACLE_VERSION} is not installed: replies are held against what the ` +
      "transcripts state, and not compared byte by byte.",
  );
}

/** The file and line of the test that is being declared. */
function callSite(): string {
  const frames = (new Error().stack ?? "").split("\n").slice(1);
  const frame = frames.find((line) => !line.includes("/test/support/transcript.ts"));
  return /\(?([^\s(]+:\d+):\d+\)?$/.exec(frame ?? "")?.[1] ?? "(unknown place)";
}
