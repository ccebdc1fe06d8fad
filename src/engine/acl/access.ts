/**
 * Whether a user may make a request: the command, every key in it, every channel in it
 * (ACLCheckAllUserCommandPerm, acl.c). Nothing is allocated per request.
 */
import type { Arguments } from "../../protocol/arguments.ts";
import { FIXED_WORDS, type Command } from "../command.ts";
import { KeyPlaces, locateKeys } from "../key-finder.ts";
import { neededFor, type Selector } from "./selector.ts";
import type { User } from "./user.ts";

/** Verdicts, the graver the larger: a user is told of the largest. */
export const GRANTED = 0;
export const DENIED_COMMAND = 1;
export const DENIED_KEY = 2;
export const DENIED_AUTH = 3;
export const DENIED_CHANNEL = 4;

export class Access {
  /** After a denial: the argument with the key or channel that is at fault. */
  deniedAt = 0;
  private readonly keys = new KeyPlaces();
  private hasKeys = false;
  /** Of the selector that was looked at last. */
  private faultAt = 0;

  check(user: User, command: Command, args: Arguments): number {
    let verdict = DENIED_COMMAND;
    this.deniedAt = 0;
    this.faultAt = 0;
    this.hasKeys = false;
    const { root, others } = user;
    for (let i = -1; i < others.length; i++) {
      const one = this.checkSelector(i < 0 ? root : others[i], command, args);
      if (one === GRANTED) return GRANTED;
      if (one > verdict || (one === verdict && this.faultAt > this.deniedAt)) {
        verdict = one;
        this.deniedAt = this.faultAt;
      }
    }
    return verdict;
  }

  /** Whether a selector permits the request and, besides, `needed` for any key at all. */
  permitsAnyKey(user: User, command: Command, args: Arguments, needed: number): boolean {
    this.hasKeys = false;
    return user.selectors.some(
      (selector) =>
        this.checkSelector(selector, command, args) === GRANTED && selector.permitsAnyKey(needed),
    );
  }

  private checkSelector(selector: Selector, command: Command, args: Arguments): number {
    if (!selector.permitsCommand(command, args)) return DENIED_COMMAND;
    if (!selector.allKeys && command.hasKeys) {
      if (!this.hasKeys) {
        locateKeys(command, args, 0, this.keys);
        this.hasKeys = true;
      }
      const { bytes, starts, lengths } = args;
      const { count, indices, flags } = this.keys;
      for (let i = 0; i < count; i++) {
        const at = indices[i];
        if (!selector.permitsKey(bytes, starts[at], lengths[at], neededFor(flags[i]))) {
          this.faultAt = at;
          return DENIED_KEY;
        }
      }
    }
    if (!selector.allChannels && command.channels !== null) {
      return this.checkChannels(selector, command, args);
    }
    return GRANTED;
  }

  private checkChannels(selector: Selector, command: Command, args: Arguments): number {
    const kind = command.channels;
    const end = kind === "first" ? Math.min(2, args.count) : args.count;
    for (let i = 1; i < end; i++) {
      const { bytes, starts, lengths } = args;
      if (selector.permitsChannel(bytes, starts[i], lengths[i], kind === "patterns")) continue;
      this.faultAt = i;
      return DENIED_CHANNEL;
    }
    return GRANTED;
  }
}

/**
 * Whether a selector permits the request and that can be told quickly: `Access.check` in as few
 * calls as can be, for the requests that users make all the time.
 */
export function passes(selector: Selector, command: Command, args: Arguments): boolean {
  if (selector.permitted[command.id] !== 1) return false;
  if (command.channels !== null && !selector.allChannels) return false;
  if (selector.allKeys || !command.hasKeys) return true;
  const { fixedKeys } = command;
  if (fixedKeys === null) return false;
  const { table } = selector;
  const { bytes, starts, lengths, count } = args;
  for (let i = 0; i < fixedKeys.length; i += FIXED_WORDS) {
    const first = fixedKeys[i];
    const lastKey = fixedKeys[i + 1];
    const last = lastKey >= 0 ? first + lastKey : count + lastKey;
    if (last >= count) return false;
    const needed = neededFor(fixedKeys[i + 3]);
    for (let at = first; at <= last; at += fixedKeys[i + 2]) {
      if (!table.permits(bytes, starts[at], lengths[at], needed)) return false;
    }
  }
  return true;
}
