/**
 * Lines of README.md that a test runs as they stand. A comment in front of a fenced block names it:
 *
 *     <!-- tested: moving, before -->
 */
import { readFileSync } from "node:fs";

const README = new URL("../../README.md", import.meta.url).pathname;
const BLOCK = /<!-- tested: ([^>]+) -->\s*```\w*\n(.*?)```/gs;

let blocks: Map<string, string> | undefined;

/** The text of the block of this name; throws where README.md has none. */
export function readmeBlock(name: string): string {
  blocks ??= new Map(
    Array.from(readFileSync(README, "utf8").matchAll(BLOCK), ([, title, text]) => [title, text]),
  );
  const text = blocks.get(name);
  if (text === undefined) throw new Error(`README.md has no block "${name}"`);
  return text;
}
