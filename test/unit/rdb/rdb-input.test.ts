import { describe, expect, test } from "bun:test";
import { textOf } from "../../../src/base/bytes.ts";
import { Crc64 } from "../../../src/base/crc64.ts";
import { ByteView } from "../../../src/memory/element.ts";
import { RdbError } from "../../../src/rdb/rdb-error.ts";
import { RdbInput } from "../../../src/rdb/rdb-input.ts";
import { lzfCompress } from "../../../src/base/lzf-compress.ts";
import {
  big,
  double,
  integer,
  join,
  latin1,
  length,
  literalLzf,
  little,
  sourceOf,
  string,
} from "../../support/rdb-bytes.ts";

/** What reads the same bytes: a file, one that comes bit by bit, a range of memory. */
function inputsOf(bytes: Uint8Array): RdbInput[] {
  const padded = join(1, 2, 3, bytes, 4, 5);
  return [
    new RdbInput(sourceOf(bytes), 0, true),
    new RdbInput(sourceOf(bytes, 1), 0, true),
    RdbInput.over(padded, 3, bytes.length),
  ];
}

function each(bytes: Uint8Array, check: (input: RdbInput) => void): void {
  for (const input of inputsOf(bytes)) check(input);
}

function text(input: RdbInput): string {
  const view = new ByteView();
  input.readString(view);
  return textOf(view.bytes, view.start, view.length);
}

function expectError(run: () => unknown, message: RegExp, offset: number): void {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(RdbError);
    if (!(error instanceof RdbError)) return;
    expect(error.message).toMatch(message);
    expect(error.offset).toBe(offset);
    return;
  }
  throw new Error("It did not fail");
}

describe("lengths", () => {
  test.each([0, 63, 64, 16383, 16384, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])("%d", (value) => {
    each(length(value), (input) => expect(input.readLength()).toBe(value));
  });

  test("64 bits come as two words", () => {
    each(join(0x81, big(2n ** 64n - 2n, 8)), (input) => {
      input.readWords();
      expect([input.high, input.low]).toEqual([2 ** 32 - 1, 2 ** 32 - 2]);
      expect(input.int64).toBe(-2);
    });
    each(join(0x81, big(2n ** 62n, 8)), (input) => {
      input.readWords();
      expect(input.int64).toBe(2n ** 62n);
    });
  });

  test("one that no number can say is refused where a number is wanted", () => {
    each(join(0, 0x81, big(2n ** 60n, 8)), (input) => {
      input.readByte();
      expectError(() => input.readLength(), /impossibly large/, 1);
    });
  });

  test("unknown encodings are refused", () => {
    for (const first of [0x82, 0xbf, 0xc0, 0xff]) {
      each(join(first, 0, 0), (input) => {
        expectError(() => input.readLength(), /Unknown length encoding/, 0);
      });
    }
  });

  test("a count of more than can follow is refused at once", () => {
    each(join(length(3), 0, 0, 0, 0, 0, 0), (input) => expect(input.readCount(2)).toBe(3));
    each(join(length(3), 0, 0, 0, 0, 0), (input) => {
      expectError(() => input.readCount(2), /Unexpected EOF/, 0);
    });
  });
});

