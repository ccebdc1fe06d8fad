/**
 * The best candidates for eviction that samples have shown so far (the pool of Redis, evict.c):
 * what makes a few samples per eviction nearly as good as knowing the order of all keys.
 *
 * Sixteen places, sorted by score, the best last. A candidate is named by its database, its hash
 * and its Ref, which may be out of date any time: who takes one must see whether it is still
 * there, and whether it still deserves its score.
 */
const PLACES = 16;

export class EvictionPool {
  private readonly scores = new Float64Array(PLACES);
  private readonly hashes = new Int32Array(PLACES);
  private readonly refs = new Int32Array(PLACES);
  private readonly databases = new Int32Array(PLACES);
  /** Candidates are at [0, count). */
  private count = 0;

  /** What `take` took. */
  score = 0;
  hash = 0;
  ref = 0;
  database = 0;

  clear(): void {
    this.count = 0;
  }

  /** Adds a candidate where there is room, or in the place of the worst where it is better. */
  offer(score: number, hash: number, ref: number, database: number): void {
    const { scores, hashes, refs, databases } = this;
    const isFull = this.count === PLACES;
    if (isFull && score <= scores[0]) return;
    let place = 0;
    if (isFull) {
      // All that are worse move down by one, over the worst.
      while (place + 1 < PLACES && scores[place + 1] < score) {
        this.move(place + 1, place);
        place++;
      }
    } else {
      place = this.count++;
      while (place > 0 && scores[place - 1] > score) {
        this.move(place - 1, place);
        place--;
      }
    }
    scores[place] = score;
    hashes[place] = hash;
    refs[place] = ref;
    databases[place] = database;
  }

  /** Takes the best candidate out; false where there is none. */
  take(): boolean {
    if (this.count === 0) return false;
    const place = --this.count;
    this.score = this.scores[place];
    this.hash = this.hashes[place];
    this.ref = this.refs[place];
    this.database = this.databases[place];
    return true;
  }

  private move(from: number, to: number): void {
    this.scores[to] = this.scores[from];
    this.hashes[to] = this.hashes[from];
    this.refs[to] = this.refs[from];
    this.databases[to] = this.databases[from];
  }
}
