import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import {
  EMPTY_MANIFEST,
  formatManifest,
  nextBase,
  parseManifest,
  rebased,
  withNextIncrement,
} from "../../../src/persistence/manifest.ts";

function parse(text: string): ReturnType<typeof parseManifest> {
  return parseManifest(bytesOf(text));
}

describe("A manifest that is read", () => {
  test("has base, history and increments apart, whatever their order", () => {
    const text =
      "file a.1.incr.aof seq 1 type h\n" +
      "# a comment\n" +
      "file a.2.incr.aof seq 2 type i\n" +
      "file a.2.base.rdb seq 2 type b\n" +
      "file a.5.incr.aof seq 5 type i\n";
    expect(parse(text)).toEqual({
      base: { name: "a.2.base.rdb", sequence: 2 },
      history: [{ name: "a.1.incr.aof", sequence: 1 }],
      increments: [
        { name: "a.2.incr.aof", sequence: 2 },
        { name: "a.5.incr.aof", sequence: 5 },
      ],
      lastIncrement: 5,
    });
  });

  test("may have unknown pairs, capital keys and blanks around", () => {
    const text = "  FILE a.1.incr.aof Seq 1 TYPE incr colour blue \r\n";
    expect(parse(text)).toEqual({
      ...EMPTY_MANIFEST,
      increments: [{ name: "a.1.incr.aof", sequence: 1 }],
      lastIncrement: 1,
    });
  });

  test.each([
    ["", "Found an empty AOF manifest", null],
    ["file a seq 1 type i", "The AOF manifest file contains too long line", null],
    [
      `file ${"a".repeat(1024)} seq 1 type i\n`,
      "The AOF manifest file contains too long line",
      null,
    ],
    ["file a\0 seq 1 type i\n", "The AOF manifest file contains too long line", null],
    ["\n", "Invalid AOF manifest file format", 1],
    ["file a seq 1 type i\n\n", "Invalid AOF manifest file format", 2],
    ["filx a seq 1 type i\n", "Invalid AOF manifest file format", 1],
    ["file a type i\n", "Invalid AOF manifest file format", 1],
    ["file a seq 1 type i more\n", "Invalid AOF manifest file format", 1],
    ["file a seq 0 type i\n", "Invalid AOF manifest file format", 1],
    ["file a seq x type i\n", "Invalid AOF manifest file format", 1],
    ['file "a seq 1 type i\n', "Invalid AOF manifest file format", 1],
    ["file d/a seq 1 type i\n", "File can't be a path, just a filename", 1],
    ["file a seq 1 type x\n", "Unknown AOF file type", 1],
    ["file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2],
    ["file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2],
    ["file a seq -1 type i\n", "Found a non-monotonic sequence number", 1],
  ])("is refused: %j", (text, problem, line) => {
    const parsed = parse(text);
    expect(parsed).toMatchObject({ problem });
    expect("line" in parsed ? (parsed.line?.number ?? null) : undefined).toBe(line);
  });
});

describe("A manifest that is written", () => {
  test("quotes a name that is not plain, and is read back", () => {
    const names = ["a b", 'quo"te', "back\\slash", "naïve", "tab\t", "#plain", "quo'te"];
    for (const name of names) {
      const manifest = { ...EMPTY_MANIFEST, base: { name, sequence: 3 } };
      const content = formatManifest(manifest);
      expect(textOf(content)).toMatch(/^file ("[ -~]*"|[!-~]+) seq 3 type b\n$/);
      const isPath = name.includes("\\");
      expect(parseManifest(content)).toMatchObject(
        isPath ? { problem: "File can't be a path, just a filename" } : manifest,
      );
    }
  });

  test("gives no increment the name of one that is history", () => {
    const history = [{ name: "a.1.incr.aof", sequence: 1 }];
    const base = { name: "a.2.base.rdb", sequence: 2 };
    const next = withNextIncrement({ ...EMPTY_MANIFEST, base, history }, "a");
    expect(next.increments).toEqual([{ name: "a.2.incr.aof", sequence: 2 }]);
    // While it is known, the number that was given last counts even where nothing has it.
    const off = rebased(next, { name: "a.3.base.rdb", sequence: 3 }, false);
    expect(off.increments).toEqual([]);
    expect(withNextIncrement({ ...off, history: [] }, "a").increments[0].sequence).toBe(3);
  });

  test("goes on with the numbers of what it held", () => {
    const first = withNextIncrement(
      { ...EMPTY_MANIFEST, base: nextBase(EMPTY_MANIFEST, "a", "rdb") },
      "a",
    );
    const second = withNextIncrement(first, "a");
    const third = rebased(withNextIncrement(second, "a"), nextBase(second, "a", "aof"), true);
    expect(textOf(formatManifest(third))).toBe(
      "file a.2.base.aof seq 2 type b\n" +
        "file a.1.incr.aof seq 1 type h\n" +
        "file a.2.incr.aof seq 2 type h\n" +
        "file a.1.base.rdb seq 1 type h\n" +
        "file a.3.incr.aof seq 3 type i\n",
    );
  });
});
