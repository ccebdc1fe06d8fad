/**
 * The only door to chance. Sampling uses xoshiro128**, which a test can seed; secrets (hash
 * seeds, run ids) come from the system's generator and are never derived from the former.
 */
export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  constructor(seed = secretWord()) {
    let state = seed | 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) | 0;
      let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return z ^ (z >>> 15);
    };
    this.a = next();
    this.b = next();
    this.c = next();
    this.d = next();
  }

  /** The next 32 bits, unsigned. */
  word(): number {
    const scrambled = Math.imul(this.b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= shifted;
    this.d = (this.d << 11) | (this.d >>> 21);
    return result >>> 0;
  }

  /** A whole number in [0, limit), limit at most 2^32. */
  below(limit: number): number {
    return Math.floor((this.word() / 4294967296) * limit);
  }

  /** A number in [0, 1). */
  fraction(): number {
    return this.word() / 4294967296;
  }
}

/** 32 unpredictable bits, for what an attacker must not guess. */
export function secretWord(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}

/** `digits` unpredictable hexadecimal digits, lower case (run ids, replication ids). */
export function secretHex(digits: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(digits / 2)));
  return Buffer.from(bytes).toString("hex").slice(0, digits);
}
