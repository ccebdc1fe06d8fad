/** Arguments that several list commands share. */
import type { Call } from "../../engine/call.ts";
import { SYNTAX } from "../../protocol/errors.ts";

/** LEFT: true, RIGHT: false; anything else is a problem. */
export function readEnd(call: Call, index: number): boolean {
  if (call.is(index, "LEFT")) return true;
  if (!call.is(index, "RIGHT")) call.refuse(SYNTAX);
  return false;
}

export interface PopOptions {
  keyCount: number;
  atHead: boolean;
  count: number;
}

const options: PopOptions = { keyCount: 0, atHead: false, count: 1 };

/** `numkeys key [key …] LEFT|RIGHT [COUNT count]`, the number of keys in argument `index`. */
export function readPopOptions(call: Call, index: number): PopOptions {
  options.keyCount = positive(call, index, "numkeys");
  options.count = 1;
  const where = index + 1 + options.keyCount;
  if (call.hasProblem) return options;
  if (where >= call.count) {
    call.refuse(SYNTAX);
    return options;
  }
  options.atHead = readEnd(call, where);
  let hasCount = false;
  for (let i = where + 1; i < call.count && !call.hasProblem; i += 2) {
    if (hasCount || !call.is(i, "COUNT") || i + 1 === call.count) call.refuse(SYNTAX);
    else options.count = positive(call, i + 1, "count");
    hasCount = true;
  }
  return options;
}

/** A number above zero; the error names what it counts. */
export function positive(call: Call, index: number, name: string): number {
  const problem = `ERR ${name} should be greater than 0`;
  const value = Number(call.int64(index, problem));
  if (value < 1) call.refuse(problem);
  return value;
}
