/**
 * Builds sets from the members that a file holds, none of which may come twice, one set after the
 * other. Members that belong into a listpack are only appended, and compared at the end; what else
 * a set becomes follows from its members as it would from SADD.
 */
import type { ByteView } from "../memory/element.ts";
import { ENCODING_LISTPACK } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { MAX_ITEM_OVERHEAD, readsAsInteger, writeHeader, writeStringItem } from "./_listpack.ts";
import { FIRST, packedEnd } from "./_packed.ts";
import { hasRepeats } from "./listpack-reader.ts";
import { type SetLimits, SetValue } from "./set.ts";

export class SetBuilder {
  private home!: Home;
  private readonly limits: SetLimits;
  private expected = 0;
  /** Members that were appended; `set` takes what follows, where it is there. */
  private appended = 0;
  private set: SetValue | null = null;

  constructor(limits: SetLimits) {
    this.limits = limits;
  }

  /** Begins a set of `expected` members in an empty home; nothing is allocated for them. */
  begin(home: Home, expected: number): void {
    this.home = home;
    this.expected = expected;
    this.appended = 0;
    this.set = null;
    if (expected > this.limits.maxIntegers) this.makeSet().makeLarge();
  }

  /** Adds a member; false where one is found to have come before. */
  add({ bytes, start, length }: ByteView): boolean {
    const { home, limits } = this;
    if (this.set === null) {
      if (this.appended > 0 || this.beginsListpack(bytes, start, length)) {
        if (length <= limits.maxValueBytes && this.appended < limits.maxEntries) {
          const at = this.appended === 0 ? FIRST : packedEnd(home);
          home.resize(at + length + MAX_ITEM_OVERHEAD + 1, ENCODING_LISTPACK);
          const end = writeStringItem(home.bytes, home.start + at, bytes, start, length);
          home.resize(end + 1 - home.start, ENCODING_LISTPACK);
          this.appended++;
          return true;
        }
        if (!this.closeListpack()) return false;
      }
    }
    return (this.set ?? this.makeSet()).add(bytes, start, length);
  }

  /** To be called at the end; false where a member has come twice. */
  finish(): boolean {
    return this.set !== null || this.closeListpack();
  }

  /** Integers alone begin an intset, and too many members a table. */
  private beginsListpack(bytes: Uint8Array, start: number, length: number): boolean {
    if (readsAsInteger(bytes, start, length)) return false;
    if (this.expected <= this.limits.maxEntries) return true;
    this.makeSet().makeLarge();
    return false;
  }

  private closeListpack(): boolean {
    const { appended, home } = this;
    if (appended === 0) return true;
    writeHeader(home.bytes, home.start, home.length, appended);
    return !hasRepeats(home.bytes, home.start + FIRST, home.start + packedEnd(home), appended, 1);
  }

  private makeSet(): SetValue {
    this.set = new SetValue(this.home, this.limits);
    return this.set;
  }
}
