/**
 * Expire times as commands take them: in seconds or milliseconds, from now or from the epoch,
 * within int64. A number where it is a safe integer, otherwise a bigint.
 */
import { invalidExpire } from "../protocol/errors.ts";
import type { Call } from "./call.ts";

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

export type ExpireTime = number | bigint;

/** The unix time in milliseconds that `amount` units from `baseMs` make, or null: beyond int64. */
export function expireAt(amount: ExpireTime, unitMs: number, baseMs: number): ExpireTime | null {
  if (typeof amount === "number") {
    const whenMs = amount * unitMs + baseMs;
    if (Number.isSafeInteger(amount * unitMs) && Number.isSafeInteger(whenMs)) return whenMs;
  }
  const exact = BigInt(amount) * BigInt(unitMs);
  const whenMs = exact + BigInt(baseMs);
  if (exact > MAX_INT64 || exact < MIN_INT64 || whenMs > MAX_INT64) return null;
  return whenMs;
}

/**
 * The argument as the expire time of SET, SETEX or GETEX: positive, within int64. A problem is
 * noted on the call (and the result meaningless) where it is not.
 */
export function positiveExpireArgument(
  call: Call,
  index: number,
  unitMs: number,
  baseMs: number,
): ExpireTime {
  const amount = call.int64(index);
  if (amount !== amount) return 0;
  const whenMs = amount > 0 ? expireAt(amount, unitMs, baseMs) : null;
  if (whenMs === null) {
    call.refuse(invalidExpire(call.command.fullName));
    return 0;
  }
  return whenMs;
}
