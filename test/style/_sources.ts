/** The repository's text files as the tests of style and of the READMEs see them. */
import { readFileSync } from "node:fs";

export const ROOT = new URL("../../", import.meta.url).pathname;
export const README = `${ROOT}README.md`;

/** Every source file by its path from the top. */
export function readSources(): Map<string, string> {
  const files = new Map<string, string>();
  for (const path of new Bun.Glob("{src,test,bench}/**/*.ts").scanSync(ROOT)) {
    files.set(path, readFileSync(ROOT + path, "utf8"));
  }
  return files;
}
