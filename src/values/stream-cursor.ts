/**
 * A walk over a range of a stream's entries, forwards or backwards. One object serves many walks.
 * Nothing in the stream may change between `seek` and the last `next`.
 *
 *     cursor.seek(stream, from, to, false);
 *     while (cursor.next()) {
 *       … cursor.id, cursor.fieldCount
 *       for (let i = 0; i < cursor.fieldCount; i++) {
 *         cursor.nextPair();
 *         … cursor.field, cursor.value
 *       }
 *     }
 */
import { ByteView } from "../memory/element.ts";
import { ItemDigits, lowWordAt, nextItem, previousItem, readItem, skipItems } from "./_listpack.ts";
import { DELETED, endOf, masterAt, readEntryId, SAME_FIELDS } from "./_stream-node.ts";
import type { StreamNodes } from "./_stream-nodes.ts";
import type { Stream } from "./stream.ts";
import { StreamId } from "./stream-id.ts";

const NO_BYTES = new Uint8Array(0);

export class StreamCursor {
  /** The entry that `next` found. */
  readonly id = new StreamId();
  fieldCount = 0;
  /** What `nextPair` found. */
  readonly field = new ByteView();
  readonly value = new ByteView();
  /** Whether `next` also finds entries that were deleted. */
  findsDeleted = false;
  /** Where the entry is: its node, and its flags in there. */
  node = -1;
  at = 0;

  private nodes: StreamNodes | null = null;
  private readonly from = new StreamId();
  private readonly to = new StreamId();
  private isReverse = false;
  private bytes: Uint8Array = NO_BYTES;
  private readonly base = new StreamId();
  /** The master's item with the number of its fields, and where its entries begin. */
  private master = 0;
  private firstAt = 0;
  private endAt = 0;
  /** Forwards the next entry, backwards the one in front of which the next one is. */
  private nextAt = 0;
  private masterField = 0;
  private item = 0;
  private pairsLeft = 0;
  private hasOwnFields = false;
  private readonly fieldDigits = new ItemDigits();
  private readonly valueDigits = new ItemDigits();

  /** Begins a walk over the entries from `from` to `to`, both included; in reverse from `to` on. */
  seek(stream: Stream, from: StreamId, to: StreamId, isReverse: boolean): void {
    this.from.copy(from);
    this.to.copy(to);
    this.isReverse = isReverse;
    this.findsDeleted = false;
    this.nodes = stream.nodes;
    // The first node may hold entries in front of its ID, where XSETID went back.
    this.enter(Math.max(0, stream.nodes.findUpTo(isReverse ? to : from)));
  }

  /** Begins a walk back from the end of a node, which finds deleted entries too. */
  seekEndOf(stream: Stream, node: number): void {
    this.from.setFirst();
    this.to.setLast();
    this.isReverse = true;
    this.findsDeleted = true;
    this.nodes = stream.nodes;
    this.enter(node);
  }

  /** Begins a walk over the entries of one node outside of a stream, whose ID this is. */
  seekInNode(bytes: Uint8Array, start: number, id: StreamId): void {
    this.from.setFirst();
    this.to.setLast();
    this.isReverse = false;
    this.findsDeleted = false;
    this.nodes = null;
    this.base.copy(id);
    this.open(bytes, start);
  }

  /** Goes to the next entry; false where there is none. */
  next(): boolean {
    if (this.isReverse) return this.stepBack();
    for (;;) {
      this.finishEntry();
      while (this.nextAt === this.endAt) if (!this.enter(this.node + 1)) return false;
      this.readHead(this.nextAt);
      if (!this.isShown || this.id.compare(this.from) < 0) continue;
      if (this.id.compare(this.to) <= 0) return true;
      this.leave();
      return false;
    }
  }

  /** Goes to the next field of the entry and its value. */
  nextPair(): void {
    const { bytes } = this;
    if (this.hasOwnFields) {
      readItem(bytes, this.item, this.field, this.fieldDigits);
      this.item = nextItem(bytes, this.item);
    } else {
      this.masterField = nextItem(bytes, this.masterField);
      readItem(bytes, this.masterField, this.field, this.fieldDigits);
    }
    readItem(bytes, this.item, this.value, this.valueDigits);
    this.item = nextItem(bytes, this.item);
    this.pairsLeft--;
  }

  private stepBack(): boolean {
    for (;;) {
      while (this.nextAt === this.firstAt) if (!this.enter(this.node - 1)) return false;
      const countAt = previousItem(this.bytes, this.nextAt);
      let at = countAt;
      for (let i = lowWordAt(this.bytes, countAt); i > 0; i--) at = previousItem(this.bytes, at);
      this.nextAt = at;
      this.readHead(at);
      if (!this.isShown || this.id.compare(this.to) > 0) continue;
      if (this.id.compare(this.from) >= 0) return true;
      this.leave();
      return false;
    }
  }

  /** One that was deleted may even be out of order: XSETID may go back behind it. */
  private get isShown(): boolean {
    return this.findsDeleted || (this.bytes[this.at] & DELETED) === 0;
  }

  /** Stands in front of a node's first entry, or behind its last; false where there is no node. */
  private enter(node: number): boolean {
    const { nodes } = this;
    this.node = node;
    this.pairsLeft = 0;
    if (nodes === null || node < 0 || node >= nodes.count) {
      this.leave();
      return false;
    }
    nodes.readId(node, this.base);
    this.open(nodes.bytesOf(node), nodes.startOf(node));
    return true;
  }

  /** Stands in front of the first entry of these bytes, or behind the last. */
  private open(bytes: Uint8Array, start: number): void {
    this.bytes = bytes;
    this.pairsLeft = 0;
    this.master = masterAt(bytes, start);
    this.firstAt = skipItems(bytes, this.master, lowWordAt(bytes, this.master) + 2);
    this.endAt = endOf(bytes, start);
    this.nextAt = this.isReverse ? this.endAt : this.firstAt;
    this.item = this.nextAt;
  }

  /** Ends the walk: every further step finds nothing. */
  private leave(): void {
    this.nodes = null;
    this.firstAt = this.endAt = this.nextAt = this.item = 0;
    this.pairsLeft = 0;
  }

  private readHead(at: number): void {
    const { bytes } = this;
    this.at = at;
    let item = readEntryId(bytes, at, this.base, this.id);
    this.hasOwnFields = (bytes[at] & SAME_FIELDS) === 0;
    if (this.hasOwnFields) {
      this.fieldCount = lowWordAt(bytes, item);
      item = nextItem(bytes, item);
    } else {
      this.fieldCount = lowWordAt(bytes, this.master);
      this.masterField = this.master;
    }
    this.item = item;
    this.pairsLeft = this.fieldCount;
  }

  /** Goes on behind what is left of the entry. */
  private finishEntry(): void {
    if (this.item === this.nextAt) return;
    const items = this.hasOwnFields ? this.pairsLeft * 2 : this.pairsLeft;
    this.nextAt = skipItems(this.bytes, this.item, items + 1);
    this.item = this.nextAt;
    this.pairsLeft = 0;
  }
}
