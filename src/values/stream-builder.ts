/**
 * Builds a stream from the nodes that a file holds, whose bytes are taken as they are once all that
 * the stream's invariants say of them has been checked: the form of every entry, the counts, that
 * IDs rise. Source: streamValidateListpackIntegrity (t_stream.c), which leaves the IDs alone.
 */
import { ENCODING_STREAM } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { highWordAt, isIntegerItem, lowWordAt, nextItem } from "./_listpack.ts";
import { ListpackReader } from "./listpack-reader.ts";
import { DELETED, readEntryId, SAME_FIELDS } from "./_stream-node.ts";
import { Stream } from "./stream.ts";
import { StreamId } from "./stream-id.ts";

/** Flags and the two differences of an ID, beside the values. */
const ENTRY_ITEMS = 3;
const WORD = 2 ** 32;
const MAX_FLAGS = DELETED | SAME_FIELDS;

export class StreamBuilder {
  readonly stream: Stream;
  private readonly reader = new ListpackReader();
  /** An entry's ID. */
  private readonly id = new StreamId();
  /** The last entry that lives, so far. */
  private readonly last = new StreamId();
  private entries = 0;
  /** What is being read: the listpack, its next item, and how many are left. */
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private left = 0;

  constructor(home: Home) {
    this.stream = new Stream(home.arena);
    home.replace(ENCODING_STREAM, this.stream);
  }

  /** Appends a node with the entries in this range; what is wrong with it, or null. */
  addNode(id: StreamId, bytes: Uint8Array, start: number, length: number): string | null {
    const { reader, stream } = this;
    const { nodes } = stream;
    if (!reader.open(bytes, start, length) || reader.hasForeignItems || !this.checkNode(id)) {
      return "Stream listpack integrity check failed.";
    }
    if (nodes.count > 0) {
      const order = nodes.readId(nodes.count - 1, this.id).compare(id);
      if (order === 0) return "Listpack re-added with existing key";
      if (order > 0) return "The nodes of a stream are not in order";
    }
    nodes.push(id, length);
    const node = nodes.count - 1;
    nodes.bytesOf(node).set(bytes.subarray(start, start + length), nodes.startOf(node));
    return null;
  }

  /** To be called behind the last node, once `lastId` is set; what is wrong, or null. */
  finish(length: number): string | null {
    if (length !== this.entries) return "Stream length inconsistent with rax entries";
    this.stream.length = length;
    if (length > 0 && this.last.compare(this.stream.lastId) > 0) {
      return "A stream has an entry behind its last ID";
    }
    return null;
  }

  /** Whether the open listpack is a node with this ID. Notes its entries. */
  private checkNode(base: StreamId): boolean {
    const { reader } = this;
    this.bytes = reader.bytes;
    this.at = reader.at;
    this.left = reader.count;
    const live = this.integer();
    const deleted = this.integer();
    const fields = this.integer();
    if (!(live >= 0 && deleted >= 0 && this.skip(fields)) || this.integer() !== 0) return false;
    let seenLive = 0;
    let seenDeleted = 0;
    while (this.left > 0) {
      const flags = this.checkEntry(base, fields);
      if (flags < 0) return false;
      if ((flags & DELETED) !== 0) seenDeleted++;
      else if (this.isNext()) seenLive++;
      else return false;
    }
    return seenLive === live && seenDeleted === deleted;
  }

  /** Reads an entry's ID and goes behind the entry; its flags, or -1. */
  private checkEntry(base: StreamId, masterFields: number): number {
    const flagsAt = this.at;
    // Always an item of two bytes.
    const flags = this.bytes[flagsAt];
    if (flags > MAX_FLAGS || !this.skip(1)) return -1;
    if (Number.isNaN(this.integer()) || Number.isNaN(this.integer())) return -1;
    let fields = masterFields;
    let items = ENTRY_ITEMS + fields;
    if ((flags & SAME_FIELDS) === 0) {
      fields = this.integer();
      items = ENTRY_ITEMS + 1 + 2 * fields;
      if (!this.skip(fields)) return -1;
    }
    if (!this.skip(fields) || this.integer() !== items) return -1;
    readEntryId(this.bytes, flagsAt, base, this.id);
    return flags;
  }

  /** Whether the entry just read, which lives, comes behind all others. Notes it. */
  private isNext(): boolean {
    const { id, last, stream } = this;
    if (this.entries === 0) stream.firstId.copy(id);
    else if (id.compare(last) <= 0) return false;
    last.copy(id);
    this.entries++;
    return true;
  }

  /** Goes behind so many items; false where there are not so many, or it is no number. */
  private skip(items: number): boolean {
    if (!(items >= 0 && items <= this.left)) return false;
    this.left -= items;
    for (let i = 0; i < items; i++) this.at = nextItem(this.bytes, this.at);
    return true;
  }

  /** The next item, an integer (rounded beyond 2^53); NaN where it is none. */
  private integer(): number {
    const { bytes, at } = this;
    if (this.left === 0 || !isIntegerItem(bytes, at)) return NaN;
    this.skip(1);
    return highWordAt(bytes, at) * WORD + (lowWordAt(bytes, at) >>> 0);
  }
}
