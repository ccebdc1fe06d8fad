/** Passwords, ACL, and the commands and directives that are off unless asked for. */
import { integer, LONG_MAX } from "./number-options.ts";
import { choice, path, secret } from "./word-options.ts";

const WHO = ["no", "yes", "local"] as const;

export const securityDirectives = {
  requirepass: secret(),
  aclfile: path("", { immutable: true }),
  "acl-pubsub-default": choice(["allchannels", "resetchannels"], "resetchannels"),
  "acllog-max-len": integer(128, { max: LONG_MAX }),
  "enable-protected-configs": choice(WHO, "no", { immutable: true }),
  "enable-debug-command": choice(WHO, "no", { immutable: true }),
  "enable-module-command": choice(WHO, "no", {
    immutable: true,
    withoutEffect: "modules are native libraries, which cannot be loaded here",
  }),
};
