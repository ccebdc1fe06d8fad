import { expect, test } from "bun:test";
import { humanBytes } from "../../../../src/commands/server/_info-memory.ts";

test("bytes as people read them", () => {
  const wanted: Record<number, string> = {
    0: "0B",
    1023: "1023B",
    1024: "1.00K",
    1536: "1.50K",
    1048575: "1024.00K",
    1048576: "1.00M",
    123456789: "117.74M",
    [1024 ** 3]: "1.00G",
    [1024 ** 4]: "1.00T",
    [1024 ** 5 * 3]: "3.00P",
  };
  for (const [bytes, text] of Object.entries(wanted)) expect(humanBytes(Number(bytes))).toBe(text);
});
