/**
 * What may be done together: commands, on keys, on channels. A user has one selector for the
 * rules given to it directly (the root) and one for each rule in parentheses; a request passes
 * where one selector alone permits all of it.
 *
 * Commands are permitted by a byte per command id. `rules` are the command rules as given, less
 * those that later ones made void; they are what is shown and saved. Benchmark:
 * bench/micro/execute.ts.
 */
import { equalsWord } from "../../base/bytes.ts";
import type { Arguments } from "../../protocol/arguments.ts";
import {
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_UPDATE,
  NO_AUTH,
  type Command,
} from "../command.ts";
import { type KeyPattern, type Pattern, READ, WRITE } from "./pattern.ts";
import { PatternTable } from "./pattern-table.ts";

const WRITES = KEY_INSERT | KEY_DELETE | KEY_UPDATE;

/** The permissions that a key needs for its KEY_ flags. */
export function neededFor(keyFlags: number): number {
  return ((keyFlags & KEY_ACCESS) === 0 ? 0 : READ) | ((keyFlags & WRITES) === 0 ? 0 : WRITE);
}

export class Selector {
  allKeys = false;
  allChannels: boolean;
  /** Every command: nothing was taken away since +@all. */
  allCommands = false;
  /** It began with +@all, so what later versions add is permitted. */
  startsWithAll = false;
  private keyPatterns: readonly KeyPattern[] = [];
  /** The key patterns, ready for being matched. */
  table = new PatternTable([]);
  channels: Pattern[] = [];
  rules: string[] = [];
  /** By command id: 1 where permitted. */
  readonly permitted: Uint8Array;
  /** By command id: first arguments, in upper case, with which alone it is permitted. */
  private firstArguments = new Map<number, string[]>();

  constructor(idLimit: number, allChannels: boolean) {
    this.permitted = new Uint8Array(idLimit);
    this.allChannels = allChannels;
  }

  copy(): Selector {
    const copy = new Selector(this.permitted.length, this.allChannels);
    copy.allKeys = this.allKeys;
    copy.allCommands = this.allCommands;
    copy.startsWithAll = this.startsWithAll;
    copy.keys = this.keys;
    copy.channels = [...this.channels];
    copy.rules = [...this.rules];
    copy.permitted.set(this.permitted);
    for (const [id, words] of this.firstArguments) copy.firstArguments.set(id, [...words]);
    return copy;
  }

  get keys(): readonly KeyPattern[] {
    return this.keyPatterns;
  }

  set keys(patterns: readonly KeyPattern[]) {
    this.keyPatterns = patterns;
    this.table = new PatternTable(patterns);
  }

  get permitsEverything(): boolean {
    return this.allKeys && this.allChannels && this.allCommands;
  }

  /** +@all, -@all. */
  permitAll(isPermitted: boolean): void {
    this.permitted.fill(isPermitted ? 1 : 0);
    this.allCommands = isPermitted;
    this.startsWithAll = isPermitted;
    this.firstArguments.clear();
    this.rules = [];
  }

  /** A command, with its subcommands. */
  permit(command: Command, isPermitted: boolean): void {
    this.mark(command, isPermitted);
    this.firstArguments.delete(command.id);
    for (const subcommand of command.subcommands) this.mark(subcommand, isPermitted);
  }

  /** A first argument with which a command is permitted that else is not. */
  permitFirstArgument(command: Command, upperWord: string): void {
    const words = this.firstArguments.get(command.id) ?? [];
    if (!words.includes(upperWord)) words.push(upperWord);
    this.firstArguments.set(command.id, words);
  }

  /** Adds a command rule behind the others; it voids those of the same or a part of it. */
  addRule(name: string, isPermitted: boolean): void {
    const lower = name.toLowerCase();
    const parts = `${lower}|`;
    this.rules = this.rules.filter((rule) => rule.slice(1) !== lower && !rule.startsWith(parts, 1));
    this.rules.push(`${isPermitted ? "+" : "-"}${lower}`);
  }

  permitsCommand(command: Command, args: Arguments): boolean {
    if (this.allCommands || this.permitted[command.id] === 1) return true;
    if ((command.flags & NO_AUTH) !== 0) return true;
    const words = this.firstArguments.get(command.id);
    if (words === undefined || args.count < 2) return false;
    for (const word of words) {
      if (equalsWord(args.bytes, args.starts[1], args.lengths[1], word)) return true;
    }
    return false;
  }

  /** Whether one pattern gives the permissions `needed` for this key. */
  permitsKey(bytes: Uint8Array, start: number, length: number, needed: number): boolean {
    if (this.allKeys) return true;
    return this.table.permits(bytes, start, length, needed);
  }

  /** Whether one pattern gives the permissions `needed` for any key. */
  permitsAnyKey(needed: number): boolean {
    if (this.allKeys) return true;
    return this.keys.some(
      ({ permissions, text }) => (permissions & needed) === needed && text === "*",
    );
  }

  /** A pattern to listen to must itself be permitted, literally; a channel may match one. */
  permitsChannel(bytes: Uint8Array, start: number, length: number, isPattern: boolean): boolean {
    if (this.allChannels) return true;
    for (const permitted of this.channels) {
      const matches = isPattern
        ? permitted.is(bytes, start, length)
        : permitted.matches(bytes, start, length);
      if (matches) return true;
    }
    return false;
  }

  private mark(command: Command, isPermitted: boolean): void {
    this.permitted[command.id] = isPermitted ? 1 : 0;
    if (!isPermitted) this.allCommands = false;
  }
}
