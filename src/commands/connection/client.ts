/** CLIENT: the connections of the server, one's own and the others'. */
import type { Call } from "../../engine/call.ts";
import { classOf } from "../../engine/client-class.ts";
import { clientLine } from "../../engine/client-info.ts";
import { ADMIN, command, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { isValidName, REPLY_OFF, REPLY_ON, REPLY_SKIP_NEXT } from "../../engine/session.ts";
import type { Session } from "../../engine/session.ts";
import { BAD_CLIENT_NAME, UNBLOCKED, unknownSubcommandOrArity } from "../../protocol/errors.ts";
import { CLIENT_HELP } from "./_client-help.ts";
import { KILL_ARGUMENTS, killClients } from "./_client-kill.ts";
import { readClientType } from "./_client-type.ts";
import { caching, getredir, tracking, trackinginfo } from "./tracking.ts";

const SUBCOMMAND = {
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: NOSCRIPT | LOADING | STALE,
  categories: ["connection"],
} as const;

const ADMINISTRATION = { ...SUBCOMMAND, flags: ADMIN | NOSCRIPT | LOADING | STALE } as const;

const ON_OFF = [
  {
    name: "enabled",
    type: "oneof",
    parts: [
      { name: "on", type: "pure-token", token: "ON" },
      { name: "off", type: "pure-token", token: "OFF" },
    ],
  },
] as const;

const id = command({
  ...SUBCOMMAND,
  name: "id",
  since: "5.0.0",
  summary: "Returns the connection's number.",
  run: (call) => call.reply.integer(call.session.id),
});

const getname = command({
  ...SUBCOMMAND,
  name: "getname",
  since: "2.6.9",
  summary: "Returns the connection's name.",
  run(call) {
    if (call.session.name === "") call.reply.nil();
    else call.reply.bulkText(call.session.name);
  },
});

const setname = command({
  ...SUBCOMMAND,
  name: "setname",
  since: "2.6.9",
  summary: "Gives the connection a name.",
  arity: 3,
  args: [{ name: "connection-name", type: "string" }],
  run(call) {
    const name = call.text(2);
    if (!isValidName(name)) {
      call.fail(BAD_CLIENT_NAME);
      return;
    }
    call.session.name = name;
    call.reply.ok();
  },
});

const setinfo = command({
  ...SUBCOMMAND,
  name: "setinfo",
  since: "7.2.0",
  summary: "Notes which client library the connection uses.",
  arity: 4,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  args: [
    {
      name: "attr",
      type: "oneof",
      parts: [
        { name: "libname", type: "string", token: "LIB-NAME" },
        { name: "libver", type: "string", token: "LIB-VER" },
      ],
    },
  ],
  run(call) {
    const attribute = call.text(2);
    const value = call.text(3);
    const isLibraryName = call.is(2, "LIB-NAME");
    if (!isLibraryName && !call.is(2, "LIB-VER")) {
      call.fail(`ERR Unrecognized option '${attribute}'`);
    } else if (!isValidName(value)) {
      call.fail(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
    } else {
      if (isLibraryName) call.session.libraryName = value;
      else call.session.libraryVersion = value;
      call.reply.ok();
    }
  },
});

const info = command({
  ...SUBCOMMAND,
  name: "info",
  since: "6.2.0",
  summary: "Describes the connection.",
  tips: ["nondeterministic_output"],
  run(call) {
    call.reply.verbatim(
      `${clientLine(call.session, call.nowMs, call.requestBytes, call.args.totalBytes)}\n`,
    );
  },
});

const list = command({
  ...ADMINISTRATION,
  name: "list",
  since: "2.4.0",
  summary: "Describes all connections, or those of a type, or by their numbers.",
  complexity: "O(N) where N is the number of client connections",
  arity: -2,
  history: [
    ["2.8.12", "Added unique client `id` field."],
    ["5.0.0", "Added optional `TYPE` filter."],
    ["6.0.0", "Added `user` field."],
    [
      "6.2.0",
      "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
    ],
    ["7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."],
    ["7.0.3", "Added `ssub` field."],
  ],
  tips: ["nondeterministic_output"],
  args: [
    {
      name: "client-type",
      type: "oneof",
      token: "TYPE",
      optional: true,
      since: "5.0.0",
      parts: [
        { name: "normal", type: "pure-token", token: "NORMAL" },
        { name: "master", type: "pure-token", token: "MASTER" },
        { name: "replica", type: "pure-token", token: "REPLICA" },
        { name: "pubsub", type: "pure-token", token: "PUBSUB" },
      ],
    },
    {
      name: "client-id",
      type: "integer",
      token: "ID",
      optional: true,
      multiple: true,
      since: "6.2.0",
    },
  ],
  run: listClients,
});

const kill = command({
  ...ADMINISTRATION,
  name: "kill",
  since: "2.4.0",
  summary: "Closes connections.",
  complexity: "O(N) where N is the number of client connections",
  arity: -3,
  history: [
    ["2.8.12", "Added new filter format."],
    ["2.8.12", "`ID` option."],
    ["3.2.0", "Added `master` type in for `TYPE` option."],
    [
      "5.0.0",
      "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility.",
    ],
    ["6.2.0", "`LADDR` option."],
    ["7.4.0", "`MAXAGE` option."],
  ],
  args: KILL_ARGUMENTS,
  run: killClients,
});

const pause = command({
  ...ADMINISTRATION,
  name: "pause",
  since: "2.9.50",
  summary: "Lets commands of all clients wait for some time.",
  arity: -3,
  history: [["6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."]],
  args: [
    { name: "timeout", type: "integer" },
    {
      name: "mode",
      type: "oneof",
      optional: true,
      since: "6.2.0",
      parts: [
        { name: "write", type: "pure-token", token: "WRITE" },
        { name: "all", type: "pure-token", token: "ALL" },
      ],
    },
  ],
  run(call) {
    const stopsAll = call.count === 3 || call.is(3, "ALL");
    if (call.count > 4) {
      call.refuse(unknownSubcommandOrArity("CLIENT", call.text(1)));
    } else if (!stopsAll && !call.is(3, "WRITE")) {
      call.refuse("ERR CLIENT PAUSE mode must be WRITE or ALL");
    }
    const timeoutMs = call.integer(2, "ERR timeout is not an integer or out of range");
    if (timeoutMs < 0) call.refuse("ERR timeout is negative");
    if (call.refused()) return;
    call.engine.pause.start(stopsAll, call.nowMs + timeoutMs);
    call.reply.ok();
  },
});

const unblock = command({
  ...ADMINISTRATION,
  name: "unblock",
  since: "5.0.0",
  summary: "Ends the waiting of a connection that a command blocks.",
  complexity: "O(log N) where N is the number of client connections",
  arity: -3,
  args: [
    { name: "client-id", type: "integer" },
    {
      name: "timeout_error",
      type: "oneof",
      optional: true,
      parts: [
        { name: "timeout", type: "pure-token", token: "TIMEOUT" },
        { name: "error", type: "pure-token", token: "ERROR" },
      ],
    },
  ],
  run(call) {
    const { clients, blocking } = call.engine;
    const repliesError = call.count > 3 && call.is(3, "ERROR");
    if (call.count > 4) {
      call.refuse(unknownSubcommandOrArity("CLIENT", call.text(1)));
    } else if (call.count === 4 && !repliesError && !call.is(3, "TIMEOUT")) {
      call.refuse("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    }
    const session = clients.byId(Number(call.int64(2)));
    if (call.refused()) return;
    const isUnblocked =
      session !== null && blocking.unblock(session, repliesError ? UNBLOCKED : null);
    call.reply.integer(isUnblocked ? 1 : 0);
  },
});

const unpause = command({
  ...ADMINISTRATION,
  name: "unpause",
  since: "6.2.0",
  summary: "Ends CLIENT PAUSE.",
  complexity: "O(N) Where N is the number of paused clients",
  run(call) {
    call.engine.pause.stop();
    call.reply.ok();
  },
});

const replyMode = command({
  ...SUBCOMMAND,
  name: "reply",
  since: "3.2.0",
  summary: "Turns replies to the connection's commands on or off.",
  arity: 3,
  args: [
    {
      name: "on_off_skip",
      type: "oneof",
      parts: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
        { name: "skip", type: "pure-token", token: "SKIP" },
      ],
    },
  ],
  run(call) {
    const { session } = call;
    if (call.is(2, "ON")) {
      session.replyMode = REPLY_ON;
      call.reply.ok();
    } else if (call.is(2, "OFF")) session.replyMode = REPLY_OFF;
    else if (call.is(2, "SKIP")) {
      if (session.replyMode !== REPLY_OFF) session.replyMode = REPLY_SKIP_NEXT;
    } else call.syntaxError();
  },
});

const noEvict = command({
  ...ADMINISTRATION,
  name: "no-evict",
  since: "7.0.0",
  summary: "Exempts the connection from being closed for its memory.",
  arity: 3,
  args: ON_OFF,
  run(call) {
    const isOn = readOnOff(call);
    if (isOn === null) return;
    call.session.isNotEvicted = isOn;
    call.reply.ok();
  },
});

const noTouch = command({
  ...SUBCOMMAND,
  name: "no-touch",
  since: "7.2.0",
  summary: "Keeps the connection's reads from counting as accesses.",
  arity: 3,
  args: ON_OFF,
  run(call) {
    const isOn = readOnOff(call);
    if (isOn === null) return;
    call.session.leavesNoTrace = isOn;
    call.reply.ok();
  },
});

const help = command({
  ...SUBCOMMAND,
  name: "help",
  since: "5.0.0",
  summary: "Describes the subcommands.",
  flags: LOADING | STALE,
  run: (call) => replyHelp(call, "CLIENT", CLIENT_HELP),
});

export const client = command({
  name: "client",
  group: "connection",
  since: "2.4.0",
  summary: "Shows and manages connections.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [
    caching,
    getname,
    getredir,
    help,
    id,
    info,
    kill,
    list,
    noEvict,
    noTouch,
    pause,
    replyMode,
    setinfo,
    setname,
    tracking,
    trackinginfo,
    unblock,
    unpause,
  ],
});

function readOnOff(call: Call): boolean | null {
  if (call.is(2, "ON")) return true;
  if (call.is(2, "OFF")) return false;
  call.syntaxError();
  return null;
}

function listClients(call: Call): void {
  const { clients } = call.engine;
  const chosen: Session[] = [];
  if (call.count === 2) {
    chosen.push(...clients.all());
  } else if (call.is(2, "TYPE") && call.count === 4) {
    const type = readClientType(call, 3);
    if (type === null) return;
    for (const session of clients.all()) if (classOf(session) === type) chosen.push(session);
  } else if (call.is(2, "ID") && call.count > 3) {
    for (let i = 3; i < call.count; i++) {
      const session = clients.byId(call.integer(i, "ERR Invalid client ID"));
      if (session !== null) chosen.push(session);
    }
  } else {
    call.syntaxError();
    return;
  }
  if (call.refused()) return;
  const lines = chosen.map((session) => {
    const isMine = session === call.session;
    const requestBytes = isMine ? call.requestBytes : 0;
    const argumentBytes = isMine ? call.args.totalBytes : 0;
    return `${clientLine(session, call.nowMs, requestBytes, argumentBytes)}\n`;
  });
  call.reply.verbatim(lines.join(""));
}
