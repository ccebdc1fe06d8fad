/**
 * Whether a user may make a request: the command, every key in it, every channel in it
 * (ACLCheckAllUserCommandPerm, acl.c). Nothing is allocated per request.
 */
import type { Arguments } from "../../protocol/arguments.ts";
import type { Command } from "../command.ts";
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
    const { selectors } = user;
    for (let i = 0; i < selectors.length; i++) {
      const one = this.checkSelector(selectors[i], command, args);
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
    if (!selector.allChannels && command.declaration.channels !== undefined) {
      return this.checkChannels(selector, command, args);
    }
    return GRANTED;
  }

  private checkChannels(selector: Selector, command: Command, args: Arguments): number {
    const kind = command.declaration.channels;
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
