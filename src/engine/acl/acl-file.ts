/**
 * ACL files: a line `user <name> <rule> …` for each user, words parted by single spaces, no quotes
 * and no comments. A file with any mistake is refused whole (ACLLoadFromFile, acl.c).
 */
import { applyRule, hasBlanks, mergeSelectors, type RuleContext, UNKNOWN_NAME } from "./rules.ts";
import { User } from "./user.ts";

export interface ReadUsers {
  readonly users: Map<string, User>;
  /** All that is wrong, on one line; empty where nothing is. */
  readonly errors: string;
}

/** Reads a file's text; `path` is its name in errors. Texts are Latin-1. */
export function readUsers(text: string, path: string, context: RuleContext): ReadUsers {
  const users = new Map<string, User>();
  let errors = "";
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/^[ \t\r]+|[ \t\r]+$/g, "");
    if (line === "") continue;
    const where = `${path}:${index + 1}`;
    const [keyword, name, ...words] = line.split(" ");
    if (keyword !== "user" || name === undefined) {
      errors += `${where} should start with user keyword followed by the username. `;
    } else if (hasBlanks(name)) {
      errors += `'${where}: username '${name}' contains invalid characters. `;
    } else if (users.has(name)) {
      errors += `WARNING: Duplicate user '${name}' found on line ${index + 1}. `;
    } else {
      const user = new User(name, context.catalog.idLimit, context.allChannelsByDefault);
      users.set(name, user);
      errors += applyWords(user, words, where, context);
    }
  }
  return { users, errors };
}

function applyWords(
  user: User,
  words: readonly string[],
  where: string,
  context: RuleContext,
): string {
  const rules = mergeSelectors(words);
  if ("open" in rules) return `${where}: Unmatched parenthesis in selector definition.`;
  let errors = "";
  let hasOther = false;
  for (const raw of rules) {
    const rule = raw.replace(/^[\t\r]+|[\t\r]+$/g, "");
    const problem = applyRule(user, rule, context);
    if (problem === UNKNOWN_NAME) {
      // A name is no secret, so it can be shown; other rules may hold passwords.
      errors += `${where}: Error in applying operation '${rule}': ${problem}. `;
    } else if (problem !== null && !hasOther) {
      hasOther = true;
      errors += `${where}: ${problem}. `;
    }
  }
  return errors;
}
