/** The entries of a stream as they were when it was frozen (frozen.ts). */
import type { Arena } from "../memory/arena.ts";
import { FrozenBlocks } from "./_frozen-blocks.ts";
import type { FrozenStream } from "./frozen.ts";
import { totalBytes } from "./_listpack.ts";
import type { Stream } from "./stream.ts";
import { StreamId } from "./stream-id.ts";

const ID_WORDS = 4;

type NodeVisitor = (id: StreamId, bytes: Uint8Array, start: number, length: number) => void;

export class FrozenEntries extends FrozenBlocks implements FrozenStream {
  readonly kind = "stream";
  private readonly ids: Uint32Array;
  private readonly id = new StreamId();
  private readonly stream: Stream;

  constructor(arena: Arena, stream: Stream) {
    const { nodes } = stream;
    super(arena, stream, nodes.count);
    this.stream = stream;
    this.ids = new Uint32Array(nodes.count * ID_WORDS);
    for (let i = 0; i < nodes.count; i++) {
      const { msHigh, msLow, seqHigh, seqLow } = nodes.readId(i, this.id);
      this.ids.set([msHigh, msLow, seqHigh, seqLow], i * ID_WORDS);
      const used = totalBytes(nodes.bytesOf(i), nodes.startOf(i));
      this.take(i, nodes.placeOf(i), nodes.isLargeNode(i), 0, used);
    }
  }

  get nodeCount(): number {
    return this.count;
  }

  walk(budget: number, visit: NodeVisitor): boolean {
    const { ids, id } = this;
    return this.walkBlocks(budget, (number, bytes, start, length) => {
      const at = number * ID_WORDS;
      id.set(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
      visit(id, bytes, start, length);
    });
  }

  protected detach(): void {
    this.stream.nodes.frozen = null;
  }
}
