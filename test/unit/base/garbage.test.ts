import { describe, expect, test } from "bun:test";
import { GarbageCollector, giveBack, systemCollector } from "../../../src/base/garbage.ts";

const MB = 1 << 20;
const CRON_MS = 100;

/** A server's time: each step is a cron after so many bytes more. */
function timeline() {
  const done: string[] = [];
  const garbage = new GarbageCollector({
    young: () => done.push("young"),
    everything: () => done.push("everything"),
  });
  let nowMs = 1_000_000;
  let transferred = 0;
  let used = 0;
  return {
    use: (bytes: number) => void (used = bytes),
    /** CONFIG RESETSTAT. */
    restart: () => void (transferred = 0),
    /** What was collected in so many crons, each after so many bytes were transferred. */
    pass: (crons: number, bytesEach: number): string[] => {
      done.length = 0;
      for (let i = 0; i < crons; i++) {
        nowMs += CRON_MS;
        transferred += bytesEach;
        garbage.cron(nowMs, transferred, used);
      }
      return [...done];
    },
  };
}

describe("garbage", () => {
  test("a server that does nothing collects nothing", () => {
    expect(timeline().pass(1000, 0)).toEqual([]);
  });

  test("under load only what is young is collected, once for 16 MiB", () => {
    const { pass } = timeline();
    expect(pass(15, MB)).toEqual([]);
    expect(pass(1, MB)).toEqual(["young"]);
    expect(pass(320, MB)).toEqual(new Array<string>(20).fill("young"));
    expect(pass(3, 100 * MB)).toEqual(["young", "young", "young"]);
  });

  test("at rest everything is collected, once", () => {
    const { pass } = timeline();
    pass(10, MB);
    expect(pass(4, 0)).toEqual([]);
    expect(pass(1, 0)).toEqual(["everything"]);
    expect(pass(1000, 0)).toEqual([]);
  });

  test("a few small requests are no reason to collect, many of them are", () => {
    const { pass } = timeline();
    for (let i = 0; i < 40; i++) expect(pass(1, 100_000).concat(pass(20, 0))).toEqual([]);
    expect(pass(3, 100_000).concat(pass(20, 0))).toEqual(["everything"]);
  });

  test("a client that asks how the server is does not disturb its rest", () => {
    const { pass } = timeline();
    pass(10, MB);
    expect(pass(50, 4000)).toEqual(["everything"]);
  });

  test("a server that is never at rest makes no full collection", () => {
    const { pass } = timeline();
    for (let i = 0; i < 150; i++) expect(pass(1, 100_000).concat(pass(4, 0))).toEqual([]);
  });

  test("what is used no more is garbage too, but old", () => {
    const { use, pass } = timeline();
    use(100 * MB);
    pass(10, 10);
    use(98 * MB);
    expect(pass(20, 0)).toEqual([]);
    use(96 * MB);
    expect(pass(20, 0)).toEqual(["everything"]);
    use(200 * MB);
    expect(pass(20, 0)).toEqual([]);
    use(100 * MB);
    expect(pass(9, MB)).toEqual([]);
    expect(pass(20, 0)).toEqual(["everything"]);
  });

  test("while memory in use goes on falling nothing is collected", () => {
    const { use, pass } = timeline();
    use(100 * MB);
    pass(10, 0);
    for (let left = 90; left >= 10; left -= 10) {
      use(left * MB);
      expect(pass(4, 0)).toEqual([]);
    }
    expect(pass(20, 0)).toEqual(["everything"]);
  });

  test("transferred bytes that are counted from 0 again are none", () => {
    const { restart, pass } = timeline();
    pass(10, MB);
    restart();
    expect(pass(5, MB)).toEqual([]);
    expect(pass(2, MB)).toEqual(["young"]);
  });

  test.each(["young", "everything"] as const)("%s: the runtime frees it", async (what) => {
    let freed = 0;
    const registry = new FinalizationRegistry<number>((count) => void (freed += count));
    for (let i = 0; i < 1000; i++) registry.register({ i }, 1);
    systemCollector[what]();
    const endMs = Date.now() + 20_000;
    while (freed <= 900 && Date.now() < endMs) await Bun.sleep(1);
    expect(freed).toBeGreaterThan(900);
  });

  test("a buffer that is given back is empty, and so are its arrays", () => {
    const buffer = new ArrayBuffer(1 << 24);
    const bytes = new Uint8Array(buffer).fill(1);
    const words = new Int32Array(buffer);
    giveBack(buffer);
    expect([buffer.byteLength, bytes.length, words.length]).toEqual([0, 0, 0]);
  });
});
