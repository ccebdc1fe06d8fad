/**
 * Assertions check what must hold whatever a client sends. A failed one is a bug of ours:
 * it is never answered as an error reply, the process stops and says what was violated.
 */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: boolean, violated: string): asserts condition {
  if (!condition) throw new AssertionError(violated);
}

/** Marks a branch that the types already rule out. */
export function unreachable(what: string): never {
  throw new AssertionError(`unreachable: ${what}`);
}
