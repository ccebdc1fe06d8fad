/**
 * A walk over the items of listpack bytes that stand outside of a value, such as a chunk of a list
 * that a snapshot is shown. `item` is valid until the next step.
 */
import { ByteView } from "../memory/element.ts";
import { ItemDigits, nextItem, readItem } from "./_listpack.ts";

export class ListpackItems {
  readonly item = new ByteView();
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private left = 0;
  private readonly digits = new ItemDigits();

  /** Begins in front of the item at `start`, which `count` items begin with. */
  open(bytes: Uint8Array, start: number, count: number): void {
    this.bytes = bytes;
    this.at = start;
    this.left = count;
  }

  /** Goes to the next item; false where there is none. */
  next(): boolean {
    if (this.left === 0) return false;
    this.left--;
    readItem(this.bytes, this.at, this.item, this.digits);
    this.at = nextItem(this.bytes, this.at);
    return true;
  }
}
