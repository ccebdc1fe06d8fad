/** ACL SETUSER, DELUSER, GETUSER, LIST, USERS. */
import { DEFAULT_USER } from "../../engine/acl/acl.ts";
import {
  channelRules,
  commandRules,
  keyRules,
  userFlags,
  userLine,
} from "../../engine/acl/description.ts";
import type { Selector } from "../../engine/acl/selector.ts";
import type { User } from "../../engine/acl/user.ts";
import type { Call } from "../../engine/call.ts";
import { command } from "../../engine/command.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { BY_USERS, SUBCOMMAND } from "./_subcommand.ts";

export const setuser = command({
  ...SUBCOMMAND,
  name: "setuser",
  summary: "Changes a user by rules, or makes one.",
  complexity: "O(N). Where N is the number of rules provided.",
  arity: -3,
  history: [
    ["6.2.0", "Added Pub/Sub channel patterns."],
    ["7.0.0", "Added selectors and key based permissions."],
  ],
  args: [
    { name: "username", type: "string" },
    { name: "rule", type: "string", optional: true, multiple: true },
  ],
  secrets: ({ count }) => Array.from({ length: count - 2 }, (_, i) => i + 2),
  run(call) {
    const rules = textsFrom(call, 3);
    const error = call.engine.acl.setUser(call.text(2), rules, call.session);
    if (error === null) call.reply.ok();
    else call.fail(error);
  },
});

export const deluser = command({
  ...SUBCOMMAND,
  name: "deluser",
  summary: "Removes users and closes their connections.",
  complexity: "O(1) amortized time considering the typical user.",
  arity: -3,
  args: [{ name: "username", type: "string", multiple: true }],
  run(call) {
    const names = textsFrom(call, 2);
    if (names.includes(DEFAULT_USER)) {
      call.fail("ERR The 'default' user cannot be removed");
      return;
    }
    const { acl } = call.engine;
    call.reply.integer(names.filter((name) => acl.deleteUser(name, call.session)).length);
  },
});

export const getuser = command({
  ...SUBCOMMAND,
  name: "getuser",
  summary: "Returns what a user may do.",
  complexity:
    "O(N). Where N is the number of password, command and pattern rules that the user has.",
  arity: 3,
  history: [
    ["6.2.0", "Added Pub/Sub channel patterns."],
    [
      "7.0.0",
      "Added selectors and changed the format of key and channel patterns from a list to their " +
        "rule representation.",
    ],
  ],
  args: [{ name: "username", type: "string" }],
  run(call) {
    const user = call.engine.acl.user(call.text(2));
    if (user === null) call.reply.nil();
    else replyUser(call.reply, user);
  },
});

export const list = command({
  ...SUBCOMMAND,
  name: "list",
  summary: "Returns all users as lines of an ACL file.",
  complexity: BY_USERS,
  arity: 2,
  run({ engine, reply }) {
    const all = engine.acl.users();
    reply.array(all.length);
    for (const user of all) reply.bulkText(userLine(user));
  },
});

export const users = command({
  ...SUBCOMMAND,
  name: "users",
  summary: "Returns the names of all users.",
  complexity: BY_USERS,
  arity: 2,
  run({ engine, reply }) {
    const all = engine.acl.users();
    reply.array(all.length);
    for (const { name } of all) reply.bulkText(name);
  },
});

function textsFrom(call: Call, first: number): string[] {
  const texts: string[] = [];
  for (let i = first; i < call.count; i++) texts.push(call.text(i));
  return texts;
}

function replyUser(reply: ReplyWriter, user: User): void {
  reply.map(6);
  reply.bulkText("flags");
  const flags = userFlags(user);
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText("passwords");
  reply.array(user.passwords.length);
  for (const hash of user.passwords) reply.bulkText(hash);
  replySelector(reply, user.root);
  reply.bulkText("selectors");
  reply.array(user.selectors.length - 1);
  for (const selector of user.selectors.slice(1)) {
    reply.map(3);
    replySelector(reply, selector);
  }
}

function replySelector(reply: ReplyWriter, selector: Selector): void {
  reply.bulkText("commands");
  reply.bulkText(commandRules(selector));
  reply.bulkText("keys");
  reply.bulkText(keyRules(selector));
  reply.bulkText("channels");
  reply.bulkText(channelRules(selector));
}
