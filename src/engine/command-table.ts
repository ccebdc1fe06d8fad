/**
 * Finds a command by its name's bytes, in any case, without making a string: names hash to
 * slots of an open-addressing table, built once.
 */
import { equalsWord } from "../base/bytes.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { gatesOf } from "./admission.ts";
import type { Command } from "./command.ts";

const NO_COMMAND = -1;

export class CommandTable {
  /** In the order of their names. */
  readonly commands: readonly Command[];
  private readonly mask: number;
  private readonly slots: Int32Array;
  private readonly upperNames: string[];
  private last: Command | null = null;
  private lastUpperName = "";

  constructor(commands: readonly Command[]) {
    this.commands = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.upperNames = this.commands.map((command) => command.name.toUpperCase());
    let size = 64;
    while (size < this.commands.length * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Int32Array(size).fill(NO_COMMAND);
    this.upperNames.forEach((name, index) => {
      let slot = hashOfText(name) & this.mask;
      while (this.slots[slot] !== NO_COMMAND) slot = (slot + 1) & this.mask;
      this.slots[slot] = index;
    });
    for (const command of this.commands) {
      command.gates = gatesOf(command);
      for (const subcommand of command.subcommands) subcommand.gates = gatesOf(subcommand);
    }
  }

  /** The command that argument 0 names, or its subcommand that argument 1 names; or null. */
  find(args: Arguments): Command | null {
    const found = this.findTop(args.bytes, args.starts[0], args.lengths[0]);
    if (found === null || found.subcommands.length === 0 || args.count < 2) return found;
    return this.findSubcommand(found, args);
  }

  /** As `find`, for a command line that begins at argument `first`. */
  findFrom(args: Arguments, first: number): Command | null {
    const name = args.text(first).toLowerCase();
    const found = this.byName(name);
    if (found === null || found.parent !== null) return null;
    if (found.subcommands.length === 0) return found;
    if (first + 1 >= args.count) return found;
    return this.byName(`${name}|${args.text(first + 1).toLowerCase()}`);
  }

  /** All commands, each followed by its subcommands. */
  all(): Command[] {
    return this.commands.flatMap((command) => [command, ...command.subcommands]);
  }

  byName(name: string): Command | null {
    const [top, sub, more] = name.toLowerCase().split("|");
    if (more !== undefined) return null;
    const found = this.commands.find((command) => command.name === top) ?? null;
    if (found === null || sub === undefined) return found;
    return found.subcommands.find((command) => command.name === sub) ?? null;
  }

  private findTop(bytes: Uint8Array, start: number, length: number): Command | null {
    // Pipelines repeat commands: the last one is tried first.
    if (equalsWord(bytes, start, length, this.lastUpperName)) return this.last;
    let slot = hashOfRange(bytes, start, length) & this.mask;
    for (;;) {
      const index = this.slots[slot];
      if (index === NO_COMMAND) return null;
      if (equalsWord(bytes, start, length, this.upperNames[index])) {
        this.last = this.commands[index];
        this.lastUpperName = this.upperNames[index];
        return this.last;
      }
      slot = (slot + 1) & this.mask;
    }
  }

  private findSubcommand(container: Command, args: Arguments): Command | null {
    for (const subcommand of container.subcommands) {
      if (args.is(1, subcommand.name.toUpperCase())) return subcommand;
    }
    return container.declaration.run === undefined ? null : container;
  }
}

function hashOfRange(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + (bytes[start + i] & 0xdf);
  return hash ^ (hash >>> 7);
}

function hashOfText(upperName: string): number {
  let hash = upperName.length;
  for (let i = 0; i < upperName.length; i++) {
    hash = Math.imul(hash, 31) + (upperName.charCodeAt(i) & 0xdf);
  }
  return hash ^ (hash >>> 7);
}
