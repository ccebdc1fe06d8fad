/** SAVE, BGSAVE and LASTSAVE: the snapshot file. */
import {
  ADMIN,
  command,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  STALE,
} from "../../engine/command.ts";
import { ALREADY_SAVING, FAILED, OTHER_CHILD_IS_ACTIVE } from "../../protocol/errors.ts";

export const save = command({
  name: "save",
  group: "server",
  since: "1.0.0",
  summary: "Writes a snapshot of all keys to the disk while everybody waits.",
  complexity: "O(N) where N is the total number of keys in all databases",
  arity: 1,
  flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
  run(call) {
    const { persistence } = call.engine;
    if (persistence.isSaving) call.fail(ALREADY_SAVING);
    else if (persistence.save()) call.reply.ok();
    else call.fail(FAILED);
  },
});

export const bgsave = command({
  name: "bgsave",
  group: "server",
  since: "1.0.0",
  summary: "Writes a snapshot of all keys to the disk while commands go on being served.",
  complexity: "O(1)",
  arity: -1,
  flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING,
  history: [["3.2.2", "Added the `SCHEDULE` option."]],
  args: [
    { name: "schedule", type: "pure-token", token: "SCHEDULE", optional: true, since: "3.2.2" },
  ],
  run(call) {
    const isScheduled = call.count === 2 && call.is(1, "SCHEDULE");
    if (call.count > 1 && !isScheduled) {
      call.syntaxError();
      return;
    }
    const { persistence } = call.engine;
    // What EXEC runs must not be cut in two by the moment of the snapshot.
    const isInTransaction = call.session.deniesBlocking;
    if (persistence.isSaving) call.fail(ALREADY_SAVING);
    else if (isInTransaction || (persistence.isBusy && isScheduled)) {
      persistence.scheduleSave();
      call.reply.simple("Background saving scheduled");
    } else if (persistence.isBusy) call.fail(OTHER_CHILD_IS_ACTIVE);
    else if (persistence.saveInBackground()) call.reply.simple("Background saving started");
    else call.fail(FAILED);
  },
});

export const lastsave = command({
  name: "lastsave",
  group: "server",
  since: "1.0.0",
  summary: "Tells when a snapshot was last written, in unix seconds.",
  complexity: "O(1)",
  arity: 1,
  flags: LOADING | STALE | FAST,
  categories: ["admin", "dangerous"],
  tips: ["nondeterministic_output"],
  run(call) {
    call.reply.integer(call.engine.persistence.lastSaveSeconds);
  },
});
