/**
 * The `user` lines of the configuration. They are checked as they are read and become users once
 * the server is built (ACLAppendUserForLoading and ACLLoadConfiguredUsers, acl.c).
 */
import {
  applyRule,
  DUPLICATE_USER,
  mergeSelectors,
  type RuleContext,
  UNKNOWN_NAME,
} from "./rules.ts";
import { User } from "./user.ts";

export interface ConfiguredUser {
  readonly name: string;
  readonly rules: readonly string[];
}

export class ConfiguredUsers {
  readonly list: ConfiguredUser[] = [];
  /** Asked for at each line: earlier lines of the file set the defaults. */
  private readonly context: () => RuleContext;

  constructor(context: () => RuleContext) {
    this.context = context;
  }

  /** `name rule …`; null, or which argument is wrong and how. */
  add(args: readonly string[]): { readonly argument: string; readonly error: string } | null {
    const [name, ...words] = args;
    if (this.list.some((known) => known.name === name)) {
      return { argument: name, error: DUPLICATE_USER };
    }
    const rules = mergeSelectors(words);
    if ("open" in rules) {
      return { argument: name, error: `Unmatched parenthesis in selector '${rules.open}'` };
    }
    const context = this.context();
    const trial = new User(name, context.catalog.idLimit, context.allChannelsByDefault);
    for (const rule of rules) {
      const problem = applyRule(trial, rule, context);
      // Unknown commands are refused when all is read, as those of modules are in Redis.
      if (problem === null || problem === UNKNOWN_NAME) continue;
      const isSecret = /^[><#!]/.test(rule);
      return { argument: isSecret ? name : rule, error: problem };
    }
    this.list.push({ name, rules });
    return null;
  }
}
