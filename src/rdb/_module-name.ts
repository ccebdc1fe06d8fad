/**
 * The name of a module type, which a module ID carries: nine characters of 6 bits from the top
 * down, above 10 bits of version (moduleTypeNameByID, module.c).
 */
const CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const NAME_LENGTH = 9;

/** The ID's two words, unsigned. */
export function moduleNameOf(high: number, low: number): string {
  const id = (BigInt(high) << 32n) | BigInt(low);
  let name = "";
  for (let i = 0; i < NAME_LENGTH; i++) {
    name += CHARACTERS[Number((id >> BigInt(58 - 6 * i)) & 63n)];
  }
  return name;
}
