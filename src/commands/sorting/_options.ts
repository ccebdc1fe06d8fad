/** SORT's options: a word decides, the last one wins, and what it does not know is an error. */
import { READ } from "../../engine/acl/pattern.ts";
import type { Call } from "../../engine/call.ts";
import type { Arguments } from "../../protocol/arguments.ts";
import { sortOptionDenied, SYNTAX } from "../../protocol/errors.ts";
import { hasPlace } from "./_key-pattern.ts";

export class SortOptions {
  descending = false;
  /** ALPHA: by bytes, not by number. */
  comparesBytes = false;
  /** LIMIT, as it was given. */
  offset = 0;
  count = -1;
  /** The argument with BY's pattern; 0: none. */
  by = 0;
  /** A pattern without a place for the element was given to BY: nothing is to be sorted. */
  keepsOrder = false;
  /** The arguments with GET's patterns. */
  readonly gets: number[] = [];
  /** The argument with STORE's key; 0: none. */
  destination = 0;

  /** Reads the arguments behind the key; refuses the call where they are wrong. */
  read(call: Call, mayStore: boolean): void {
    this.descending = false;
    this.comparesBytes = false;
    this.offset = 0;
    this.count = -1;
    this.by = 0;
    this.keepsOrder = false;
    this.gets.length = 0;
    this.destination = 0;
    for (let i = 2; i < call.count && !call.hasProblem; i++) {
      const left = call.count - i - 1;
      if (call.is(i, "ASC")) this.descending = false;
      else if (call.is(i, "DESC")) this.descending = true;
      else if (call.is(i, "ALPHA")) this.comparesBytes = true;
      else if (call.is(i, "LIMIT") && left >= 2) {
        this.offset = Number(call.int64(++i));
        this.count = Number(call.int64(++i));
      } else if (mayStore && call.is(i, "STORE") && left >= 1) this.destination = ++i;
      else if (call.is(i, "BY") && left >= 1) {
        const { bytes, starts, lengths } = call.args;
        this.by = ++i;
        if (!hasPlace(bytes, starts[i], lengths[i])) this.keepsOrder = true;
        else if (!mayReadAnyKey(call)) call.refuse(sortOptionDenied("BY"));
      } else if (call.is(i, "GET") && left >= 1) {
        if (!mayReadAnyKey(call)) call.refuse(sortOptionDenied("GET"));
        this.gets.push(++i);
      } else call.refuse(SYNTAX);
    }
  }
}

/** The elements name the keys that BY and GET read, so these could be any. */
function mayReadAnyKey(call: Call): boolean {
  return call.engine.acl.permitsAnyKey(call.session, call.command, call.args, READ);
}

/** The argument with the destination, found as sortGetKeys (db.c) finds it; 0: none. */
export function findDestination(args: Arguments, first: number): number {
  let found = 0;
  for (let i = first; i < args.count; i++) {
    if (args.is(i, "LIMIT")) i += 2;
    else if (args.is(i, "GET") || args.is(i, "BY")) i++;
    else if (args.is(i, "STORE") && i + 1 < args.count) found = i + 1;
  }
  return found;
}
