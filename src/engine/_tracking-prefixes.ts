/**
 * The prefixes that clients in broadcasting mode follow, and the keys with each that changed
 * since the last broadcast. Texts are Latin-1: their order is that of their bytes.
 */
import { textOf } from "../base/bytes.ts";
import type { Session } from "./session.ts";

export class Prefix {
  readonly followers = new Set<Session>();
  /** Changed keys, each with who changed it last; null: nobody, it expired or was evicted. */
  readonly changed = new Map<string, Session | null>();

  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  begins(bytes: Uint8Array, start: number, length: number): boolean {
    const { text } = this;
    if (text.length > length) return false;
    for (let i = 0; i < text.length; i++) {
      if (bytes[start + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }
}

export class Prefixes {
  /** Some prefix has changed keys. */
  hasChanges = false;
  /** In the order of their bytes. */
  private prefixes: Prefix[] = [];

  get count(): number {
    return this.prefixes.length;
  }

  follow(session: Session, text: string): void {
    let prefix = this.prefixes.find((known) => known.text === text);
    if (prefix === undefined) {
      prefix = new Prefix(text);
      this.prefixes.push(prefix);
      this.prefixes.sort((a, b) => (a.text < b.text ? -1 : 1));
    }
    prefix.followers.add(session);
  }

  unfollow(session: Session, texts: readonly string[]): void {
    for (const text of texts) {
      this.prefixes.find((known) => known.text === text)?.followers.delete(session);
    }
    this.prefixes = this.prefixes.filter(({ followers }) => followers.size > 0);
  }

  note(bytes: Uint8Array, start: number, length: number, changer: Session | null): void {
    let key: string | null = null;
    for (const prefix of this.prefixes) {
      if (!prefix.begins(bytes, start, length)) continue;
      key ??= textOf(bytes, start, length);
      prefix.changed.set(key, changer);
      this.hasChanges = true;
    }
  }

  /** Those of which keys have changed; the caller clears their `changed`. */
  takeChanged(): readonly Prefix[] {
    this.hasChanges = false;
    return this.prefixes.filter(({ changed }) => changed.size > 0);
  }
}
