/** Signed 64-bit integers: numbers where they are safe integers, else bigints. */
export const MAX_INT64 = 2n ** 63n - 1n;
export const MIN_INT64 = -(2n ** 63n);

/** The sum within int64, or null where it leaves that range. */
export function addInt64(value: number | bigint, addend: number | bigint): number | bigint | null {
  if (typeof value === "number" && typeof addend === "number") {
    const sum = value + addend;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const exact = BigInt(value) + BigInt(addend);
  if (exact > MAX_INT64 || exact < MIN_INT64) return null;
  const rounded = Number(exact);
  return Number.isSafeInteger(rounded) ? rounded : exact;
}
