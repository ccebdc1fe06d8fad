/** Directives that are a word or a text: yes/no, one of a list, several of a list, free text. */
import { bytesOf } from "../../base/bytes.ts";
import { quoteBytes } from "../../base/quoted-arguments.ts";
import {
  type Accepted,
  decoded,
  encoded,
  type Option,
  type OptionTraits,
  type ParseContext,
  type RewriteLine,
  rewriteUnlessDefault,
  untilNul,
} from "./option.ts";

export function flag(initial: boolean, traits: OptionTraits = {}): Option<boolean> {
  const yes = { value: true, text: "yes" };
  const no = { value: false, text: "no" };
  const initially = initial ? yes : no;
  return {
    traits,
    many: false,
    initial: initially,
    parse(args) {
      const word = untilNul(args[0]).toLowerCase();
      if (word === "no") return no;
      return word === "yes" ? yes : "argument must be 'yes' or 'no'";
    },
    rewrite: (_value, text) => rewriteUnlessDefault(text, initially.text),
  };
}

interface ChoiceTraits<W extends string> extends OptionTraits {
  /** A word that means the same as another one, and is shown as that one. */
  readonly synonym?: readonly [W, W];
}

/** One of the words, in any case. */
export function choice<const W extends string>(
  words: readonly W[],
  initial: NoInfer<W>,
  traits: ChoiceTraits<NoInfer<W>> = {},
): Option<W> {
  return {
    traits,
    many: false,
    initial: { value: initial, text: initial },
    parse(args) {
      const [found] = findWords(words, args) ?? [];
      if (found === undefined) return unknownWord(words);
      const word = found === traits.synonym?.[0] ? traits.synonym[1] : found;
      return { value: word, text: word };
    },
    rewrite: (_value, text) => rewriteUnlessDefault(text, initial),
  };
}

/** Any of the words together, kept in their declared order; `none` stands for the empty list. */
export function choices<const W extends string>(
  none: string,
  words: readonly W[],
  check: (chosen: ReadonlySet<string>) => string | null,
  traits: OptionTraits = {},
): Option<readonly W[]> {
  const all: readonly string[] = [none, ...words];
  return {
    traits,
    many: true,
    initial: { value: [], text: none },
    parse(args) {
      const found = findWords(all, args);
      if (found === null) return unknownWord(all);
      const chosen = new Set(found);
      const refusal = check(chosen);
      if (refusal !== null) return refusal;
      const value = words.filter((word) => chosen.has(word));
      return { value, text: value.length === 0 ? none : value.join(" ") };
    },
    rewrite: (_value, text) => rewriteUnlessDefault(text, none),
  };
}

function findWords<W extends string>(words: readonly W[], args: readonly string[]): W[] | null {
  if (args.length === 0) return null;
  const found: W[] = [];
  for (const arg of args) {
    const lower = untilNul(arg).toLowerCase();
    const word = words.find((known) => known === lower);
    if (word === undefined) return null;
    found.push(word);
  }
  return found;
}

function unknownWord(words: readonly string[]): string {
  return `argument(s) must be one of the following: ${words.join(", ")}`;
}

interface TextTraits extends OptionTraits {
  /** The reason why a text is refused, or null. */
  readonly check?: (text: string, context: ParseContext<unknown>) => string | null;
}

/** A byte string, cut at a NUL byte. */
export function plainText(initial: string, traits: TextTraits = {}): Option<string> {
  return textOption({ value: initial, text: initial }, traits, untilNul, (bytes) => bytes);
}

/** A byte string, null when empty. */
export function optionalText(traits: TextTraits = {}): Option<string | null> {
  return textOption<string | null>(UNSET, traits, untilNul, (bytes) => bytes || null);
}

/** A byte string that may hold any byte, null when empty. */
export function secret(traits: TextTraits = {}): Option<string | null> {
  const sensitive = { ...traits, sensitive: true } as const;
  return textOption<string | null>(
    UNSET,
    sensitive,
    (bytes) => bytes,
    (bytes) => bytes || null,
  );
}

/** A file or directory name, decoded as UTF-8 for the file system. */
export function path(initial: string, traits: TextTraits = {}): Option<string> {
  return textOption({ value: initial, text: encoded(initial) }, traits, untilNul, decoded);
}

/** A path, null when empty. */
export function optionalPath(traits: TextTraits = {}): Option<string | null> {
  return textOption<string | null>(UNSET, traits, untilNul, (bytes) => decoded(bytes) || null);
}

const UNSET = { value: null, text: "" };

function textOption<T extends string | null>(
  initial: Accepted<T>,
  traits: TextTraits,
  seen: (raw: string) => string,
  valueOf: (bytes: string) => T,
): Option<T> {
  return {
    traits,
    many: false,
    initial,
    parse(args, context) {
      const bytes = seen(args[0]);
      const refusal = traits.check?.(bytes, context) ?? null;
      return refusal ?? { value: valueOf(bytes), text: bytes };
    },
    rewrite(value, bytes) {
      if (value === null) return [];
      return [quotedLine(bytes, initial.value === null || bytes !== initial.text)];
    },
  };
}

export function quotedLine(bytes: string, forced: boolean): RewriteLine {
  return { text: quoteBytes(bytesOf(bytes), 0, bytes.length), forced };
}
