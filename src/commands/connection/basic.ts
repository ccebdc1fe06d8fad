/** A connection's own state: greeting, authentication, database, end. */
import { REDIS_VERSION } from "../../base/version.ts";
import { IN_EXEC, TOP_LEVEL } from "../../engine/acl/denial.ts";
import type { Call } from "../../engine/call.ts";
import { GATE_SUBSCRIBED } from "../../engine/admission.ts";
import {
  ALLOW_BUSY,
  command,
  FAST,
  LOADING,
  NO_AUTH,
  NOSCRIPT,
  STALE,
} from "../../engine/command.ts";
import { isValidName } from "../../engine/session.ts";
import {
  AUTH_WITHOUT_PASSWORD,
  BAD_CLIENT_NAME,
  INVALID_DB_INDEX,
  NO_HELLO_AUTH,
  WRONG_PASSWORD,
} from "../../protocol/errors.ts";

const ALWAYS = NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY;

export const ping = command({
  name: "ping",
  group: "connection",
  since: "1.0.0",
  summary: "Answers PONG, or what it was given.",
  complexity: "O(1)",
  arity: -1,
  flags: FAST,
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  args: [{ name: "message", type: "string", optional: true }],
  run(call) {
    if (call.count > 2) call.wrongArity();
    else if ((call.session.gates & GATE_SUBSCRIBED) !== 0) replyAmongMessages(call);
    else if (call.count === 1) call.reply.simple("PONG");
    else replyArgument(call, 1);
  },
});

export const echo = command({
  name: "echo",
  group: "connection",
  since: "1.0.0",
  summary: "Answers what it was given.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE | FAST,
  categories: ["connection"],
  args: [{ name: "message", type: "string" }],
  run: (call) => replyArgument(call, 1),
});

export const hello = command({
  name: "hello",
  group: "connection",
  since: "6.0.0",
  summary: "Chooses the protocol version, and may authenticate and name the connection.",
  complexity: "O(1)",
  arity: -1,
  flags: ALWAYS,
  categories: ["connection"],
  history: [
    [
      "6.2.0",
      "`protover` made optional; when called without arguments the command reports the current " +
        "connection's context.",
    ],
  ],
  args: [
    {
      name: "arguments",
      type: "block",
      optional: true,
      parts: [
        { name: "protover", type: "integer" },
        {
          name: "username_password",
          type: "block",
          token: "AUTH",
          optional: true,
          parts: [
            { name: "username", type: "string" },
            { name: "password", type: "string" },
          ],
        },
        { name: "clientname", type: "string", token: "SETNAME", optional: true },
      ],
    },
  ],
  secrets(args) {
    const found: number[] = [];
    for (let i = 2; i + 2 < args.count; i++) if (args.is(i, "AUTH")) found.push(++i, ++i);
    return found;
  },
  run: greet,
});

export const auth = command({
  name: "auth",
  group: "connection",
  since: "1.0.0",
  summary: "Authenticates the connection.",
  complexity: "O(N) where N is the number of passwords defined for the user",
  arity: -2,
  flags: ALWAYS,
  categories: ["connection"],
  history: [["6.0.0", "Added ACL style (username and password)."]],
  args: [
    { name: "username", type: "string", optional: true, since: "6.0.0" },
    { name: "password", type: "string" },
  ],
  secrets: ({ count }) => (count > 3 ? [] : [1, 2]),
  run(call) {
    if (call.count > 3) {
      call.syntaxError();
    } else if (call.count === 2 && call.engine.acl.defaultUser.needsNoPassword) {
      call.fail(AUTH_WITHOUT_PASSWORD);
    } else {
      const user = call.count === 3 ? call.text(1) : "default";
      if (authenticate(call, user, call.text(call.count - 1))) call.reply.ok();
    }
  },
});

export const quit = command({
  name: "quit",
  group: "connection",
  since: "1.0.0",
  summary: "Closes the connection once all replies have gone out.",
  complexity: "O(1)",
  arity: -1,
  flags: ALWAYS,
  categories: ["connection"],
  run(call) {
    call.reply.ok();
    call.session.closesAfterReply = true;
  },
});

