/**
 * A consumer group as its stream sees it: counted with the stream, freed in slices, and copied.
 * The stream holds it by name, in `groups`.
 */
import type { Arena } from "../memory/arena.ts";

export interface ConsumerGroup {
  readonly sizeBytes: number;
  /** As of a `Collection` (memory/object-table.ts): false once nothing is left. */
  free(budget: number): boolean;
  copyTo(arena: Arena): ConsumerGroup;
}
