/**
 * Chance for fuzzers that can be repeated. The seed is printed when the generator is made; the
 * environment sets it with PEDIS_SEED, and PEDIS_LONG multiplies how much a fuzzer does.
 */
export interface Random {
  readonly seed: number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(choices: readonly T[]): T;
  bytes(length: number): Uint8Array;
  /** Lower-case letters. */
  word(length: number): string;
}

/** The generator of `subject`, whose seed is PEDIS_SEED or else drawn from the time. */
export function seededRandom(subject: string): Random {
  const given = Number(process.env["PEDIS_SEED"] ?? Number.NaN);
  const seed = Number.isInteger(given) ? given >>> 0 : (Date.now() * 2654435761) >>> 0;
  console.log(`${subject}: PEDIS_SEED=${seed}`);
  return randomFrom(seed);
}

/** How often to do what is done `count` times in an ordinary run. */
export function scale(count: number): number {
  const factor = Number(process.env["PEDIS_LONG"] ?? 1);
  if (!(factor > 0)) throw new Error("PEDIS_LONG is not a positive number");
  return Math.ceil(count * factor);
}

/** A 32-bit linear congruential state, its bits mixed on the way out (PCG's RXS-M-XS). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (Math.imul(state, 747796405) + 2891336453) >>> 0;
    const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
    return ((word >>> 22) ^ word) >>> 0;
  };
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit);
  return {
    seed,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (probability) => next() < probability * 2 ** 32,
    pick: (choices) => {
      if (choices.length === 0) throw new Error("Nothing to pick from");
      return choices[below(choices.length)];
    },
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      for (let i = 0; i < length; i++) bytes[i] = next() >>> 24;
      return bytes;
    },
    word: (length) => {
      let text = "";
      while (text.length < length) text += String.fromCharCode(97 + below(26));
      return text;
    },
  };
}
