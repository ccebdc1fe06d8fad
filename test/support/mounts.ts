/** Small file systems of a test's own, which can run full and be made read-only. Needs root. */
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FILLER = "filler";
const PATIENCE_MS = 10_000;

/** A directory with a file system of `sizeBytes` of its own. */
export class SmallDisk implements Disposable {
  readonly dir: string;

  constructor(sizeBytes: number) {
    this.dir = mkdtempSync(join(tmpdir(), "small-disk-"));
    if (!run("mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "tmpfs", this.dir)) {
      rmSync(this.dir, { recursive: true });
      throw new Error("No file system can be mounted here");
    }
  }

  /** Writes a file that leaves `leftBytes`. */
  fill(leftBytes: number): void {
    const { bavail, bsize } = statfsSync(this.dir);
    writeFileSync(join(this.dir, FILLER), new Uint8Array(Math.max(0, bavail * bsize - leftBytes)));
  }

  /** Removes that file. */
  free(): void {
    rmSync(join(this.dir, FILLER));
  }

  /** Not possible while a file is open for writing: a server may close its last a bit later. */
  remount(mode: "ro" | "rw"): void {
    insist(`Not remounted ${mode}`, "mount", "-o", `remount,${mode}`, this.dir);
  }

  [Symbol.dispose](): void {
    run("umount", "-l", this.dir);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Hides a directory behind an empty one that takes no files, until `umount`. */
export function hide(dir: string): Disposable {
  if (!run("mount", "-t", "tmpfs", "-o", "ro", "tmpfs", dir)) throw new Error("Not mounted");
  return {
    [Symbol.dispose]: () => {
      insist("Not unmounted", "umount", dir);
    },
  };
}

export function canMount(): boolean {
  try {
    new SmallDisk(1 << 20)[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** Runs it until it succeeds. */
function insist(complaint: string, ...command: string[]): void {
  const deadline = Date.now() + PATIENCE_MS;
  while (!run(...command)) {
    if (Date.now() > deadline) throw new Error(complaint);
    Bun.sleepSync(20);
  }
}

function run(...command: string[]): boolean {
  if (Bun.which(command[0]) === null) return false;
  return Bun.spawnSync(command, { stdin: "ignore" }).exitCode === 0;
}
