/** The configuration written back to its file, for CONFIG REWRITE and for DEBUG. */
import { systemDisk } from "../../base/disk.ts";
import { describeUser } from "../../engine/acl/description.ts";
import type { Call } from "../../engine/call.ts";

/** `writesAll`: defaults too. Replies. */
export function rewriteConfig({ engine, reply }: Call, writesAll: boolean): void {
  const users = engine.acl.users().map((user) => `${user.name} ${describeUser(user)}`);
  const error = engine.config.rewrite(systemDisk, users, writesAll);
  if (error === null) reply.ok();
  else reply.error(error);
}
