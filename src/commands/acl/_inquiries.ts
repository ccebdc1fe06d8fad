/** ACL CAT, DRYRUN, GENPASS, LOG, WHOAMI. */
import { secretHex } from "../../base/random.ts";
import { GRANTED } from "../../engine/acl/access.ts";
import { type AclLogEntry, reasonText } from "../../engine/acl/acl-log.ts";
import { dryRunDenial } from "../../engine/acl/denial.ts";
import { CATEGORIES } from "../../engine/acl-categories.ts";
import type { Call } from "../../engine/call.ts";
import { command } from "../../engine/command.ts";
import { Arguments } from "../../protocol/arguments.ts";
import { unknownSubcommandOrArity, wrongArity } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { HARMLESS, SUBCOMMAND } from "./_subcommand.ts";

const DEFAULT_LOG_COUNT = 10;
const DEFAULT_PASSWORD_BITS = 256;
const MAX_PASSWORD_BITS = 4096;
const BITS_PER_DIGIT = 4;

export const cat = command({
  ...HARMLESS,
  name: "cat",
  summary: "Returns the categories of commands, or the commands of one.",
  complexity: "O(1) since the categories and commands are a fixed set.",
  arity: -2,
  args: [{ name: "categoryname", type: "string", optional: true }],
  run(call) {
    const { reply } = call;
    if (call.count > 3) {
      call.fail(unknownSubcommandOrArity("ACL", call.text(1)));
    } else if (call.count === 2) {
      reply.array(CATEGORIES.length);
      for (const category of CATEGORIES) reply.bulkText(category);
    } else {
      const members = call.engine.acl.commandsIn(call.text(2));
      if (members === null) {
        call.fail(`ERR Unknown category '${call.text(2).slice(0, 128)}'`);
        return;
      }
      reply.array(members.length);
      for (const { fullName } of members) reply.bulkText(fullName);
    }
  },
});

export const dryrun = command({
  ...SUBCOMMAND,
  name: "dryrun",
  since: "7.0.0",
  summary: "Tells whether a user may run a command, without running it.",
  complexity: "O(1).",
  arity: -4,
  args: [
    { name: "username", type: "string" },
    { name: "command", type: "string" },
    { name: "arg", type: "string", optional: true, multiple: true },
  ],
  run: tryCommand,
});

export const genpass = command({
  ...HARMLESS,
  name: "genpass",
  summary: "Makes up a password that nobody can guess.",
  complexity: "O(1)",
  arity: -2,
  args: [{ name: "bits", type: "integer", optional: true }],
  run(call) {
    if (call.count > 3) {
      call.fail(unknownSubcommandOrArity("ACL", call.text(1)));
      return;
    }
    const bits = call.count === 3 ? call.integer(2) : DEFAULT_PASSWORD_BITS;
    if (bits <= 0 || bits > MAX_PASSWORD_BITS) {
      call.refuse(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive " +
          `number up to ${MAX_PASSWORD_BITS}`,
      );
    }
    if (call.refused()) return;
    call.reply.bulkText(secretHex(Math.ceil(bits / BITS_PER_DIGIT)));
  },
});

export const log = command({
  ...SUBCOMMAND,
  name: "log",
  summary: "Returns the latest denials, or forgets them.",
  complexity: "O(N) with N being the number of entries shown.",
  arity: -2,
  history: [["7.2.0", "Added entry ID, timestamp created, and timestamp last updated."]],
  args: [
    {
      name: "operation",
      type: "oneof",
      optional: true,
      parts: [
        { name: "count", type: "integer" },
        { name: "reset", type: "pure-token", token: "RESET" },
      ],
    },
  ],
  run(call) {
    const { reply } = call;
    const aclLog = call.engine.acl.log;
    if (call.count > 3) {
      call.fail(unknownSubcommandOrArity("ACL", call.text(1)));
    } else if (call.count === 3 && call.is(2, "RESET")) {
      aclLog.reset();
      reply.ok();
    } else {
      const count = call.count === 3 ? Number(call.int64(2)) : DEFAULT_LOG_COUNT;
      if (call.refused()) return;
      const entries = aclLog.newest(Math.max(count, 0));
      reply.array(entries.length);
      for (const entry of entries) replyEntry(reply, entry, call.nowMs);
    }
  },
});

export const whoami = command({
  ...HARMLESS,
  name: "whoami",
  summary: "Returns the name of the connection's user.",
  complexity: "O(1)",
  arity: 2,
  run({ session, reply }) {
    if (session.user === null) reply.nil();
    else reply.bulkText(session.user.name);
  },
});

function tryCommand(call: Call): void {
  const { args, engine, reply } = call;
  const username = call.text(2);
  const user = engine.acl.user(username);
  if (user === null) {
    call.fail(`ERR User '${username}' not found`);
    return;
  }
  const tried = new Arguments();
  tried.reset(args.bytes);
  for (let i = 3; i < args.count; i++) tried.push(args.starts[i], args.lengths[i]);
  const found = engine.table.find(tried);
  if (found === null) {
    call.fail(`ERR Command '${call.text(3)}' not found`);
    return;
  }
  if (!found.acceptsCount(tried.count)) {
    call.fail(wrongArity(found.fullName));
    return;
  }
  const verdict = engine.acl.check(user, found, tried);
  if (verdict === GRANTED) reply.ok();
  else reply.bulkText(dryRunDenial(verdict, username, found, tried.text(engine.acl.deniedAt)));
}

function replyEntry(reply: ReplyWriter, entry: AclLogEntry, nowMs: number): void {
  const { event } = entry;
  reply.map(10);
  reply.bulkText("count");
  reply.integer(entry.count);
  reply.bulkText("reason");
  reply.bulkText(reasonText(event.reason));
  reply.bulkText("context");
  reply.bulkText(event.context);
  reply.bulkText("object");
  reply.bulkText(event.object);
  reply.bulkText("username");
  reply.bulkText(event.username);
  reply.bulkText("age-seconds");
  reply.double((nowMs - event.atMs) / 1000);
  reply.bulkText("client-info");
  reply.bulkText(event.clientLine);
  reply.bulkText("entry-id");
  reply.integer(entry.id);
  reply.bulkText("timestamp-created");
  reply.integer(entry.createdMs);
  reply.bulkText("timestamp-last-updated");
  reply.integer(event.atMs);
}
