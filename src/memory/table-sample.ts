/** What sampling a byte table finds (`ByteTable.sampleSome`); one object serves many samplings. */

/** Slots of a cache line, which are looked at together. */
export const WINDOW_SLOTS = 8;

export class TableSample {
  count = 0;
  readonly refs: Int32Array;
  readonly hashes: Int32Array;

  /** `room`: the most that is ever wanted at once. */
  constructor(room: number) {
    this.refs = new Int32Array(room + WINDOW_SLOTS);
    this.hashes = new Int32Array(room + WINDOW_SLOTS);
  }
}
