/** Passwords are kept and compared as SHA-256 digests, written in hexadecimal. */

const HASH = /^[0-9a-f]{64}$/;

export function isHash(text: string): boolean {
  return HASH.test(text);
}

/** `password` is Latin-1: one code unit, one byte. */
export function hashOf(password: string): string {
  return new Bun.CryptoHasher("sha256").update(Buffer.from(password, "latin1")).digest("hex");
}

/** Compares two digests without telling, by the time it takes, how much of one was right. */
export function sameHash(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length; i++) difference |= one.charCodeAt(i) ^ other.charCodeAt(i);
  return difference === 0;
}
