/**
 * Walks over the blocks of one owner, again and again, while pages of its arena are being emptied.
 * The owner may change between two steps; when a walk ends, none of its blocks may be left there.
 */
import type { Arena } from "../../../src/memory/arena.ts";
import type { Random } from "../../support/random.ts";

export class MovingBlocks {
  /** Walks that came to their end. */
  walks = 0;
  private cursor = 0;
  private readonly arena: Arena;
  private readonly random: Random;
  private readonly compact: (cursor: number, budget: number) => number;

  /** `compact` is the owner's; it must own all blocks of the arena that are in leaving pages. */
  constructor(arena: Arena, random: Random, compact: (cursor: number, budget: number) => number) {
    this.arena = arena;
    this.random = random;
    this.compact = compact;
  }

  /** One slice of the walk, or of the next one: some walks are given up. */
  step(): void {
    const { arena, random } = this;
    if (random.chance(0.003)) this.cursor = 0;
    if (this.cursor === 0) this.begin();
    const blockBytes = arena.usedBytes;
    const objectBytes = arena.objects.sizeBytes;
    this.cursor = this.compact(this.cursor, random.pick([1, 3, 20, 200]));
    if (arena.usedBytes !== blockBytes) throw new Error("moving changed what blocks take");
    if (arena.objects.sizeBytes !== objectBytes) throw new Error("moving changed the objects");
    if (this.cursor !== 0) return;
    this.walks++;
    if (arena.leavingPages > 0) throw new Error("a walk has left blocks behind");
  }

  /** The rest of the walk that has begun, and one whole walk more. */
  finish(): void {
    while (this.cursor !== 0) this.step();
    do this.step();
    while (this.cursor !== 0);
  }

  private begin(): void {
    const { arena, random } = this;
    const share = random.pick([0.1, 0.5, 1]);
    arena.beginLeaving(() => random.chance(share));
  }
}
