/**
 * The pending entries of a consumer group while it is being read: a file names them first, and only
 * then whose they are.
 */
import type { Consumer, ConsumerGroup } from "../values/consumer-group.ts";
import { StreamId } from "../values/stream-id.ts";
import type { Counter } from "../values/stream.ts";

const ID_WORDS = 4;
const FIRST_ENTRIES = 16;

export class PendingList {
  count = 0;
  /** By index; undefined as long as nobody has claimed the entry. */
  readonly owners: (Consumer | undefined)[] = [];
  private ids = new Uint32Array(FIRST_ENTRIES * ID_WORDS);
  private readonly times: number[] = [];
  private readonly deliveries: Counter[] = [];

  /** Adds an entry; false where its ID is not behind all others. */
  add(id: StreamId, deliveredMs: number, deliveries: Counter): boolean {
    if (this.count > 0 && this.compare(this.count - 1, id) >= 0) return false;
    const at = this.count * ID_WORDS;
    if (at === this.ids.length) {
      const grown = new Uint32Array(at * 2);
      grown.set(this.ids);
      this.ids = grown;
    }
    this.ids[at] = id.msHigh;
    this.ids[at + 1] = id.msLow;
    this.ids[at + 2] = id.seqHigh;
    this.ids[at + 3] = id.seqLow;
    this.times.push(Math.max(0, deliveredMs));
    this.deliveries.push(deliveries);
    this.owners.push(undefined);
    this.count++;
    return true;
  }

  /** The index of the entry with this ID, or -1. */
  find(id: StreamId): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const order = this.compare(middle, id);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Gives all entries to the group, as their owners'; false where one has none. */
  assign(group: ConsumerGroup): boolean {
    const { ids } = this;
    const id = new StreamId();
    for (let i = 0; i < this.count; i++) {
      const owner = this.owners[i];
      if (owner === undefined) return false;
      const at = i * ID_WORDS;
      group.assign(id.set(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]), owner);
      group.setDelivery(this.times[i], this.deliveries[i]);
    }
    return true;
  }

  private compare(index: number, id: StreamId): number {
    const { ids } = this;
    const at = index * ID_WORDS;
    return (
      ids[at] - id.msHigh ||
      ids[at + 1] - id.msLow ||
      ids[at + 2] - id.seqHigh ||
      ids[at + 3] - id.seqLow
    );
  }
}