export const reset = command({
  name: "reset",
  group: "connection",
  since: "6.2.0",
  summary: "Puts the connection back into the state of a new one.",
  complexity: "O(1)",
  arity: 1,
  flags: ALWAYS,
  categories: ["connection"],
  run(call) {
    if (call.session.replica?.isAttached === true) {
      call.fail("ERR can only reset normal client connections");
      return;
    }
    call.engine.resetSession(call.session);
    call.reply.resp3 = false;
    call.reply.simple("RESET");
  },
});

export const select = command({
  name: "select",
  group: "connection",
  since: "1.0.0",
  summary: "Chooses the database that the connection's commands run in.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE | FAST,
  categories: ["connection"],
  args: [{ name: "index", type: "integer" }],
  run(call) {
    const index = call.int32(1);
    if (call.refused()) return;
    const database = call.engine.keyspace.databases[index];
    if (database === undefined) {
      call.fail(INVALID_DB_INDEX);
      return;
    }
    call.session.database = database;
    call.reply.ok();
  },
});

/** PING of a subscriber in RESP2, whose replies must look like messages. */
function replyAmongMessages(call: Call): void {
  call.reply.array(2);
  call.reply.bulkText("pong");
  if (call.count === 1) call.reply.emptyBulk();
  else replyArgument(call, 1);
}

function replyArgument(call: Call, index: number): void {
  const { bytes, starts, lengths } = call.args;
  call.reply.bulk(bytes, starts[index], lengths[index]);
}

/** Replies with an error and returns false where the password is wrong. */
function authenticate(call: Call, user: string, password: string): boolean {
  const { engine, session } = call;
  const circumstance = session.transaction === null ? TOP_LEVEL : IN_EXEC;
  if (engine.acl.authenticate(session, user, password, call.text(0), circumstance)) return true;
  call.fail(WRONG_PASSWORD);
  return false;
}

function greet(call: Call): void {
  const { session, reply } = call;
  let version: number = session.resp;
  if (call.count > 1) {
    version = call.integer(1, "ERR Protocol version is not an integer or out of range");
    if (call.refused()) return;
    if (version !== 2 && version !== 3) {
      call.fail("NOPROTO unsupported protocol version");
      return;
    }
  }
  let user: string | null = null;
  let password = "";
  let name: string | null = null;
  for (let i = 2; i < call.count; i++) {
    const more = call.count - 1 - i;
    if (call.is(i, "AUTH") && more >= 2) {
      user = call.text(i + 1);
      password = call.text(i + 2);
      i += 2;
    } else if (call.is(i, "SETNAME") && more >= 1) {
      name = call.text(++i);
    } else {
      call.fail(`ERR Syntax error in HELLO option '${call.text(i)}'`);
      return;
    }
  }
  if (user !== null && !authenticate(call, user, password)) return;
  if (session.user !== null && !session.isAuthenticated) {
    call.fail(NO_HELLO_AUTH);
    return;
  }
  if (name !== null && !isValidName(name)) {
    call.fail(BAD_CLIENT_NAME);
    return;
  }
  if (name !== null) session.name = name;
  call.engine.setProtocol(session, version === 3 ? 3 : 2);
  reply.resp3 = version === 3;
  replyGreeting(call);
}

function replyGreeting(call: Call): void {
  const { session, reply } = call;
  reply.map(7);
  reply.bulkText("server");
  reply.bulkText("redis");
  reply.bulkText("version");
  reply.bulkText(REDIS_VERSION);
  reply.bulkText("proto");
  reply.integer(session.resp);
  reply.bulkText("id");
  reply.integer(session.id);
  reply.bulkText("mode");
  reply.bulkText("standalone");
  reply.bulkText("role");
  reply.bulkText("master");
  reply.bulkText("modules");
  reply.array(0);
}
