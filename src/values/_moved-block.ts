/** What becomes of the blocks of a list or a stream when the arena is compacted. */
import type { Arena, Ref } from "../memory/arena.ts";

/**
 * Has the block of a place moved where it must be. `rooms` has its size in bytes, 0 where the place
 * holds no block of the arena. Returns what that takes of a `Collection`'s budget for `compact`.
 */
export function moveBlock(
  arena: Arena,
  refs: Int32Array,
  rooms: Int32Array,
  place: number,
): number {
  const room = rooms[place];
  if (room === 0) return 1;
  const before = refs[place];
  refs[place] = arena.evacuate(before as Ref);
  return refs[place] === before ? 1 : 1 + (room >>> 10);
}
