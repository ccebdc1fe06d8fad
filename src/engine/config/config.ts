/**
 * The server's configuration. The rest of the server reads `values`, plain fields; CONFIG GET,
 * SET and REWRITE and the start-up go through the methods. Names, arguments and texts that come
 * in or go out are byte strings (one code unit, one byte).
 *
 * CONFIG SET is all or nothing: every value is checked and set, then everyone who asked to hear
 * of a change is called, and if one refuses, values and calls are taken back.
 */
import { resolve } from "node:path";
import { bytesOf, textOf } from "../../base/bytes.ts";
import { type Disk, replaceFile } from "../../base/disk.ts";
import { matchGlob } from "../../base/glob.ts";
import type { Log } from "../../base/log.ts";
import { LOADING, SYNTAX } from "../../protocol/errors.ts";
import { findOption, NAMED_OPTIONS, type NamedOption } from "./_names.ts";
import type { ConfigValues, DirectiveName } from "./directives.ts";
import type { ConfigHost } from "./host.ts";
import { type ConfigSources, type FileDirectives, type LoadFailure, loadSources } from "./load.ts";
import { type Accepted, encoded } from "./option.ts";
import { rewrittenText } from "./rewrite.ts";
import { systemErrorText } from "./system-errors.ts";

/** Who sends CONFIG SET. */
export interface SetContext {
  readonly isLoading: boolean;
  /** A client on a unix socket or from 127.0.0.1 or ::1. */
  readonly isLocal: boolean;
}

type Apply = (next: unknown, previous: unknown) => string | null;

interface Change {
  readonly named: NamedOption;
  readonly previous: Accepted<unknown>;
  readonly hasChanged: boolean;
}

interface Application {
  readonly apply: Apply;
  readonly change: Change;
}

export class Config {
  readonly values: ConfigValues;
  /** The file given at the start, as an absolute path. */
  file: string | null = null;
  private readonly host: ConfigHost;
  private readonly log: Pick<Log, "notice" | "warning">;
  private readonly fields: Record<string, unknown> = {};
  private readonly texts = new Map<DirectiveName, string>();
  private readonly setByFile = new Set<DirectiveName>();
  private readonly listeners = new Map<DirectiveName, Apply[]>();
  private readonly shown = (name: string): string => {
    const named = findOption(name);
    return named === undefined ? "" : this.text(named.directive);
  };

  constructor(host: ConfigHost, log: Pick<Log, "notice" | "warning">) {
    this.host = host;
    this.log = log;
    for (const { directive, option } of NAMED_OPTIONS) this.put(directive, option.initial);
    const directory = host.workingDirectory();
    this.put("dir", { value: directory, text: encoded(directory) });
    this.values = this.fields as unknown as ConfigValues;
  }

  /** What CONFIG GET shows. */
  text(directive: DirectiveName): string {
    return this.texts.get(directive) ?? "";
  }

  /** Whether an argument of CONFIG SET by this name must not be recorded anywhere. */
  isSensitive(name: string): boolean {
    return findOption(name)?.option.traits.sensitive === true;
  }

  /**
   * Calls `apply` when CONFIG SET changes the value; `values` holds the new one already. It may
   * refuse with an error text, having left everything as it was. When another one refuses it is
   * called again with the roles of the values exchanged.
   */
  onApply<Name extends DirectiveName>(
    name: Name,
    apply: (next: ConfigValues[Name], previous: ConfigValues[Name]) => string | null,
  ): void {
    this.listen(name, apply as Apply);
  }

  /** As onApply, but once however many of the directives one CONFIG SET changes. */
  onApplyAny(names: readonly DirectiveName[], apply: () => string | null): void {
    for (const name of names) this.listen(name, apply);
  }

  private listen(name: DirectiveName, apply: Apply): void {
    const applies = this.listeners.get(name) ?? [];
    applies.push(apply);
    this.listeners.set(name, applies);
  }

  /** Reads the files and the command line's options; a failure means the server must not start. */
  load(
    sources: ConfigSources,
    fileDirectives: FileDirectives,
    version: string,
  ): LoadFailure | null {
    const file = sources.file === null ? null : resolve(sources.file);
    this.file = file;
    const target = {
      host: this.host,
      fileDirectives,
      version,
      textOf: this.shown,
      setFromFile: (named: NamedOption, args: readonly string[]): string | null => {
        const refusal = this.write(named, args, true);
        this.setByFile.add(named.directive);
        return refusal;
      },
    };
    return loadSources(target, { ...sources, file });
  }

  /** Sets a value for the server's own reasons, without checks of who asks and without calls. */
  assign(directive: DirectiveName, args: readonly string[]): string | null {
    const named = findOption(directive);
    return named === undefined ? null : this.write(named, args, false);
  }

