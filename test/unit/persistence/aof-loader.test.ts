import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GATE_LOADING } from "../../../src/engine/admission.ts";
import {
  allFiles,
  encode,
  fixture,
  incrementOf,
  makeDirectory,
  manifestOf,
  started,
} from "./_setup.ts";

/** Hundreds of starts, on a machine that may be busy. */
const CUTS_TIMEOUT_MS = 180_000;

type Line = string | Uint8Array;

/** An AOF directory with increments of these commands, or bytes as they are. */
function layDown(...increments: Line[][]): string {
  const dir = makeDirectory();
  mkdirSync(join(dir, "appendonlydir"));
  let manifest = "";
  for (const [index, lines] of increments.entries()) {
    const sequence = index + 1;
    manifest += `file appendonly.aof.${sequence}.incr.aof seq ${sequence} type i\n`;
    writeFileSync(incrementOf(dir, sequence), bytesOfLines(lines));
  }
  writeFileSync(join(dir, "appendonlydir", "appendonly.aof.manifest"), manifest);
  return dir;
}

function bytesOfLines(lines: readonly Line[]): Uint8Array {
  const parts = lines.map((line) => {
    if (typeof line !== "string") return line;
    return line.startsWith("#") ? Buffer.from(line) : encode(...line.split(" "));
  });
  return Buffer.concat(parts);
}

/** Starts, expects a refusal that changes no file, and gives the log. */
async function refused(
  dir: string,
  directives: Parameters<typeof fixture>[1] = {},
): Promise<string> {
  const before = allFiles(dir);
  const it = fixture(dir, directives);
  expect(await it.aof.start()).toBe(false);
  expect(allFiles(dir)).toEqual(before);
  return it.log;
}

describe("A whole AOF", () => {
  test("is loaded file by file, each from database 0", async () => {
    const dir = layDown(["SET a 1", "SELECT 3", "SET b 2"], ["SET c 3"]);
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a=1", "0 c=3", "3 b=2"]);
    expect(it.log).toMatch(/DB loaded from incr file appendonly\.aof\.1\.incr\.aof: 0\.\d{3} sec/);
    expect(it.log).toMatch(/DB loaded from append only file: 0\.\d{3} seconds/);
    expect(it.log).toContain("Opening AOF incr file appendonly.aof.2.incr.aof on server start");
    expect(it.engine.stats.commandsProcessed).toBe(0);
    expect(it.engine.dirty).toBe(3);
    const size = [1, 2].reduce((sum, i) => sum + readFileSync(incrementOf(dir, i)).length, 0);
    expect(it.info("aof_current_size")).toBe(size);
  });

  test("may hold annotations, and keys that have expired since", async () => {
    const dir = layDown([
      "#TS:1\r\n",
      "SET a 1 PXAT 1000",
      "#TS:2\r\n#\r\n",
      "SET b 2",
      "#TS:3\r\n",
    ]);
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a@1000=1", "0 b=2"]);
    expect(it.do("GET", "a")).toBe("$-1\r\n");
  });

  test("is loaded with groups in it, wherever chunks of the file end", async () => {
    const filler = "f".repeat(1 << 18);
    const lines: Line[] = [];
    for (let i = 0; i < 12; i++) {
      lines.push(`SET filler${i} ${filler}`, "MULTI", `SET in${i} 1`, `SET big${i} ${filler}`);
      lines.push("SELECT 1", `SET other${i} 2`, "SELECT 0", "EXEC", `SET after${i} 3`);
    }
    const it = await started(layDown(lines));
    const content = it.content();
    expect(content.length).toBe(60);
    expect(content.filter((line) => line.startsWith("1 other")).length).toBe(12);
    expect(content.every((line) => !line.includes("big") || line.endsWith(`=${filler}`))).toBe(
      true,
    );
  });

  test("gives back large values of every size about that of a chunk", async () => {
    const lines: Line[] = [];
    const wanted: string[] = [];
    for (const size of [70_000, (1 << 20) - 40, 1 << 20, (1 << 20) + 1, 3_000_000, 9_000_000]) {
      const value = String.fromCharCode(97 + (size % 26)).repeat(size);
      for (const copy of [1, 2]) {
        lines.push(`SET large${size}x${copy} ${value}`, `SET small${size}x${copy} s`);
        wanted.push(`0 large${size}x${copy}=${value}`, `0 small${size}x${copy}=s`);
      }
    }
    const it = await started(layDown(lines));
    expect(it.content()).toEqual(wanted.sort());
  });

  test("takes a group with a MULTI too many as Redis does", async () => {
    const dir = layDown(["MULTI", "SET a 1", "MULTI", "SET b 2", "EXEC", "SET c 3"]);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
  });

  test("lets clients in between slices, who hear LOADING", async () => {
    const lines = Array.from({ length: 200_000 }, (_, i) => `SET key${i} value${i}`);
    const it = fixture(layDown(lines));
    const load = it.aof.start();
    expect(it.engine.gates & GATE_LOADING).toBe(GATE_LOADING);
    expect(it.do("GET", "key1")).toBe("-LOADING Redis is loading the dataset in memory\r\n");
    expect(it.info("loading")).toBe(1);
    const seen: number[] = [];
    const watch = setInterval(() => seen.push(Number(it.info("loading_loaded_bytes"))), 1);
    expect(await load).toBe(true);
    clearInterval(watch);
    expect(new Set(seen).size).toBeGreaterThan(3);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(it.info("loading")).toBe(0);
    expect(it.info("loading_total_bytes")).toBeUndefined();
    expect(it.engine.keyspace.keyCount).toBe(200_000);
    expect(it.do("GET", "key1")).toBe("$6\r\nvalue1\r\n");
  });
});

