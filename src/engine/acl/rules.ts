/**
 * The rules of ACL SETUSER, `user` lines and ACL files, each a word that changes a user (acl.c):
 *
 *     on off nopass resetpass >password <password #hash !hash skip-sanitize-payload
 *     sanitize-payload reset clearselectors (rules of a selector)
 *
 * and, for the root selector or the one in parentheses:
 *
 *     +command -command +command|subcommand +@category -@category allcommands nocommands
 *     ~keys %R~keys %W~keys %RW~keys allkeys resetkeys &channels allchannels resetchannels
 */
import { bytesOf, textOf } from "../../base/bytes.ts";
import { splitArguments } from "../../base/quoted-arguments.ts";
import type { Catalog } from "./catalog.ts";
import { hashOf, isHash } from "./passwords.ts";
import { KeyPattern, Pattern, READ, READ_WRITE, WRITE } from "./pattern.ts";
import type { Selector } from "./selector.ts";
import type { User } from "./user.ts";

export const UNKNOWN_NAME = "Unknown command or category name in ACL";
export const DUPLICATE_USER =
  "Duplicate user found. A user can only be defined once in config files";
const SYNTAX = "Syntax error";
const ALL_KEYS_ALREADY =
  "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have " +
  "any effect. Try 'resetkeys' to start with an empty list of patterns";
const ALL_CHANNELS_ALREADY =
  "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not " +
  "have any effect. Try 'resetchannels' to start with an empty list of channels";
const NO_SUCH_PASSWORD = "The password you are trying to remove from the user does not exist";
const NOT_A_HASH =
  "The password hash must be exactly 64 characters and contain only lowercase hexadecimal " +
  "characters";
const FIRST_ARGUMENT_OF_SUBCOMMAND = "Allowing first-arg of a subcommand is not supported";

export interface RuleContext {
  readonly catalog: Catalog;
  /** `acl-pubsub-default allchannels`. */
  readonly allChannelsByDefault: boolean;
  readonly warn: (text: string) => void;
}

/** Names and patterns must be one word without NUL, so that rules can be written down. */
export function hasBlanks(text: string): boolean {
  return /[ \t\n\v\f\r\0]/.test(text);
}

/**
 * Rules in which each selector is one word, whatever words its parentheses were spread over; or
 * the word with the parenthesis that is not closed.
 */
export function mergeSelectors(words: readonly string[]): string[] | { readonly open: string } {
  const rules: string[] = [];
  let open: string | null = null;
  let selector = "";
  for (const word of words) {
    if (word.startsWith("(") && !word.endsWith(")")) {
      open = word;
      selector = word;
    } else if (open === null) {
      rules.push(word);
    } else {
      selector += ` ${word}`;
      if (!word.endsWith(")")) continue;
      rules.push(selector);
      open = null;
    }
  }
  return open === null ? rules : { open };
}

