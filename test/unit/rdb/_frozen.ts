/** Frozen values of entries, as a snapshot makes them (keyspace/snapshot.ts), however small. */
import type { Arena, Ref } from "../../../src/memory/arena.ts";
import { EXTERNAL_VALUE, flagsIn, headerOf, valueWordOf } from "../../../src/memory/entry.ts";
import type { FrozenValue } from "../../../src/values/frozen.ts";

/** The frozen value of an entry whose value is an object, or null; to be thawed. */
export function frozen(arena: Arena, ref: Ref): FrozenValue | null {
  const flags = flagsIn(headerOf(arena, ref));
  if ((flags & EXTERNAL_VALUE) === 0) return null;
  const value = arena.objects.get(valueWordOf(arena, ref, flags));
  if (!(value instanceof Uint8Array)) return value.freeze() as FrozenValue;
  if (value.length <= 1 << 20) return null;
  return { kind: "string", bytes: value, shownBytes: 0, thaw: () => {} };
}
