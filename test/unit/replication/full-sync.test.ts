import { expect, test } from "bun:test";
import { PrimaryBench } from "./_bench.ts";

test("a replica waits for the end of a BGSAVE, even when only its file's name is missing", () => {
  const it = new PrimaryBench();
  const { engine } = it;
  const saves: string[] = [];
  Object.assign(it.disk, {
    isSaving: true,
    saveForReplicas: () => saves.push("begun") > 0,
  });
  engine.config.assign("repl-diskless-sync", ["no"]);
  const replica = it.connect();
  expect(replica.do("SYNC")).toBe("");
  it.pass(1000);
  expect([saves, replica.session.closesAfterReply]).toEqual([[], false]);
  Object.assign(it.disk, { isSaving: false });
  it.pass(1000);
  expect(saves).toEqual(["begun"]);
});
