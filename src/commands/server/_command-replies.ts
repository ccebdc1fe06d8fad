/** The replies of COMMAND INFO and COMMAND DOCS, made from the declarations. */
import { categoriesOf } from "../../engine/acl-categories.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  ASKING,
  BLOCKING,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INCOMPLETE,
  KEY_INSERT,
  KEY_NOT_KEY,
  KEY_OW,
  KEY_RM,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  KEY_VARIABLE_FLAGS,
  LOADING,
  NO_ASYNC_LOADING,
  NO_AUTH,
  NO_MANDATORY_KEYS,
  NO_MULTI,
  NOSCRIPT,
  PUBSUB,
  READONLY,
  SKIP_MONITOR,
  SKIP_SLOWLOG,
  STALE,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc, Command, KeySpec } from "../../engine/command.ts";
import { legacyRange } from "../../engine/key-finder.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";

/** In the order in which Redis lists them; the others are hidden there too. */
const FLAG_NAMES: readonly (readonly [flag: number, name: string])[] = [
  [WRITE, "write"],
  [READONLY, "readonly"],
  [DENYOOM, "denyoom"],
  [ADMIN, "admin"],
  [PUBSUB, "pubsub"],
  [NOSCRIPT, "noscript"],
  [BLOCKING, "blocking"],
  [LOADING, "loading"],
  [STALE, "stale"],
  [SKIP_MONITOR, "skip_monitor"],
  [SKIP_SLOWLOG, "skip_slowlog"],
  [ASKING, "asking"],
  [FAST, "fast"],
  [NO_AUTH, "no_auth"],
  [NO_MANDATORY_KEYS, "no_mandatory_keys"],
  [NO_ASYNC_LOADING, "no_async_loading"],
  [NO_MULTI, "no_multi"],
];

const KEY_FLAG_NAMES: readonly (readonly [flag: number, name: string])[] = [
  [KEY_RO, "RO"],
  [KEY_RW, "RW"],
  [KEY_OW, "OW"],
  [KEY_RM, "RM"],
  [KEY_ACCESS, "access"],
  [KEY_UPDATE, "update"],
  [KEY_INSERT, "insert"],
  [KEY_DELETE, "delete"],
  [KEY_NOT_KEY, "not_key"],
  [KEY_INCOMPLETE, "incomplete"],
  [KEY_VARIABLE_FLAGS, "variable_flags"],
];

export function replyCommandInfo(reply: ReplyWriter, command: Command): void {
  const { declaration, flags } = command;
  const keys = declaration.keys ?? [];
  const range = legacyRange(keys);
  reply.array(10);
  reply.bulkText(command.fullName);
  reply.integer(command.arity);
  const names = FLAG_NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  if (range.isPartial) names.push("movablekeys");
  if ((flags & ALLOW_BUSY) !== 0) names.push("allow_busy");
  replyNames(reply, names);
  reply.integer(range.first);
  reply.integer(range.last);
  reply.integer(range.step);
  replyNames(
    reply,
    categoriesOf(command).map((category) => `@${category}`),
  );
  const tips = declaration.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkText(tip);
  reply.set(keys.length);
  for (const spec of keys) replyKeySpec(reply, spec);
  // Redis has an empty set where it has a list otherwise.
  if (command.subcommands.length === 0) reply.set(0);
  else reply.array(command.subcommands.length);
  for (const subcommand of command.subcommands) replyCommandInfo(reply, subcommand);
}

export function replyKeyFlags(reply: ReplyWriter, flags: number): void {
  const names = KEY_FLAG_NAMES.filter(([flag]) => (flags & flag) !== 0).map(([, name]) => name);
  replyNames(reply, names);
}

function replyNames(reply: ReplyWriter, names: readonly string[]): void {
  reply.set(names.length);
  for (const name of names) reply.simple(name);
}

