/**
 * One configuration directive: how its arguments are read, what the server sees (`value`), what
 * CONFIG GET shows (`text`), and what CONFIG REWRITE writes.
 *
 * Texts are byte strings: one code unit is one byte, so any byte a user writes survives. Values
 * are for code: numbers, booleans, string literals, decoded paths. The text is the exact side:
 * a number beyond 2^53 is rounded as a value and whole as a text.
 */

/** What the outside does for directives that touch it. */
export interface OptionHost {
  /** Changes the working directory; an error text of strerror(3), or null. */
  changeDirectory(path: string): string | null;
  workingDirectory(): string;
}

export interface ParseContext<T> {
  readonly previous: T;
  readonly previousText: string;
  /** Reading a file or the command line, not CONFIG SET. */
  readonly inFile: boolean;
  /** An earlier line of the files has set this directive already. */
  readonly repeated: boolean;
  readonly host: OptionHost;
  /** What CONFIG GET shows at present for another directive. */
  readonly textOf: (name: string) => string;
}

export interface Accepted<T> {
  readonly value: T;
  readonly text: string;
}

/** The arguments of one line of the file; an unforced line only replaces one that is there. */
export interface RewriteLine {
  readonly text: string;
  readonly forced: boolean;
}

export interface OptionTraits {
  readonly aliases?: readonly string[];
  /** Only the files and the command line can set it. */
  readonly immutable?: true;
  /** CONFIG SET needs `enable-protected-configs`. */
  readonly protected?: true;
  /** Its value is kept out of the slow log and MONITOR. */
  readonly sensitive?: true;
  /** CONFIG GET shows it only when asked by its exact name. */
  readonly hidden?: true;
  /** CONFIG SET is refused while a dataset is loading. */
  readonly notWhileLoading?: true;
  /** Applied again even when the text is the same: what it names may have changed (a file). */
  readonly volatile?: true;
  /** Why the directive is accepted and shown but changes nothing here. */
  readonly withoutEffect?: string;
}

export interface Option<T> {
  readonly traits: OptionTraits;
  /** Takes any number of arguments and checks the count itself. */
  readonly many: boolean;
  readonly initial: Accepted<T>;
  /** The value with its normal text, or the reason of the refusal. */
  parse(args: readonly string[], context: ParseContext<T>): Accepted<T> | string;
  /** The lines that restore the value; none when its absence does. */
  rewrite(value: T, text: string): readonly RewriteLine[];
  /** Takes back what parsing did outside, when a later setting of the same CONFIG SET fails. */
  undo?(previous: T, host: OptionHost): void;
}

export const WRONG_COUNT = "wrong number of arguments";

/** The rewrite rule of most directives: one line, forced unless the value is the default. */
export function rewriteUnlessDefault(text: string, initial: string): readonly RewriteLine[] {
  return [{ text, forced: text !== initial }];
}

/** The part that C sees of a string: what precedes its first NUL byte. */
export function untilNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}

/** Byte string to a path or other text for the runtime, and back. */
export function decoded(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

export function encoded(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
