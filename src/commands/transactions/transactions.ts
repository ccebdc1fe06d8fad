/** MULTI and what belongs to it; the work is done in engine/transactions.ts. */
import {
  command,
  ALLOW_BUSY,
  FAST,
  KEY_RO,
  LOADING,
  NOSCRIPT,
  SKIP_SLOWLOG,
  STALE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";

export const multi = command({
  name: "multi",
  group: "transactions",
  since: "1.2.0",
  summary: "Starts a transaction: the commands that follow are queued.",
  complexity: "O(1)",
  arity: 1,
  flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
  categories: ["transaction"],
  run: runMulti,
});

export const exec = command({
  name: "exec",
  group: "transactions",
  since: "1.2.0",
  summary: "Runs the queued commands, one after the other, undisturbed.",
  complexity: "Depends on commands in the transaction",
  arity: 1,
  flags: NOSCRIPT | LOADING | STALE | SKIP_SLOWLOG,
  categories: ["transaction"],
  run: runExec,
});

export const discard = command({
  name: "discard",
  group: "transactions",
  since: "2.0.0",
  summary: "Forgets the queued commands.",
  complexity: "O(N), when N is the number of queued commands",
  arity: 1,
  flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
  categories: ["transaction"],
  run: runDiscard,
});

export const watch = command({
  name: "watch",
  group: "transactions",
  since: "2.2.0",
  summary: "Lets EXEC run only if none of these keys has changed until then.",
  complexity: "O(1) for every key.",
  arity: -2,
  flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
  categories: ["transaction"],
  keys: [keysAt(KEY_RO, 1, -1)],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run: runWatch,
});

export const unwatch = command({
  name: "unwatch",
  group: "transactions",
  since: "2.2.0",
  summary: "Forgets all watched keys.",
  complexity: "O(1)",
  arity: 1,
  flags: NOSCRIPT | LOADING | STALE | FAST | ALLOW_BUSY,
  categories: ["transaction"],
  run: runUnwatch,
});

function runMulti(call: Call): void {
  if (call.session.transaction !== null) {
    call.fail("ERR MULTI calls can not be nested");
    return;
  }
  call.engine.transactions.begin(call.session);
  call.reply.ok();
}

function runExec(call: Call): void {
  if (call.session.transaction === null) call.fail("ERR EXEC without MULTI");
  else call.engine.transactions.execute(call);
}

function runDiscard(call: Call): void {
  if (call.session.transaction === null) {
    call.fail("ERR DISCARD without MULTI");
    return;
  }
  call.engine.transactions.discard(call.session);
  call.reply.ok();
}

function runWatch(call: Call): void {
  const { session, args } = call;
  if (session.transaction !== null) {
    call.fail("ERR WATCH inside MULTI is not allowed");
    return;
  }
  const { watched } = call.engine.transactions;
  for (let i = 1; i < call.count; i++) {
    watched.add(session, args.bytes, args.starts[i], args.lengths[i]);
  }
  call.reply.ok();
}

function runUnwatch(call: Call): void {
  call.engine.transactions.watched.forget(call.session);
  call.reply.ok();
}
