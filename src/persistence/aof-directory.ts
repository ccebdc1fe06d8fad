/**
 * The directory of a multi-part AOF and its manifest on disk.
 *
 * Invariant: the data files that the manifest on disk names are there in full. So a file is
 * made before the manifest that names it, and removed once it is mere history. The manifest
 * itself is replaced by a rename, and what a rename did is synced with its directory.
 */
import { join } from "node:path";
import type { Disk } from "../base/disk.ts";
import { writeWhole } from "../base/disk.ts";
import type { Log } from "../base/log.ts";
import type { ConfigValues } from "../engine/config/directives.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Manifest, ManifestProblem } from "./manifest.ts";
import { EMPTY_MANIFEST, formatManifest, parseManifest } from "./manifest.ts";

export class AofDirectory {
  manifest: Manifest = EMPTY_MANIFEST;
  /** Whether the manifest here is certainly the one on the disk. */
  private isSynced = true;
  private fixedHome: string | null = null;
  private readonly disk: Disk;
  private readonly log: Log;
  private readonly values: ConfigValues;

  constructor(disk: Disk, log: Log, values: ConfigValues) {
    this.disk = disk;
    this.log = log;
    this.values = values;
  }

  /** Where the server keeps its files; while AOF is on, where it kept them then. */
  get home(): string {
    return this.fixedHome ?? this.values.dir;
  }

  /** From now on CONFIG SET dir does not move the files that are being written; or it does. */
  fix(isFixed: boolean): void {
    this.fixedHome = isFixed ? this.values.dir : null;
  }

  get path(): string {
    return join(this.home, this.values.appenddirname);
  }

  /** Where Redis before 7.0 kept its one AOF. */
  get oldStylePath(): string {
    return join(this.home, this.values.appendfilename);
  }

  pathOf(name: string): string {
    return join(this.path, name);
  }

  /** Where changes go while AOF is being switched on, until there is a base for them. */
  get temporaryIncrement(): string {
    return `temp-${this.values.appendfilename}.incr`;
  }

  private get manifestName(): string {
    return `${this.values.appendfilename}.manifest`;
  }

  /** Reads the manifest where there is one; false, and the reason in the log, if it is bad. */
  readManifest(): boolean {
    this.manifest = EMPTY_MANIFEST;
    const path = this.pathOf(this.manifestName);
    let content: Uint8Array | null;
    try {
      content = this.disk.isDirectory(this.path) ? this.disk.readFile(path) : null;
    } catch (error) {
      const shownPath = join(this.values.appenddirname, this.manifestName);
      const what = `can't open the AOF manifest file ${shownPath} for reading`;
      this.log.warning(`Fatal error: ${what}: ${systemErrorText(error)}`);
      return false;
    }
    if (content === null) return true;
    const parsed = parseManifest(content);
    if ("problem" in parsed) {
      this.reportBad(parsed);
      return false;
    }
    this.manifest = parsed;
    return true;
  }

  private reportBad({ problem, line }: ManifestProblem): void {
    this.log.warning("\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
    if (line !== null) {
      this.log.warning(`Reading the manifest file, at line ${line.number}\n`);
      this.log.warning(`>>> '${line.text}'\n`);
    }
    this.log.warning(`${problem}\n`);
  }

  /** Makes the directory where it is missing; false, and the reason in the log, if it can't. */
  make(): boolean {
    try {
      if (!this.disk.isDirectory(this.path)) {
        this.disk.makeDirectory(this.path);
        this.disk.syncDirectory(this.home);
      }
      return true;
    } catch (error) {
      const reason = systemErrorText(error);
      this.log.warning(
        `Can't open or create append-only dir ${this.values.appenddirname}: ${reason}`,
      );
      return false;
    }
  }

  /** Writes a manifest and makes it the current one; false, and the reason in the log. */
  writeManifest(manifest: Manifest): boolean {
    const name = this.manifestName;
    const problem = this.writeFile(`temp-${name}`, name, formatManifest(manifest));
    if (problem !== null) {
      this.log.warning(`Error writing the AOF manifest file ${name}: ${problem}`);
      return false;
    }
    this.manifest = manifest;
    return true;
  }

  /** Makes a file in the directory, in full or not at all; returns why it could not. */
  private writeFile(temporaryName: string, name: string, content: Uint8Array): string | null {
    const temporary = this.pathOf(temporaryName);
    try {
      const descriptor = this.disk.open(temporary, "w");
      try {
        writeWhole(this.disk, descriptor, content, 0, content.length);
        this.disk.sync(descriptor);
      } finally {
        this.disk.close(descriptor);
      }
      this.disk.rename(temporary, this.pathOf(name));
    } catch (error) {
      this.remove(temporary);
      return systemErrorText(error);
    }
    this.isSynced = false;
    this.sync();
    return null;
  }

  /** Has what was made and renamed survive a loss of power; false, and the reason in the log. */
  sync(): boolean {
    try {
      this.disk.syncDirectory(this.path);
      this.isSynced = true;
    } catch (error) {
      const reason = systemErrorText(error);
      this.log.warning(`Fail to fsync AOF directory ${this.values.appenddirname}: ${reason}.`);
    }
    return this.isSynced;
  }

  /** An old-style AOF that was loaded becomes the base of this directory. */
  migrate(): boolean {
    const { appendfilename, appenddirname } = this.values;
    const base = { name: appendfilename, sequence: 1 };
    if (!this.make() || !this.writeManifest({ ...this.manifest, base })) return false;
    try {
      this.disk.rename(this.oldStylePath, this.pathOf(appendfilename));
      this.disk.syncDirectory(this.path);
      this.disk.syncDirectory(this.home);
    } catch (error) {
      this.log.warning(
        `Error trying to move the old AOF file ${appendfilename} into dir ` +
          `${appenddirname}: ${systemErrorText(error)}`,
      );
      return false;
    }
    this.log.notice(
      `Successfully migrated an old-style AOF file (${appendfilename}) into the AOF ` +
        `directory (${appenddirname}).`,
    );
    return true;
  }

  /**
   * Whether to load, and then move here, an old-style file: there is one, and either no
   * manifest with data, or one that a migration wrote before it was interrupted.
   */
  get needsMigration(): boolean {
    if (!this.disk.exists(this.oldStylePath)) return false;
    const { base, increments } = this.manifest;
    if (increments.length > 0) return false;
    if (base === null) return true;
    return base.name === this.values.appendfilename && !this.disk.exists(this.pathOf(base.name));
  }

  /** Removes the files that a newer base has replaced. */
  removeHistory(): boolean {
    const { history } = this.manifest;
    if (history.length === 0 || this.values["aof-disable-auto-gc"]) return true;
    // The manifest that names these files as data might come back.
    if (!this.isSynced && !this.sync()) return true;
    for (const { name } of history) {
      this.log.notice(`Removing the history file ${name} in the background`);
      this.remove(this.pathOf(name));
    }
    return this.writeManifest({ ...this.manifest, history: [] });
  }

  /** Removes a file where there is one; its blocks are freed off the main thread. */
  remove(path: string): void {
    const { disk } = this;
    try {
      if (!disk.exists(path)) return;
      const descriptor = disk.open(path, "r");
      try {
        disk.remove(path);
      } finally {
        disk.closeLater(descriptor);
      }
    } catch (error) {
      this.log.warning(`Could not remove ${path}: ${systemErrorText(error)}`);
    }
  }
}
