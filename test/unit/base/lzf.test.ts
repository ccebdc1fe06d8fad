import { describe, expect, test } from "bun:test";
import { canInflateTo, decompressLzf } from "../../../src/base/lzf.ts";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";

/** Decompresses between guards that must stay; null where it is refused. */
function inflate(hex: string, length: number): string | null {
  const source = Uint8Array.fromHex(`ffff${hex.replaceAll(" ", "")}ffff`);
  const target = new Uint8Array(length + 8).fill(0xee);
  const compressedLength = source.length - 4;
  const isWhole = decompressLzf(source, 2, compressedLength, target, 4, length);
  expect(textOf(target, 0, 4) + textOf(target, 4 + length, 4)).toBe("\xee".repeat(8));
  return isWhole ? textOf(target, 4, length) : null;
}

describe("LZF", () => {
  test("literal runs", () => {
    expect(inflate("04 68656c6c6f", 5)).toBe("hello");
    expect(inflate("00 61 01 6263", 3)).toBe("abc");
    expect(inflate(`1f ${"61".repeat(32)}`, 32)).toBe("a".repeat(32));
    expect(inflate("", 0)).toBe("");
  });

  test("copies, which may overlap themselves", () => {
    expect(inflate("02 616263 2002", 6)).toBe("abcabc");
    expect(inflate("00 61 e0 0100", 11)).toBe("a".repeat(11));
    expect(inflate("01 6162 e0 ff01", 2 + 264)).toBe("ab".repeat(133));
    const far = `1f ${"61".repeat(32)}`.repeat(9);
    expect(inflate(`02 78797a ${far} 21 20`, 3 + 288 + 3)).toBe(`xyz${"a".repeat(288)}zaa`);
  });

  test("what ends too early or makes another length is refused", () => {
    expect(inflate("04 68656c6c", 5)).toBeNull();
    expect(inflate("04 68656c6c6f", 4)).toBeNull();
    expect(inflate("04 68656c6c6f", 6)).toBeNull();
    expect(inflate("00 61 20", 4)).toBeNull();
    expect(inflate("00 61 e0", 12)).toBeNull();
    expect(inflate("00 61 e0 01", 12)).toBeNull();
    expect(inflate("00 61 20 00", 3)).toBeNull();
    expect(inflate("", 1)).toBeNull();
  });

  test("a copy from in front of the beginning is refused", () => {
    expect(inflate("20 00", 3)).toBeNull();
    expect(inflate("00 61 20 01", 4)).toBeNull();
    expect(inflate("00 61 3f ff", 4)).toBeNull();
  });

  test("no range beyond an array is touched", () => {
    expect(decompressLzf(bytesOf("\x00a"), 0, 3, new Uint8Array(9), 0, 1)).toBe(false);
    expect(decompressLzf(bytesOf("\x00a"), 0, 2, new Uint8Array(1), 1, 1)).toBe(false);
  });

  test("how much so many bytes can make", () => {
    expect(canInflateTo(3, 264)).toBe(true);
    expect(canInflateTo(3, 265)).toBe(false);
    expect(canInflateTo(0, 1)).toBe(false);
  });
});
