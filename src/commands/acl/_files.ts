/** ACL LOAD and SAVE: the users from and to the file that `aclfile` names. */
import { systemDisk } from "../../base/disk.ts";
import type { Call } from "../../engine/call.ts";
import { command } from "../../engine/command.ts";
import { ACL_SAVE_FAILED, NO_ACL_FILE } from "../../protocol/errors.ts";
import { BY_USERS, SUBCOMMAND } from "./_subcommand.ts";

export const load = command({
  ...SUBCOMMAND,
  name: "load",
  summary: "Replaces all users by those of the ACL file.",
  complexity: BY_USERS,
  arity: 2,
  run(call) {
    if (!hasFile(call)) return;
    const errors = call.engine.acl.loadFile(systemDisk, call.session);
    if (errors === null) call.reply.ok();
    else call.fail(`ERR ${errors}`);
  },
});

export const save = command({
  ...SUBCOMMAND,
  name: "save",
  summary: "Writes all users to the ACL file.",
  complexity: BY_USERS,
  arity: 2,
  run(call) {
    if (!hasFile(call)) return;
    if (call.engine.acl.saveFile(systemDisk)) call.reply.ok();
    else call.fail(ACL_SAVE_FAILED);
  },
});

function hasFile(call: Call): boolean {
  if (call.engine.config.values.aclfile !== "") return true;
  call.fail(NO_ACL_FILE);
  return false;
}