describe("A tail that is not whole", () => {
  const lines = ["SELECT 0", "#TS:1700000000\r\n"];
  for (let i = 0; i < 5; i++) lines.push(`SET key${i} value${i}`, `SET long${i} ${"x".repeat(30)}`);
  lines.push(
    "MULTI",
    "SET in 1",
    "SELECT 2",
    "SET in 2",
    "EXEC",
    "SET last 1",
    "#TS:1700000001\r\n",
  );
  const whole = bytesOfLines(lines);
  const ends = boundaries(lines);

  test(
    "is cut off at each of its last 300 bytes, and what follows is not lost",
    async () => {
      for (let length = whole.length - 300; length < whole.length; length++) {
        const dir = layDown([whole.subarray(0, length)]);
        const it = await started(dir);
        const keptTo = ends.findLast((end) => end <= length) ?? 0;
        const isCut = !isWhole(lines, length);
        const expected = await started(layDown([whole.subarray(0, keptTo)]));
        expect(it.content()).toEqual(expected.content());
        expect(it.log.includes(`Truncating the AOF appendonly.aof.1.incr.aof at offset`)).toBe(
          isCut,
        );
        it.turn("SET", "new", "1");
        const again = await started(dir);
        expect(again.content()).toEqual(it.content());
        expect(again.log).not.toContain("Truncating");
      }
    },
    CUTS_TIMEOUT_MS,
  );

  test(
    "is refused unharmed at each of them with aof-load-truncated no",
    async () => {
      for (let length = whole.length - 300; length < whole.length; length++) {
        const dir = layDown([whole.subarray(0, length)]);
        if (isWhole(lines, length)) {
          await started(dir, { "aof-load-truncated": "no" });
          continue;
        }
        const log = await refused(dir, { "aof-load-truncated": "no" });
        expect(log).toContain(
          "Unexpected end of file reading the append only file appendonly.aof.1.incr.aof. You " +
            "can: 1) Make a backup of your AOF file, then use ./redis-check-aof --fix",
        );
        const keptTo = ends.findLast((end) => end <= length) ?? 0;
        expect(log).toContain(`The last whole command ends at offset ${keptTo}`);
      }
    },
    CUTS_TIMEOUT_MS,
  );

  test("of a group takes the whole group with it", async () => {
    const dir = layDown(["SET a 1", "MULTI", "SET b 2", "SET c 3"]);
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a=1"]);
    expect(it.log).toContain(
      "Revert incomplete MULTI/EXEC transaction in AOF file appendonly.aof.1.incr.aof",
    );
    expect(readFileSync(incrementOf(dir), "latin1")).toBe(
      Buffer.from(bytesOfLines(["SET a 1"])).toString(),
    );
    await refused(layDown(["MULTI", "SET b 2"]), { "aof-load-truncated": "no" });
  });

  test("of an earlier file is refused, and left as it was", async () => {
    for (const setting of ["yes", "no"]) {
      const dir = layDown([encode("SET", "a", "1").subarray(0, 20)], ["SET b 2"]);
      const log = await refused(dir, { "aof-load-truncated": setting });
      expect(log).toContain("Unexpected end of file reading the append only file");
      expect(log.includes("the truncated file is not the last file")).toBe(setting === "yes");
    }
  });

  test("may claim any length without taking memory for it", async () => {
    const before = process.memoryUsage().arrayBuffers;
    const dir = layDown(["SET a 1", Buffer.from("*3\r\n$3\r\nSET\r\n$2000000000\r\nabc")]);
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a=1"]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 << 20);
    const counts = layDown(["SET a 1", Buffer.from("*2000000000\r\n$1\r\na\r\n")]);
    expect((await started(counts)).content()).toEqual(["0 a=1"]);
  });
});