describe("strings", () => {
  test.each(["", "a", "hello", "x".repeat(63), "x".repeat(64), "x".repeat(20000)])(
    "%#",
    (value) => {
      each(string(value), (input) => expect(text(input)).toBe(value));
      each(literalLzf(value), (input) => expect(text(input)).toBe(value));
    },
  );

  test("integers", () => {
    for (const value of [0, -1, 127, -128, 128, 32767, -32768, 2 ** 31 - 1, -(2 ** 31)]) {
      each(integer(value), (input) => {
        expect(input.isIntegerNext).toBe(true);
        expect(text(input)).toBe(String(value));
      });
      each(integer(value), (input) => expect(input.readIntegerString()).toBe(value));
    }
  });

  test("a large one is an array of its own", () => {
    const value = "abcdefg".repeat(60_000);
    const bytes = join(string("first"), string(value), string("last"));
    for (const input of inputsOf(bytes).slice(0, 2)) {
      expect(text(input)).toBe("first");
      const view = new ByteView();
      input.readString(view);
      expect(view.bytes).toHaveLength(value.length);
      expect(textOf(view.bytes)).toBe(value);
      expect(text(input)).toBe("last");
      expect(input.offset).toBe(bytes.length);
    }
  });

  test("compressed ones of every size", () => {
    for (const count of [5, 1000, 9000, 30_000, 100_000]) {
      const value = latin1("some text, ".repeat(count).slice(0, count));
      const target = new Uint8Array(value.length + 100);
      const size = lzfCompress(value, 0, value.length, target, 0, value.length);
      if (size === 0) continue;
      const data = target.subarray(0, size);
      const bytes = join(0xc3, length(size), length(value.length), data, string("next"));
      each(bytes, (input) => {
        expect(text(input)).toBe(textOf(value));
        expect(text(input)).toBe("next");
      });
    }
  });

  test("what is cut is refused, with where it begins", () => {
    const whole = join(7, string("hello"));
    for (let size = 1; size < whole.length; size++) {
      each(whole.subarray(0, size), (input) => {
        input.readByte();
        expectError(() => text(input), /Unexpected EOF/, 1);
      });
    }
  });

  test("compressed ones that can't be are refused before anything is allocated", () => {
    const huge = join(0xc3, length(4), length(2 ** 31 - 1), 0, 0, 0, 0);
    each(huge, (input) => expectError(() => text(input), /Invalid LZF/, 0));
    const wrong = join(0xc3, length(2), length(2), 0, 97);
    each(wrong, (input) => expectError(() => text(input), /Invalid LZF/, 0));
  });

  test("unknown encodings are refused", () => {
    each(join(0xc4, 0), (input) =>
      expectError(() => text(input), /Unknown RDB string encoding/, 0),
    );
  });
});

describe("numbers", () => {
  test("of fixed size", () => {
    each(join(little(-5, 4), little(-(2n ** 60n), 8), double(1.25)), (input) => {
      expect(input.readInt32()).toBe(-5);
      input.readInt64();
      expect(input.int64).toBe(-(2n ** 60n));
      expect(input.readDouble()).toBe(1.25);
      expectError(() => input.readByte(), /Unexpected EOF/, 20);
    });
  });

  test("doubles in the old form", () => {
    each(join(string("1.5"), 254, 255, 253, string("-3e2"), string("abc")), (input) => {
      const values = Array.from({ length: 6 }, () => input.readTextDouble());
      expect(values).toEqual([1.5, Infinity, -Infinity, NaN, -300, NaN]);
    });
  });
});

describe("the checksum", () => {
  test("covers all that was consumed, however it was read", () => {
    const large = "large".repeat(30_000);
    const bytes = join(string("a"), string(large), string("b"), string("not any more"));
    const consumed = bytes.length - string("not any more").length;
    const crc = new Crc64();
    crc.update(bytes, 0, consumed);
    const expected = new Uint8Array(8);
    crc.write(expected, 0);
    for (const input of inputsOf(bytes).slice(0, 2)) {
      for (let i = 0; i < 3; i++) text(input);
      const got = new Uint8Array(8);
      input.writeChecksum(got);
      expect(got).toEqual(expected);
      expect(input.offset).toBe(consumed);
    }
  });

  test("begins where reading begins", () => {
    const bytes = join(1, 2, 3, string("a"));
    const input = new RdbInput(sourceOf(bytes), 3, true);
    expect(text(input)).toBe("a");
    const crc = new Crc64();
    crc.update(bytes, 3, 2);
    const [expected, got] = [new Uint8Array(8), new Uint8Array(8)];
    crc.write(expected, 0);
    input.writeChecksum(got);
    expect(got).toEqual(expected);
    expect(input.offset).toBe(5);
  });
});
