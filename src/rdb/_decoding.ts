/**
 * One value that is being read: where from, with what, and what came of it. Of the results, one is
 * meant at a time: `text` a string, `integer` one that is an integer, `packed` a collection's bytes
 * that can be taken as they are, `home` a collection that was built.
 */
import { ByteCopy } from "../base/bytes.ts";
import { TemporaryHome } from "../keyspace/temporary-home.ts";
import type { Arena } from "../memory/arena.ts";
import { ByteView } from "../memory/element.ts";
import type { HashLimits } from "../values/hash.ts";
import type { ListLimits } from "../values/list.ts";
import { ListpackReader } from "../values/listpack-reader.ts";
import type { SetLimits } from "../values/set.ts";
import { SetBuilder } from "../values/set-builder.ts";
import type { SortedSetLimits } from "../values/sorted-set.ts";
import type { RdbError } from "./rdb-error.ts";
import type { RdbInput } from "./rdb-input.ts";

/** The thresholds between encodings, as `TypedValues` (engine/typed-values.ts) has them. */
export interface RdbLimits {
  readonly hashLimits: HashLimits;
  readonly listLimits: ListLimits;
  readonly setLimits: SetLimits;
  readonly sortedSetLimits: SortedSetLimits;
}

export const NOTHING = 0;
export const TEXT = 1;
export const INTEGER = 2;
export const PACKED = 3;
export const BUILT = 4;

export class Decoding {
  result: number = NOTHING;
  /** The value's type, and the encoding of packed bytes (memory/entry.ts). */
  type = 0;
  encoding = 0;
  integer = 0;
  /** The string, or the packed bytes; valid until something else is read. */
  readonly bytes = new ByteView();
  home: TemporaryHome | null = null;
  /** Serves one value after the other. */
  private spareHome: TemporaryHome | null = null;
  readonly setBuilder: SetBuilder;

  /** Packed forms that were checked. */
  checkedForms = 0;

  input!: RdbInput;
  arena!: Arena;
  readonly limits: RdbLimits;
  /** What is read of a pair, the first part copied where the second one follows in the input. */
  readonly first = new ByteView();
  readonly second = new ByteView();
  readonly copy = new ByteCopy();
  readonly reader = new ListpackReader();

  constructor(limits: RdbLimits) {
    this.limits = limits;
    this.setBuilder = new SetBuilder(limits.setLimits);
  }

  /** An empty home to build a collection in. */
  build(): TemporaryHome {
    this.result = BUILT;
    this.spareHome ??= new TemporaryHome(this.arena);
    this.spareHome.restart(this.arena);
    this.home = this.spareHome;
    return this.home;
  }

  /** Takes a collection's bytes as they are. */
  take({ bytes, start, length }: ByteView, encoding: number): void {
    this.result = PACKED;
    this.encoding = encoding;
    this.bytes.set(bytes, start, length);
  }

  /** Reads a string that stays while the next one is read. */
  readCopy(view: ByteView): void {
    const { copy } = this;
    this.input.readString(view);
    copy.set(view.bytes, view.start, view.length);
    view.set(copy.bytes, 0, copy.length);
  }

  /** Reads a string that is a listpack and opens it; its place in the input stays known. */
  openListpack(view: ByteView, problem: string): void {
    this.input.readString(view);
    this.checkedForms++;
    if (!this.reader.open(view.bytes, view.start, view.length)) throw this.damaged(problem);
  }

  /** What to throw where the string that was read last is damaged. */
  damaged(problem: string): RdbError {
    return this.input.error(problem, this.input.stringOffset);
  }
}