function replyKeySpec(reply: ReplyWriter, spec: KeySpec): void {
  const { begin, find, notes } = spec;
  reply.map(notes === undefined ? 3 : 4);
  if (notes !== undefined) {
    reply.bulkText("notes");
    reply.bulkText(notes);
  }
  reply.bulkText("flags");
  replyKeyFlags(reply, spec.flags);
  reply.bulkText("begin_search");
  if (begin === "unknown") replyTyped(reply, "unknown", []);
  else if ("index" in begin) replyTyped(reply, "index", [["index", begin.index]]);
  else {
    replyTyped(reply, "keyword", [
      ["keyword", begin.keyword],
      ["startfrom", begin.startFrom],
    ]);
  }
  reply.bulkText("find_keys");
  if (find === "unknown") replyTyped(reply, "unknown", []);
  else if ("lastKey" in find) {
    replyTyped(reply, "range", [
      ["lastkey", find.lastKey],
      ["keystep", find.step],
      ["limit", find.limit],
    ]);
  } else {
    replyTyped(reply, "keynum", [
      ["keynumidx", find.keyNumIndex],
      ["firstkey", find.firstKey],
      ["keystep", find.step],
    ]);
  }
}

function replyTyped(
  reply: ReplyWriter,
  type: string,
  fields: readonly (readonly [string, string | number])[],
): void {
  reply.map(2);
  reply.bulkText("type");
  reply.bulkText(type);
  reply.bulkText("spec");
  reply.map(fields.length);
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (typeof value === "number") reply.integer(value);
    else reply.bulkText(value);
  }
}

export function replyCommandDocs(reply: ReplyWriter, command: Command): void {
  const { declaration, subcommands } = command;
  const { deprecated, history, args, complexity, isSystem } = declaration;
  const mark = reply.beginDeferred();
  let pairs = 0;
  const text = (name: string, value: string): void => {
    reply.bulkText(name);
    reply.bulkText(value);
    pairs++;
  };
  text("summary", declaration.summary);
  text("since", declaration.since);
  text("group", declaration.group);
  if (complexity !== "") text("complexity", complexity);
  if (deprecated !== undefined || isSystem === true) {
    reply.bulkText("doc_flags");
    replyNames(reply, [deprecated === undefined ? "syscmd" : "deprecated"]);
    pairs++;
  }
  if (deprecated !== undefined) {
    text("deprecated_since", deprecated.since);
    text("replaced_by", deprecated.replacedBy);
  }
  if (history !== undefined) {
    reply.bulkText("history");
    reply.set(history.length);
    for (const [since, change] of history) {
      reply.array(2);
      reply.bulkText(since);
      reply.bulkText(change);
    }
    pairs++;
  }
  if (args !== undefined) {
    reply.bulkText("arguments");
    replyArguments(reply, args);
    pairs++;
  }
  if (subcommands.length > 0) {
    reply.bulkText("subcommands");
    reply.map(subcommands.length);
    for (const subcommand of subcommands) {
      reply.bulkText(subcommand.fullName);
      replyCommandDocs(reply, subcommand);
    }
    pairs++;
  }
  reply.endDeferredMap(mark, pairs);
}

function replyArguments(reply: ReplyWriter, args: readonly ArgumentDoc[]): void {
  reply.array(args.length);
  for (const argument of args) replyArgument(reply, argument);
}

function replyArgument(reply: ReplyWriter, argument: ArgumentDoc): void {
  const mark = reply.beginDeferred();
  let pairs = 0;
  const text = (name: string, value: string | undefined): void => {
    if (value === undefined) return;
    reply.bulkText(name);
    reply.bulkText(value);
    pairs++;
  };
  text("name", argument.name);
  text("type", argument.type);
  if (argument.parts === undefined) text("display_text", argument.display ?? argument.name);
  if (argument.keySpec !== undefined) {
    reply.bulkText("key_spec_index");
    reply.integer(argument.keySpec);
    pairs++;
  }
  text("token", argument.token);
  text("summary", argument.summary);
  text("since", argument.since);
  text("deprecated_since", argument.deprecatedSince);
  const flags: string[] = [];
  if (argument.optional === true) flags.push("optional");
  if (argument.multiple === true) flags.push("multiple");
  if (argument.multipleToken === true) flags.push("multiple_token");
  if (flags.length > 0) {
    reply.bulkText("flags");
    replyNames(reply, flags);
    pairs++;
  }
  if (argument.parts !== undefined) {
    reply.bulkText("arguments");
    replyArguments(reply, argument.parts);
    pairs++;
  }
  reply.endDeferredMap(mark, pairs);
}
