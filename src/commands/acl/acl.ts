/** ACL: users, what they may do, and what they were denied. */
import { command, LOADING, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { load, save } from "./_files.ts";
import { cat, dryrun, genpass, log, whoami } from "./_inquiries.ts";
import { deluser, getuser, list, setuser, users } from "./_users.ts";

const HELP = [
  "CAT [<category>]",
  "    List all commands that belong to <category>, or all command categories",
  "    when no category is specified.",
  "DELUSER <username> [<username> ...]",
  "    Delete a list of users.",
  "DRYRUN <username> <command> [<arg> ...]",
  "    Returns whether the user can execute the given command without executing the command.",
  "GETUSER <username>",
  "    Get the user's details.",
  "GENPASS [<bits>]",
  "    Generate a secure 256-bit user password. The optional `bits` argument can",
  "    be used to specify a different size.",
  "LIST",
  "    Show users details in config file format.",
  "LOAD",
  "    Reload users from the ACL file.",
  "LOG [<count> | RESET]",
  "    Show the ACL log entries.",
  "SAVE",
  "    Save the current config to the ACL file.",
  "SETUSER <username> <attribute> [<attribute> ...]",
  "    Create or modify a user with the specified attributes.",
  "USERS",
  "    List all the registered usernames.",
  "WHOAMI",
  "    Return the current connection username.",
];

const help = command({
  name: "help",
  group: "server",
  since: "6.0.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  run: (call) => replyHelp(call, "ACL", HELP),
});

export const acl = command({
  name: "acl",
  group: "server",
  since: "6.0.0",
  summary: "Says who may come in and what they may do.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [
    cat,
    deluser,
    dryrun,
    genpass,
    getuser,
    help,
    list,
    load,
    log,
    save,
    setuser,
    users,
    whoami,
  ],
});
