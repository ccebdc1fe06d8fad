/**
 * Brings README.md up to date.
 *
 *     bun test/style/write-readme.ts                  the generated parts
 *     bun run bench:load --markdown | bun test/style/write-readme.ts bench:load
 *
 * The latter puts what it reads from standard input into the measured part of that name.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { regenerated, replacePart } from "./_readme.ts";
import { README, readSources } from "./_sources.ts";

const name = process.argv[2];
let text = readFileSync(README, "utf8");
if (name !== undefined) text = replacePart(text, "measured", name, await Bun.stdin.text());
writeFileSync(README, regenerated(text, readSources()));
