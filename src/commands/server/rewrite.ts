/** BGREWRITEAOF: the append-only file, made as short as its content allows. */
import { ADMIN, command, NO_ASYNC_LOADING, NOSCRIPT } from "../../engine/command.ts";
import { ALREADY_REWRITING, CANNOT_REWRITE } from "../../protocol/errors.ts";

export const bgrewriteaof = command({
  name: "bgrewriteaof",
  group: "server",
  since: "1.0.0",
  summary: "Rewrites the append-only file while commands go on being served.",
  complexity: "O(1)",
  arity: 1,
  flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
  run(call) {
    switch (call.engine.persistence.rewriteAof()) {
      case "started":
        call.reply.simple("Background append only file rewriting started");
        return;
      case "scheduled":
        call.reply.simple("Background append only file rewriting scheduled");
        return;
      case "running":
        call.fail(ALREADY_REWRITING);
        return;
      case "refused":
        call.fail(CANNOT_REWRITE);
    }
  },
});
