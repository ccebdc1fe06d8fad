/**
 * How many nodes Redis's radix tree (rax.c) has for a set of IDs, which XINFO shows. All keys have
 * 16 bytes, so all end in a leaf; a run of bytes without a branch is one node, and so is a branch.
 */
import { STREAM_ID_BYTES } from "./stream-id.ts";
import type { StreamId } from "./stream-id.ts";

/** `idAt` gives `count` IDs in rising order; it may return the same object each time. */
export function radixNodeCount(count: number, idAt: (index: number) => StreamId): number {
  if (count === 0) return 1;
  const previous = new Uint8Array(STREAM_ID_BYTES);
  const current = new Uint8Array(STREAM_ID_BYTES);
  /** The depths of the branches above the last key, the root's first. */
  const branches: number[] = [];
  let nodes = 0;
  idAt(0).write(previous, 0);
  for (let i = 1; i <= count; i++) {
    let shared = -1;
    if (i < count) {
      idAt(i).write(current, 0);
      shared = 0;
      while (current[shared] === previous[shared]) shared++;
    }
    nodes++;
    let below = STREAM_ID_BYTES;
    let branch = branches.at(-1) ?? -1;
    while (branch > shared) {
      nodes += 1 + runBetween(branch, below);
      below = branch;
      branches.pop();
      branch = branches.at(-1) ?? -1;
    }
    nodes += runBetween(Math.max(branch, shared), below);
    if (shared > branch) branches.push(shared);
    previous.set(current);
  }
  return nodes;
}

/** One node where there are bytes between a branch, which holds one byte, and what is below. */
function runBetween(branch: number, below: number): number {
  return below - branch > 1 ? 1 : 0;
}