/** Applies one rule; null, or what is wrong with it (ACLSetUser). */
export function applyRule(user: User, rule: string, context: RuleContext): string | null {
  switch (rule.toLowerCase()) {
    case "":
      return null;
    case "on":
      user.isOn = true;
      return null;
    case "off":
      user.isOn = false;
      return null;
    case "skip-sanitize-payload":
      user.skipsSanitizing = true;
      return null;
    case "sanitize-payload":
      user.skipsSanitizing = false;
      return null;
    case "nopass":
    case "resetpass":
      user.needsNoPassword = rule.toLowerCase() === "nopass";
      user.passwords = [];
      return null;
    case "clearselectors":
      user.others = [];
      return null;
    case "reset":
      resetUser(user, context);
      return null;
    default:
      if (/^[><#!]/.test(rule)) return applyPassword(user, rule);
      if (rule.startsWith("(") && rule.endsWith(")")) return addSelector(user, rule, context);
      return applySelectorRule(user.root, rule, context);
  }
}

function resetUser(user: User, context: RuleContext): void {
  user.isOn = false;
  user.needsNoPassword = false;
  user.skipsSanitizing = false;
  user.passwords = [];
  user.root = user.newSelector(context.allChannelsByDefault);
  user.others = [];
}

function applyPassword(user: User, rule: string): string | null {
  const isPlain = rule.startsWith(">") || rule.startsWith("<");
  const text = rule.slice(1);
  if (!isPlain && !isHash(text)) return NOT_A_HASH;
  const hash = isPlain ? hashOf(text) : text;
  if (rule.startsWith(">") || rule.startsWith("#")) {
    if (!user.passwords.includes(hash)) user.passwords.push(hash);
    user.needsNoPassword = false;
    return null;
  }
  if (!user.passwords.includes(hash)) return NO_SUCH_PASSWORD;
  user.passwords = user.passwords.filter((known) => known !== hash);
  return null;
}

function addSelector(user: User, rule: string, context: RuleContext): string | null {
  const selector = user.newSelector(context.allChannelsByDefault);
  const bytes = bytesOf(rule);
  const words = splitArguments(bytes, 1, bytes.length - 2) ?? [];
  for (const word of words) {
    const problem = applySelectorRule(selector, textOf(word), context);
    if (problem !== null) return problem;
  }
  user.others.push(selector);
  return null;
}

function applySelectorRule(selector: Selector, rule: string, context: RuleContext): string | null {
  switch (rule.toLowerCase()) {
    case "allkeys":
    case "~*":
      selector.allKeys = true;
      selector.keys = [];
      return null;
    case "resetkeys":
      selector.allKeys = false;
      selector.keys = [];
      return null;
    case "allchannels":
    case "&*":
      selector.allChannels = true;
      selector.channels = [];
      return null;
    case "resetchannels":
      selector.allChannels = false;
      selector.channels = [];
      return null;
    case "allcommands":
    case "+@all":
      selector.permitAll(true);
      return null;
    case "nocommands":
    case "-@all":
      selector.permitAll(false);
      return null;
    default:
      if (/^[~%]/.test(rule)) return addKeys(selector, rule);
      if (rule.startsWith("&")) return addChannels(selector, rule.slice(1));
      if (/^[+-]/.test(rule)) return applyCommandRule(selector, rule, context);
      return SYNTAX;
  }
}

/** `~pattern` or `%RW~pattern`; letters without "~" are, as in Redis, a pattern of nothing. */
const KEY_RULE = /^(?:%([RW]+))?(?:~(.*))?$/is;

function addKeys(selector: Selector, rule: string): string | null {
  if (selector.allKeys) return ALL_KEYS_ALREADY;
  const [, letters = "", text = ""] = KEY_RULE.exec(rule) ?? [];
  const permissions = rule.startsWith("~") ? READ_WRITE : permissionsOf(letters.toUpperCase());
  if (permissions === 0 || hasBlanks(text)) return SYNTAX;
  const known = selector.keys.findIndex((pattern) => pattern.text === text);
  if (known < 0) {
    selector.keys = [...selector.keys, new KeyPattern(text, permissions)];
  } else {
    const together = selector.keys[known].permissions | permissions;
    selector.keys = selector.keys.with(known, new KeyPattern(text, together));
  }
  return null;
}

/** 0 where the letters say nothing or something twice. */
function permissionsOf(letters: string): number {
  if (letters === "R") return READ;
  if (letters === "W") return WRITE;
  return letters === "RW" || letters === "WR" ? READ_WRITE : 0;
}

function addChannels(selector: Selector, text: string): string | null {
  if (selector.allChannels) return ALL_CHANNELS_ALREADY;
  if (hasBlanks(text)) return SYNTAX;
  if (!selector.channels.some((known) => known.text === text)) {
    selector.channels.push(new Pattern(text));
  }
  return null;
}

function applyCommandRule(selector: Selector, rule: string, context: RuleContext): string | null {
  const isPermitted = rule.startsWith("+");
  const name = rule.slice(1);
  if (name.startsWith("@")) {
    const members = context.catalog.category(name.slice(1));
    if (members === null) return UNKNOWN_NAME;
    for (const member of members) selector.permit(member, isPermitted);
    selector.addRule(name, isPermitted);
    return null;
  }
  const bar = name.lastIndexOf("|");
  if (isPermitted && bar >= 0) return permitPart(selector, name, bar, context);
  const command = context.catalog.find(name);
  if (command === null) return UNKNOWN_NAME;
  selector.permit(command, isPermitted);
  selector.addRule(command.fullName, isPermitted);
  return null;
}

/** `+container|subcommand`, or `+command|first-argument`, which Redis deprecates. */
function permitPart(
  selector: Selector,
  name: string,
  bar: number,
  { catalog, warn }: RuleContext,
): string | null {
  const command = catalog.find(name.slice(0, bar));
  if (command === null) return UNKNOWN_NAME;
  if (command.parent !== null) return FIRST_ARGUMENT_OF_SUBCOMMAND;
  const part = name.slice(bar + 1);
  if (part === "") return SYNTAX;
  if (command.subcommands.length > 0) {
    const subcommand = catalog.find(name);
    if (subcommand === null) return UNKNOWN_NAME;
    selector.permit(subcommand, true);
  } else {
    warn(
      "Deprecation warning: Allowing a first arg of an otherwise blocked command is a misuse of " +
        `ACL and may get disabled in the future (offender: +${name})`,
    );
    const upperPart = part.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
    selector.permitFirstArgument(command, upperPart);
  }
  selector.addRule(name, true);
  return null;
}
