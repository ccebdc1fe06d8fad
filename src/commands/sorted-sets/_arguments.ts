/** Arguments of ZMPOP and BZMPOP. */
import type { Call } from "../../engine/call.ts";
import { SYNTAX } from "../../protocol/errors.ts";

export interface PopOptions {
  keyCount: number;
  isMax: boolean;
  count: number;
}

const options: PopOptions = { keyCount: 0, isMax: false, count: 1 };

/** `numkeys key [key …] MIN|MAX [COUNT count]`, the number of keys in argument `index`. */
export function readPopOptions(call: Call, index: number): PopOptions {
  options.keyCount = positive(call, index, "numkeys");
  options.count = 1;
  const where = index + 1 + options.keyCount;
  if (call.hasProblem) return options;
  if (where >= call.count) {
    call.refuse(SYNTAX);
    return options;
  }
  options.isMax = call.is(where, "MAX");
  if (!options.isMax && !call.is(where, "MIN")) call.refuse(SYNTAX);
  let hasCount = false;
  for (let i = where + 1; i < call.count && !call.hasProblem; i += 2) {
    if (hasCount || !call.is(i, "COUNT") || i + 1 === call.count) call.refuse(SYNTAX);
    else options.count = positive(call, i + 1, "count");
    hasCount = true;
  }
  return options;
}

function positive(call: Call, index: number, name: string): number {
  const problem = `ERR ${name} should be greater than 0`;
  const value = Number(call.int64(index, problem));
  if (value < 1) call.refuse(problem);
  return value;
}
