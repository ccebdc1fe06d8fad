/**
 * What was denied lately, newest first. Equal events within a minute of each other are one entry
 * with a count (addACLLogEntry, acl.c).
 */
import { DENIED_AUTH, DENIED_CHANNEL, DENIED_COMMAND, DENIED_KEY } from "./access.ts";

export type AclContext = "toplevel" | "multi" | "lua";

export interface AclEvent {
  /** A DENIED_ verdict. */
  readonly reason: number;
  readonly context: AclContext;
  /** The command, key or channel; of AUTH, the command's name as it was sent. */
  readonly object: string;
  readonly username: string;
  readonly atMs: number;
  /** As CLIENT INFO shows the session. */
  readonly clientLine: string;
}

export interface AclLogEntry {
  readonly id: number;
  readonly event: AclEvent;
  readonly count: number;
  readonly createdMs: number;
}

const REASONS: ReadonlyMap<number, string> = new Map([
  [DENIED_COMMAND, "command"],
  [DENIED_KEY, "key"],
  [DENIED_CHANNEL, "channel"],
  [DENIED_AUTH, "auth"],
]);

const GROUPED_WITHIN_MS = 60_000;
/** How many entries are searched for an equal one. */
const SEARCHED = 10;

export function reasonText(reason: number): string {
  return REASONS.get(reason) ?? "unknown";
}

export class AclLog {
  private entries: AclLogEntry[] = [];
  private nextId = 0;

  add(event: AclEvent, maxLength: number): void {
    const index = this.entries.slice(0, SEARCHED).findIndex((known) => isAlike(known.event, event));
    const [known] = index < 0 ? [] : this.entries.splice(index, 1);
    if (known !== undefined) {
      this.entries.unshift({ ...known, event, count: known.count + 1 });
      return;
    }
    this.entries.unshift({ id: this.nextId++, event, count: 1, createdMs: event.atMs });
    if (this.entries.length > maxLength) this.entries.length = maxLength;
  }

  newest(count: number): readonly AclLogEntry[] {
    return this.entries.slice(0, count);
  }

  reset(): void {
    this.entries = [];
  }
}

function isAlike(known: AclEvent, event: AclEvent): boolean {
  return (
    known.reason === event.reason &&
    known.context === event.context &&
    known.object === event.object &&
    known.username === event.username &&
    Math.abs(known.atMs - event.atMs) <= GROUPED_WITHIN_MS
  );
}
