/**
 * A pattern of keys or channels that an ACL names. Almost all are a word or a word and a final
 * star; those are compared byte by byte, the others as globs.
 */
import { bytesOf, equalBytes } from "../../base/bytes.ts";
import { matchGlob } from "../../base/glob.ts";

const STAR = 42;
/** What means something else than itself in a glob: * ? [ \ */
const SPECIAL = /[*?[\\]/;

export const LITERAL = 0;
export const PREFIX = 1;
export const GLOB = 2;

/** What a key pattern permits; a key may need both. */
export const READ = 1;
export const WRITE = 2;
export const READ_WRITE = READ | WRITE;

export class Pattern {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** LITERAL, PREFIX or GLOB. */
  readonly kind: number;
  /** Of the part at the beginning that stands for itself. */
  readonly plainLength: number;

  constructor(text: string) {
    this.text = text;
    this.bytes = bytesOf(text);
    const special = text.search(SPECIAL);
    const isPrefix = special === text.length - 1 && this.bytes[special] === STAR;
    this.plainLength = special < 0 ? text.length : special;
    if (special < 0) this.kind = LITERAL;
    else this.kind = isPrefix ? PREFIX : GLOB;
  }

  /** Whether the text matches, as matchGlob tells it: nothing but "" matches an empty text. */
  matches(text: Uint8Array, start: number, length: number): boolean {
    const { bytes, kind, plainLength } = this;
    if (kind === GLOB) return matchGlob(bytes, 0, bytes.length, text, start, length, false);
    if (kind === LITERAL) {
      return length === plainLength && equalBytes(bytes, 0, text, start, length);
    }
    return length > 0 && length >= plainLength && equalBytes(bytes, 0, text, start, plainLength);
  }

  /** Whether the text is the pattern itself. */
  is(text: Uint8Array, start: number, length: number): boolean {
    return length === this.bytes.length && equalBytes(this.bytes, 0, text, start, length);
  }
}

export class KeyPattern extends Pattern {
  /** READ, WRITE or both. */
  readonly permissions: number;

  constructor(text: string, permissions: number) {
    super(text);
    this.permissions = permissions;
  }

  /** As a rule: `~` for both permissions. */
  get rule(): string {
    if (this.permissions === READ_WRITE) return `~${this.text}`;
    return `${this.permissions === READ ? "%R~" : "%W~"}${this.text}`;
  }
}