describe("A corrupt AOF is refused unharmed, with the offset", () => {
  const good = bytesOfLines(["SET a 1", "SET b 2"]);
  test.each([
    ["zeros behind the end", new Uint8Array(100)],
    ["text", Buffer.from("hello\r\n")],
    ["an inline command", Buffer.from("SET a 1\r\n")],
    ["an empty request", Buffer.from("*0\r\n")],
    ["a negative count", Buffer.from("*-1\r\n")],
    ["no bulk", Buffer.from("*1\r\n:3\r\nSET\r\n")],
    ["a negative length", Buffer.from("*1\r\n$-1\r\nSET\r\n")],
    ["a length that is no number", Buffer.from("*1\r\n$x\r\nSET\r\n")],
  ])("%s", async (_, bad) => {
    for (const behind of [[], ["SET c 3"]]) {
      const log = await refused(layDown([good, bad, ...behind]));
      expect(log).toContain(
        "Bad file format reading the append only file appendonly.aof.1.incr.aof: make a backup " +
          "of your AOF file, then use ./redis-check-aof --fix <filename.manifest>. The format is " +
          `bad at offset ${good.length}`,
      );
    }
  });

  test("a command that is unknown, has too few arguments, or no such database", async () => {
    expect(await refused(layDown([good, "bla 1"]))).toContain(
      "Unknown command 'bla' reading the append only file appendonly.aof.1.incr.aof at offset " +
        `${good.length}`,
    );
    expect(await refused(layDown(["SET a"]))).toContain("Wrong number of arguments for 'set'");
    expect(await refused(layDown(["SELECT 77"]))).toContain("'select' failed");
  });

  test("a file that the manifest names and that is not there", async () => {
    const dir = layDown(["SET a 1"], ["SET b 2"]);
    rmSync(incrementOf(dir, 1));
    expect(await refused(dir)).toContain(
      "Unable to obtain the AOF file appendonly.aof.1.incr.aof length. " +
        "stat: No such file or directory",
    );
  });

  test("a bad manifest, with appendonly no as well", async () => {
    for (const appendonly of ["yes", "no"]) {
      const dir = layDown([], []);
      writeFileSync(join(dir, "appendonlydir", "appendonly.aof.manifest"), "file x\n");
      const log = await refused(dir, { appendonly });
      expect(log).toContain("\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
      expect(log).toContain("Reading the manifest file, at line 1\n");
      expect(log).toContain(">>> 'file x'\n");
      expect(log).toContain("Invalid AOF manifest file format\n");
    }
  });

  test("a base in RDB format that is damaged or cut", async () => {
    const rdb = Buffer.from("REDIS0010\xfe\x00\xfb\x01\x00\x00\x01a\xc0\x01\xff", "latin1");
    const whole = Buffer.concat([rdb, Buffer.alloc(8)]);
    for (const [bad, told] of [
      [whole.fill(0x63, 14, 15), "Bad RDB file reading offset 14: "],
      [rdb.subarray(0, 16), "Bad RDB file reading offset 15: Unexpected EOF reading RDB file"],
    ] as const) {
      const dir = layDown(["SET a 1"]);
      writeFileSync(join(dir, "appendonlydir", "base.rdb"), bad);
      writeFileSync(
        join(dir, "appendonlydir", "appendonly.aof.manifest"),
        `file base.rdb seq 1 type b\n${manifestOf(dir)}`,
      );
      const log = await refused(dir);
      expect(log).toContain(told);
      expect(log).toContain("Error reading the RDB base file base.rdb, AOF loading aborted");
    }
  });
});

describe("An AOF of old style", () => {
  test("is loaded and becomes the base", async () => {
    const dir = makeDirectory();
    const content = bytesOfLines(["SET a 1", "SET b 2"]);
    writeFileSync(join(dir, "appendonly.aof"), content);
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a=1", "0 b=2"]);
    expect(it.log).toContain(
      "Successfully migrated an old-style AOF file (appendonly.aof) into the AOF directory " +
        "(appendonlydir).",
    );
    it.turn("SET", "c", "3");
    expect([...allFiles(dir).keys()].sort()).toEqual([
      "appendonlydir/appendonly.aof",
      "appendonlydir/appendonly.aof.1.incr.aof",
      "appendonlydir/appendonly.aof.manifest",
    ]);
    expect(manifestOf(dir)).toBe(
      "file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    expect(it.info("aof_base_size")).toBe(content.length);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
  });

  test("may begin with an RDB, and is cut behind it where it must be", async () => {
    const rdb = Buffer.from("REDIS0009\xfe\x00\x00\x01r\xc0\x07\xff", "latin1");
    const preamble = Buffer.concat([rdb, Buffer.alloc(8)]);
    const cut = encode("SET", "b", "2").subarray(0, 11);
    for (const tail of [[], [cut], [bytesOfLines(["MULTI", "SET c 3"])]]) {
      const dir = makeDirectory();
      const whole = Buffer.concat([preamble, bytesOfLines(["SET a 1"])]);
      writeFileSync(join(dir, "appendonly.aof"), Buffer.concat([whole, ...tail]));
      const it = await started(dir);
      expect(it.content()).toEqual(["0 a=1", "0 r=7"]);
      expect(it.log).toContain("Reading RDB preamble from AOF file...");
      expect(it.log).toContain("Reading the remaining AOF tail...");
      expect(readFileSync(join(dir, "appendonlydir", "appendonly.aof"))).toEqual(whole);
      it.turn("SET", "d", "4");
      expect((await started(dir)).content()).toEqual(["0 a=1", "0 d=4", "0 r=7"]);
    }
  });

  test("is found again when the move was interrupted", async () => {
    const dir = makeDirectory();
    writeFileSync(join(dir, "appendonly.aof"), bytesOfLines(["SET a 1"]));
    mkdirSync(join(dir, "appendonlydir"));
    writeFileSync(
      join(dir, "appendonlydir", "appendonly.aof.manifest"),
      "file appendonly.aof seq 1 type b\n",
    );
    expect((await started(dir)).content()).toEqual(["0 a=1"]);
    expect((await started(dir)).content()).toEqual(["0 a=1"]);
  });

  test("is not touched when it is refused, nor when there is newer data", async () => {
    const dir = makeDirectory();
    writeFileSync(join(dir, "appendonly.aof"), "nonsense");
    await refused(dir);
    const newer = layDown(["SET a 1"]);
    writeFileSync(join(newer, "appendonly.aof"), "nonsense");
    expect((await started(newer)).content()).toEqual(["0 a=1"]);
    expect(readFileSync(join(newer, "appendonly.aof"), "latin1")).toBe("nonsense");
  });

  test("has its tail cut off", async () => {
    const dir = makeDirectory();
    const whole = bytesOfLines(["SET a 1"]);
    writeFileSync(join(dir, "appendonly.aof"), Buffer.concat([whole, Buffer.from("*3\r\n$3")]));
    const it = await started(dir);
    expect(it.content()).toEqual(["0 a=1"]);
    expect(readFileSync(join(dir, "appendonlydir", "appendonly.aof")).length).toBe(whole.length);
  });
});

/** The offsets at which a command outside a group, or a group, ends. */
function boundaries(lines: readonly string[]): number[] {
  const found: number[] = [];
  let offset = 0;
  let isInGroup = false;
  for (const line of lines) {
    offset += bytesOfLines([line]).length;
    if (line === "MULTI") isInGroup = true;
    if (line === "EXEC") isInGroup = false;
    if (!isInGroup && !line.startsWith("#")) found.push(offset);
  }
  return found;
}

/** Whether the first `length` bytes end behind a command, a group or an annotation. */
function isWhole(lines: readonly string[], length: number): boolean {
  let offset = 0;
  let isInGroup = false;
  for (const line of lines) {
    if (offset === length) return !isInGroup;
    offset += bytesOfLines([line]).length;
    if (line === "MULTI") isInGroup = true;
    if (line === "EXEC") isInGroup = false;
  }
  return offset === length;
}
