import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemDisk } from "../../../../src/base/disk.ts";
import { systemHost } from "../../../../src/engine/config/host.ts";

const home = process.cwd();
const directory = realpathSync(mkdtempSync(join(tmpdir(), "config-host-")));
const host = systemHost(systemDisk);

for (const name of ["conf.d", "conf.e"]) mkdirSync(join(directory, name));
for (const name of ["conf.d/b.conf", "conf.d/a.conf", "conf.d/.c.conf", "conf.e/a.conf"]) {
  writeFileSync(join(directory, name), name);
}

afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

test("expands patterns as glob(3) does: sorted, hidden files only when named", () => {
  const expanded = (pattern: string): string[] =>
    host.expand(join(directory, pattern)).map((path) => path.slice(directory.length + 1));
  expect(expanded("conf.d/*.conf")).toEqual(["conf.d/a.conf", "conf.d/b.conf"]);
  expect(expanded("conf.?/a*")).toEqual(["conf.d/a.conf", "conf.e/a.conf"]);
  expect(expanded("conf.[!e]/[ab].conf")).toEqual(["conf.d/a.conf", "conf.d/b.conf"]);
  expect(expanded("conf.d/.*.conf")).toEqual(["conf.d/.c.conf"]);
  expect(expanded("conf.*/b.conf")).toEqual(["conf.d/b.conf"]);
  expect(expanded("none/*.conf")).toEqual([]);
});

test("reads files, or says why not", () => {
  expect(host.readText(join(directory, "conf.d/a.conf"))).toEqual({ text: "conf.d/a.conf" });
  expect(host.readText(join(directory, "none"))).toEqual({ problem: "No such file or directory" });
  expect(host.readText(directory)).toEqual({ problem: "Is a directory" });
});

test("changes directory, and patterns follow", () => {
  expect(host.changeDirectory(join(directory, "none"))).toBe("No such file or directory");
  expect(host.changeDirectory(join(directory, "conf.d/a.conf"))).toBe("Not a directory");
  expect(host.changeDirectory(directory)).toBeNull();
  expect(host.workingDirectory()).toBe(directory);
  expect(host.expand("conf.e/*")).toEqual(["conf.e/a.conf"]);
  process.chdir(home);
});

test("tells whether a log can be written", () => {
  expect(host.appendProblem(join(directory, "log"))).toBeNull();
  expect(host.appendProblem(join(directory, "none/log"))).toBe("No such file or directory");
});
