/**
 * What the configuration needs from the outside: files to read and a working directory. A test
 * or an embedding program hands in its own. Paths are ordinary strings, contents byte strings.
 */
import { join } from "node:path";
import { bytesOf, textOf } from "../../base/bytes.ts";
import type { Disk } from "../../base/disk.ts";
import { matchGlob } from "../../base/glob.ts";
import { encoded, type OptionHost } from "./option.ts";
import { systemErrorText } from "./system-errors.ts";

export interface ConfigHost extends OptionHost {
  /** The content, or why it cannot be read, as strerror(3) says it. */
  readText(path: string): { readonly text: string } | { readonly problem: string };
  /** The existing paths that a glob(3) pattern names, in order. */
  expand(pattern: string): string[];
  /** Whether a log file can be opened, and if not, why. */
  appendProblem(path: string): string | null;
}

export function systemHost(disk: Disk): ConfigHost {
  return {
    readText(path) {
      try {
        const bytes = disk.readFile(path);
        return bytes === null
          ? { problem: "No such file or directory" }
          : { text: textOf(bytes, 0, bytes.length) };
      } catch (error) {
        return { problem: systemErrorText(error) };
      }
    },
    expand: (pattern) => expandPattern(disk, pattern),
    appendProblem(path) {
      try {
        disk.close(disk.open(path, "a"));
        return null;
      } catch (error) {
        return systemErrorText(error);
      }
    },
    changeDirectory(path) {
      try {
        process.chdir(path);
        return null;
      } catch (error) {
        return systemErrorText(error);
      }
    },
    workingDirectory: () => process.cwd(),
  };
}

export function hasWildcard(pattern: string): boolean {
  return /[*?[]/.test(pattern);
}

function expandPattern(disk: Disk, pattern: string): string[] {
  const isAbsolute = pattern.startsWith("/");
  let paths = [isAbsolute ? "/" : ""];
  for (const segment of pattern.split("/").filter((part) => part !== "")) {
    paths = paths.flatMap((parent) => expandSegment(disk, parent, segment));
  }
  return paths.filter((path) => path !== "" && disk.exists(path));
}

function expandSegment(disk: Disk, parent: string, segment: string): string[] {
  if (!hasWildcard(segment)) return [join(parent, segment.replace(/\\(.)/g, "$1"))];
  const directory = parent || ".";
  if (!disk.isDirectory(directory)) return [];
  const pattern = bytesOf(encoded(segment.replaceAll("[!", "[^")));
  const isMatch = (name: string): boolean => {
    // As in a shell, a wildcard does not stand for the dot that hides a file.
    if (name.startsWith(".") && !segment.startsWith(".")) return false;
    const bytes = bytesOf(encoded(name));
    return matchGlob(pattern, 0, pattern.length, bytes, 0, bytes.length, false);
  };
  return disk
    .list(directory)
    .filter(isMatch)
    .sort()
    .map((name) => join(parent, name));
}
