/** Comparing passwords without telling, by the time it takes, how much of one was right. */
export function samePassword(given: string, wanted: string): boolean {
  const a = digestOf(given);
  const b = digestOf(wanted);
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i] ^ b[i];
  return difference === 0;
}

/** Digests have one length, so that the length of the password does not show either. */
function digestOf(password: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(Buffer.from(password, "latin1")).digest();
}
