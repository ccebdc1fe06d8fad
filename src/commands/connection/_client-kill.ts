/** CLIENT KILL: by address alone, or by any number of filters that must all hold. */
import type { Call } from "../../engine/call.ts";
import { classOf } from "../../engine/client-class.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import type { Session } from "../../engine/session.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { readClientType } from "./_client-type.ts";

const TYPES: readonly ArgumentDoc[] = [
  { name: "normal", type: "pure-token", token: "NORMAL" },
  { name: "master", type: "pure-token", token: "MASTER", since: "3.2.0" },
  { name: "slave", type: "pure-token", token: "SLAVE" },
  { name: "replica", type: "pure-token", token: "REPLICA", since: "5.0.0" },
  { name: "pubsub", type: "pure-token", token: "PUBSUB" },
];

const FILTERS: readonly ArgumentDoc[] = [
  { name: "client-id", type: "integer", token: "ID", optional: true, since: "2.8.12" },
  {
    name: "client-type",
    type: "oneof",
    token: "TYPE",
    optional: true,
    since: "2.8.12",
    parts: TYPES,
  },
  { name: "username", type: "string", token: "USER", optional: true },
  { name: "addr", display: "ip:port", type: "string", token: "ADDR", optional: true },
  {
    name: "laddr",
    display: "ip:port",
    type: "string",
    token: "LADDR",
    optional: true,
    since: "6.2.0",
  },
  {
    name: "skipme",
    type: "oneof",
    token: "SKIPME",
    optional: true,
    parts: [
      { name: "yes", type: "pure-token", token: "YES" },
      { name: "no", type: "pure-token", token: "NO" },
    ],
  },
  { name: "maxage", type: "integer", token: "MAXAGE", optional: true, since: "7.4.0" },
];

export const KILL_ARGUMENTS: readonly ArgumentDoc[] = [
  {
    name: "filter",
    type: "oneof",
    parts: [
      { name: "old-format", display: "ip:port", type: "string", deprecatedSince: "2.8.12" },
      { name: "new-format", type: "oneof", multiple: true, parts: FILTERS },
    ],
  },
];

interface Filters {
  tests: ((session: Session) => boolean)[];
  skipsMe: boolean;
}

export function killClients(call: Call): void {
  if (call.count === 3) {
    const address = call.text(2);
    const killed = closeAll(call, (session) => session.transport?.peerAddress === address);
    if (killed === 0) call.fail("ERR No such client");
    else call.reply.ok();
    return;
  }
  const filters = readFilters(call);
  if (filters === null) return;
  const { tests, skipsMe } = filters;
  const killed = closeAll(
    call,
    (session) =>
      !(skipsMe && session === call.session) && tests.every((matches) => matches(session)),
  );
  call.reply.integer(killed);
}

/** Null: an error has been replied. */
function readFilters(call: Call): Filters | null {
  const filters: Filters = { tests: [], skipsMe: true };
  for (let i = 2; i < call.count; i += 2) {
    const isRead = i + 1 < call.count && readFilter(call, i, filters);
    if (isRead === null) return null;
    if (!isRead) call.refuse(SYNTAX);
    if (call.refused()) return null;
  }
  return filters;
}

/** True: read (or refused); false: no such filter; null: an error has been replied. */
function readFilter(call: Call, index: number, filters: Filters): boolean | null {
  const { tests } = filters;
  const value = index + 1;
  const text = call.text(value);
  if (call.is(index, "ID")) {
    const id = call.integer(value, "ERR client-id should be greater than 0");
    if (id < 1) call.refuse("ERR client-id should be greater than 0");
    tests.push((session) => session.id === id);
  } else if (call.is(index, "TYPE")) {
    const type = readClientType(call, value);
    if (type === null) return null;
    tests.push((session) => classOf(session) === type);
  } else if (call.is(index, "ADDR")) {
    tests.push((session) => session.transport?.peerAddress === text);
  } else if (call.is(index, "LADDR")) {
    tests.push((session) => session.transport?.localAddress === text);
  } else if (call.is(index, "USER")) {
    const user = call.engine.acl.user(text);
    if (user === null) call.refuse(`ERR No such user '${text}'`);
    tests.push((session) => session.user === user);
  } else if (call.is(index, "MAXAGE")) {
    const ageSeconds = call.integer(value);
    if (ageSeconds < 1) call.refuse("ERR maxage should be greater than 0");
    tests.push((session) => call.nowMs - session.createdMs >= ageSeconds * 1000);
  } else if (call.is(index, "SKIPME") && (call.is(value, "YES") || call.is(value, "NO"))) {
    filters.skipsMe = call.is(value, "YES");
  } else {
    return false;
  }
  return true;
}

function closeAll(call: Call, matches: (session: Session) => boolean): number {
  const chosen = [...call.engine.clients.all()].filter(matches);
  for (const session of chosen) {
    // One's own connection still gets the reply to this command.
    if (session === call.session) session.closesAfterReply = true;
    else session.transport?.close();
  }
  return chosen.length;
}
