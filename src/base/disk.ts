/**
 * The only door to the file system. Errors are Node's (`code` such as ENOSPC); callers decide
 * what a failed write means. A test hands in a disk that fails on demand.
 */
import * as fs from "node:fs";
import { dirname, join } from "node:path";

export interface Disk {
  /** Whole content, or null where no such file exists. */
  readFile(path: string): Uint8Array | null;
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  list(directory: string): string[];
  makeDirectory(path: string): void;
  remove(path: string): void;
  rename(from: string, to: string): void;
  truncate(path: string, sizeBytes: number): void;
  sizeBytes(path: string): number;
  changeMode(path: string, mode: number): void;
  /** Flags as in open(2): "a" appends, "r" reads, "w" replaces. */
  open(path: string, flags: "a" | "r" | "w"): number;
  close(descriptor: number): void;
  /** Reads at an absolute position; returns how many bytes came (0 at the end). */
  read(descriptor: number, into: Uint8Array, at: number, length: number, from: number): number;
  /** May write less than asked. Returns how many bytes went. */
  write(descriptor: number, bytes: Uint8Array, from: number, length: number): number;
  sync(descriptor: number): void;
  dataSync(descriptor: number): void;
  /** Off the main thread. */
  dataSyncLater(descriptor: number, done: (error: Error | null) => void): void;
  syncDirectory(path: string): void;
  /** The same off the main thread. */
  syncDirectoryLater(path: string, done: (error: Error | null) => void): void;
  /**
   * Off the main thread: the last descriptor of a large file that has no name any more frees its
   * blocks, which takes long. What goes wrong is of no consequence.
   */
  closeLater(descriptor: number): void;
}

export const systemDisk: Disk = {
  readFile(path) {
    try {
      return fs.readFileSync(path);
    } catch (error) {
      if (errorCode(error) === "ENOENT") return null;
      throw error;
    }
  },
  exists: (path) => fs.existsSync(path),
  isDirectory: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  list: (directory) => fs.readdirSync(directory),
  makeDirectory: (path) => fs.mkdirSync(path, { mode: 0o755 }),
  remove: (path) => fs.unlinkSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  truncate: (path, sizeBytes) => fs.truncateSync(path, sizeBytes),
  sizeBytes: (path) => fs.statSync(path).size,
  changeMode: (path, mode) => fs.chmodSync(path, mode),
  open: (path, flags) => fs.openSync(path, flags, 0o644),
  close: (descriptor) => fs.closeSync(descriptor),
  read: (descriptor, into, at, length, from) => fs.readSync(descriptor, into, at, length, from),
  write: (descriptor, bytes, from, length) => fs.writeSync(descriptor, bytes, from, length),
  sync: (descriptor) => fs.fsyncSync(descriptor),
  dataSync: (descriptor) => fs.fdatasyncSync(descriptor),
  dataSyncLater: (descriptor, done) => fs.fdatasync(descriptor, done),
  syncDirectory(path) {
    const descriptor = fs.openSync(path, "r");
    try {
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  },
  syncDirectoryLater(path, done) {
    fs.open(path, "r", (openError, descriptor) => {
      if (openError !== null) {
        done(openError);
        return;
      }
      fs.fsync(descriptor, (error) => {
        fs.close(descriptor, () => {});
        done(error);
      });
    });
  },
  closeLater: (descriptor) => fs.close(descriptor, () => {}),
};

/** Replaces a file so that a crash leaves the old or the new content, never a mixture. */
export function replaceFile(disk: Disk, path: string, content: Uint8Array): void {
  const directory = dirname(path);
  const temporary = join(directory, `temp-${process.pid}-${path.slice(directory.length + 1)}`);
  const descriptor = disk.open(temporary, "w");
  try {
    try {
      writeWhole(disk, descriptor, content, 0, content.length);
      disk.sync(descriptor);
    } finally {
      disk.close(descriptor);
    }
    disk.rename(temporary, path);
  } catch (error) {
    disk.remove(temporary);
    throw error;
  }
  disk.syncDirectory(directory);
}

/** Writes the whole range or throws. */
export function writeWhole(
  disk: Disk,
  descriptor: number,
  bytes: Uint8Array,
  from: number,
  length: number,
): void {
  let written = 0;
  while (written < length) {
    written += disk.write(descriptor, bytes, from + written, length - written);
  }
}

/** The errno name of a failed system call, or "" for any other thrown thing. */
export function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  return "";
}