  /** Names and values by turns, for all options that any of the patterns names. */
  get(patterns: readonly string[]): string[] {
    const found = new Map<string, string[]>();
    for (const pattern of patterns) {
      if (/[*?[]/.test(pattern)) this.collect(pattern, found);
      else {
        const named = findOption(pattern);
        if (named === undefined || found.has(named.name)) continue;
        found.set(named.name, [pattern, this.text(named.directive)]);
      }
    }
    return [...found.values()].flat();
  }

  private collect(pattern: string, found: Map<string, string[]>): void {
    const bytes = bytesOf(pattern);
    for (const { name, nameBytes, directive, option } of NAMED_OPTIONS) {
      if (option.traits.hidden === true || found.has(name)) continue;
      if (matchGlob(bytes, 0, bytes.length, nameBytes, 0, nameBytes.length, true)) {
        found.set(name, [name, this.text(directive)]);
      }
    }
  }

  /** CONFIG SET with names and values by turns: the whole error reply, or null. */
  set(args: readonly string[], context: SetContext): string | null {
    if (args.length === 0 || args.length % 2 === 1) return SYNTAX;
    const targets = this.findTargets(args, context);
    if (typeof targets === "string") return targets;
    const changes: Change[] = [];
    for (const [index, named] of targets.entries()) {
      const value = args[2 * index + 1];
      const previous = this.snapshot(named.directive);
      const refusal = this.write(named, setArguments(named, value), false);
      if (refusal !== null) {
        this.restore(changes);
        return setFailed(named.name, refusal);
      }
      changes.push({ named, previous, hasChanged: this.hasChanged(named, previous) });
    }
    return this.applyAll(changes);
  }

  private findTargets(args: readonly string[], context: SetContext): NamedOption[] | string {
    const found: NamedOption[] = [];
    for (let at = 0; at < args.length; at += 2) {
      const name = args[at];
      const named = findOption(name);
      if (named === undefined) {
        return `ERR Unknown option or number of arguments for CONFIG SET - '${name}'`;
      }
      const { traits } = named.option;
      if (traits.immutable === true) return setFailed(name, "can't set immutable config");
      if (traits.protected === true && !this.allowsProtected(context.isLocal)) {
        return setFailed(name, "can't set protected config");
      }
      if (traits.notWhileLoading === true && context.isLoading) return LOADING;
      if (found.includes(named)) return setFailed(name, "duplicate parameter");
      found.push(named);
    }
    return found;
  }

  private allowsProtected(isLocal: boolean): boolean {
    const allowed = this.values["enable-protected-configs"];
    return allowed === "yes" || (allowed === "local" && isLocal);
  }

  private applyAll(changes: readonly Change[]): string | null {
    const done: Application[] = [];
    for (const application of this.applicationsOf(changes)) {
      const { apply, change } = application;
      const { name, directive } = change.named;
      const refusal = apply(this.fields[directive], change.previous.value);
      if (refusal === null) {
        done.push(application);
        continue;
      }
      this.log.warning(
        `Failed applying new configuration. Possibly related to new ${name} setting. ` +
          "Restoring previous settings.",
      );
      this.takeBack(changes, done);
      return setFailed(name, refusal);
    }
    return null;
  }

  /** Each function once, for the first change that calls for it. */
  private applicationsOf(changes: readonly Change[]): Application[] {
    const found = new Map<Apply, Application>();
    for (const change of changes) {
      if (!change.hasChanged) continue;
      for (const apply of this.listeners.get(change.named.directive) ?? []) {
        if (!found.has(apply)) found.set(apply, { apply, change });
      }
    }
    return [...found.values()];
  }

  private takeBack(changes: readonly Change[], done: readonly Application[]): void {
    const refused = new Map(changes.map(({ named }) => [named, this.fields[named.directive]]));
    this.restore(changes);
    for (const { apply, change } of done.toReversed()) {
      const problem = apply(change.previous.value, refused.get(change.named));
      if (problem !== null) {
        this.log.warning(`Failed applying restored failed CONFIG SET command: ${problem}`);
      }
    }
  }

  private restore(changes: readonly Change[]): void {
    for (const { named, previous } of changes.toReversed()) {
      named.option.undo?.(previous.value, this.host);
      this.put(named.directive, previous);
    }
  }

  private hasChanged({ directive, option }: NamedOption, previous: Accepted<unknown>): boolean {
    if (option.traits.volatile === true || this.text(directive) !== previous.text) return true;
    return typeof previous.value === "number" && previous.value !== this.fields[directive];
  }

  private snapshot(directive: DirectiveName): Accepted<unknown> {
    return { value: this.fields[directive], text: this.text(directive) };
  }

  private put(directive: DirectiveName, { value, text }: Accepted<unknown>): void {
    this.fields[directive] = value;
    this.texts.set(directive, text);
  }

  private write(named: NamedOption, args: readonly string[], inFile: boolean): string | null {
    const { directive, option } = named;
    const { value, text } = this.snapshot(directive);
    const accepted = option.parse(args, {
      previous: value,
      previousText: text,
      inFile,
      repeated: this.setByFile.has(directive),
      host: this.host,
      textOf: this.shown,
    });
    if (typeof accepted === "string") return accepted;
    this.put(directive, accepted);
    return null;
  }

  /**
   * CONFIG REWRITE: the whole error reply, or null. `users` are the arguments of the `user`
   * lines ("default on nopass …"); they are left out when an ACL file holds them.
   */
  rewrite(disk: Disk, users: readonly string[], writesAll = false): string | null {
    if (this.file === null) return "ERR The server is running without a config file";
    try {
      const old = disk.readFile(this.file);
      const oldText = old === null ? "" : textOf(old, 0, old.length);
      replaceFile(disk, this.file, bytesOf(this.rewritten(oldText, users, writesAll)));
    } catch (error) {
      const problem = systemErrorText(error);
      this.log.warning(`CONFIG REWRITE failed: ${problem}`);
      return `ERR Rewriting config file: ${problem}`;
    }
    this.log.notice("CONFIG REWRITE executed with success.");
    return null;
  }

  /** The text that CONFIG REWRITE makes of a file's old text. */
  rewritten(oldText: string, users: readonly string[], writesAll: boolean): string {
    return rewrittenText(oldText, {
      linesOf: (directive) => {
        const { value, text } = this.snapshot(directive);
        return findOption(directive)?.option.rewrite(value, text) ?? [];
      },
      users: this.values.aclfile === "" ? users : [],
      writesAll,
    });
  }
}

/** CONFIG SET splits at every single space, so two in a row mean an empty argument. */
function setArguments(named: NamedOption, value: string): string[] {
  if (!named.option.many) return [value];
  return value === "" ? [] : value.split(" ");
}

function setFailed(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}
