/** A large list as it was when it was frozen (frozen.ts). */
import type { Arena } from "../memory/arena.ts";
import { FrozenBlocks } from "./_frozen-blocks.ts";
import type { LargeList } from "./_large-list.ts";
import type { FrozenList } from "./frozen.ts";

type ChunkVisitor = (bytes: Uint8Array, start: number, length: number, count: number) => void;

export class FrozenLargeList extends FrozenBlocks implements FrozenList {
  readonly kind = "list";
  private readonly counts: Int32Array;
  private readonly list: LargeList;

  constructor(arena: Arena, list: LargeList) {
    const { chunks } = list;
    super(arena, list, chunks.length);
    this.list = list;
    this.counts = chunks.counts.slice(chunks.first, chunks.first + chunks.length);
    for (let i = 0; i < chunks.length; i++) {
      const slot = chunks.first + i;
      const isHandle = chunks.rooms[slot] === 0;
      this.take(i, chunks.refs[slot], isHandle, chunks.starts[slot], chunks.usedAt(slot));
    }
  }

  get chunkCount(): number {
    return this.count;
  }

  walk(budget: number, visit: ChunkVisitor): boolean {
    return this.walkBlocks(budget, (number, bytes, start, length) => {
      visit(bytes, start, length, this.counts[number]);
    });
  }

  protected detach(): void {
    this.list.chunks.frozen = null;
  }
}
