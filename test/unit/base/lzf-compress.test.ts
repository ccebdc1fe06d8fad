/** LZF: what was compressed comes out again, by the rules of the format alone. */
import { describe, expect, test } from "bun:test";
import { lzfCompress } from "../../../src/base/lzf-compress.ts";
import { oracleMissing, seededChance, startOracle } from "./_oracle.ts";

const LITTLE_SAVED = 4;

/** The compressed bytes; null where nothing or too little was saved. */
function compressed(bytes: Uint8Array, offset = 0): Uint8Array | null {
  const { length } = bytes;
  const source = new Uint8Array(length + offset);
  source.set(bytes, offset);
  const target = new Uint8Array(length + offset + 1).fill(0xee);
  const room = length - LITTLE_SAVED;
  const size = lzfCompress(source, offset, length, target, offset, room);
  expect(size).toBeLessThanOrEqual(Math.max(room, 0));
  // Neither in front of the target's range nor more than a byte behind the room.
  expect(target.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
  expect(target.subarray(offset + room + 1).every((byte) => byte === 0xee)).toBe(true);
  return size === 0 ? null : target.slice(offset, offset + size);
}

/** A decompressor that trusts nothing. */
function decompressed(bytes: Uint8Array): number[] {
  const out: number[] = [];
  let at = 0;
  const next = (): number => {
    if (at >= bytes.length) throw new Error("cut off");
    return bytes[at++];
  };
  while (at < bytes.length) {
    const control = next();
    if (control < 32) {
      for (let i = 0; i <= control; i++) out.push(next());
      continue;
    }
    let length = control >> 5;
    if (length === 7) length += next();
    const from = out.length - ((control & 31) << 8) - next() - 1;
    if (from < 0) throw new Error("points in front of the beginning");
    for (let i = 0; i < length + 2; i++) out.push(out[from + i]);
  }
  return out;
}

function samples(): Uint8Array[] {
  const chance = seededChance(1);
  const found: Uint8Array[] = [];
  for (let length = 1; length < 90; length++) {
    found.push(new Uint8Array(length).fill(length));
    for (const letters of [2, 3, 5, 256]) {
      found.push(Uint8Array.from({ length }, () => chance(letters)));
    }
  }
  for (let i = 0; i < 60; i++) {
    const letters = 2 + chance(30);
    found.push(Uint8Array.from({ length: 100 + chance(30_000) }, () => chance(letters)));
  }
  // The same again, from as far as a match reaches and from farther.
  for (const gap of [8180, 8185, 8188, 8189, 8190, 8191, 8192, 8193, 8200]) {
    const word = [201, 202, 203, 204, 205];
    const noise = Array.from({ length: gap }, () => chance(200));
    found.push(Uint8Array.from([...word, ...noise, ...word, ...noise.slice(0, 300)]));
  }
  found.push(
    new Uint8Array(100_000),
    Uint8Array.from({ length: 70_000 }, (_, i) => i % 251),
  );
  return found;
}

describe("LZF", () => {
  test("What is compressed comes out again, wherever it lies", () => {
    let shrunk = 0;
    for (const bytes of samples()) {
      for (const offset of [0, 3]) {
        const short = compressed(bytes, offset);
        if (short === null) continue;
        shrunk++;
        expect(Buffer.from(decompressed(short)).equals(bytes)).toBe(true);
      }
    }
    expect(shrunk).toBeGreaterThan(300);
  });

  test("Runs shrink to nearly nothing, noise does not", () => {
    expect(compressed(new Uint8Array(10_000))?.length).toBeLessThan(200);
    const chance = seededChance(2);
    const noise = Uint8Array.from({ length: 5000 }, () => chance(256));
    expect(compressed(noise)).toBeNull();
  });

  test("What went before does not matter", () => {
    const text = Buffer.from("one two three one two three four one two");
    const alone = compressed(text);
    for (const bytes of samples()) compressed(bytes);
    expect(compressed(text)).toEqual(alone);
  });

  test("After a gigabyte, when places begin anew, matches are right", () => {
    const megabyte = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * i) >> 3);
    const target = new Uint8Array(1 << 20);
    for (let i = 0; i < 1030; i++) lzfCompress(megabyte, 0, megabyte.length, target, 0, 3000);
    const text = Buffer.from("again and again and again and again and again");
    const short = compressed(text);
    expect(short !== null && Buffer.from(decompressed(short)).equals(text)).toBe(true);
  });
});

describe.skipIf(oracleMissing)("LZF and redis-server (where installed)", () => {
  test("It compresses to the same bytes", async () => {
    const oracle = await startOracle();
    try {
      const texts = samples().filter(({ length }) => length > 20);
      const dumps = await oracle.run(
        texts.flatMap((text) => [
          ["SET", "k", Buffer.from(text)],
          ["DUMP", "k"],
        ]),
      );
      for (let i = 0; i < texts.length; i++) {
        const payload = dumps[2 * i + 1] as Buffer;
        const short = compressed(texts[i]) ?? texts[i];
        const value = payload.subarray(0, payload.length - 10);
        expect(value.subarray(value.length - short.length).equals(Buffer.from(short))).toBe(true);
        expect(value.length - short.length).toBeLessThanOrEqual(12);
      }
    } finally {
      await oracle.stop();
    }
  });
});
