import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { Random } from "../../../src/base/random.ts";
import { allCommands } from "../../../src/commands/registry.ts";
import { CommandTable } from "../../../src/engine/command-table.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";

const table = new CommandTable(allCommands());

function argumentsOf(...words: string[]): Arguments {
  const args = new Arguments();
  args.assign(words.map(bytesOf));
  return args;
}

function find(...words: string[]): string | null {
  return table.find(argumentsOf(...words))?.fullName ?? null;
}

test("every command is found by its name in any case", () => {
  const random = new Random(3);
  for (const { name, parent } of table.all()) {
    if (parent !== null) continue;
    const mixed = Array.from(name, (c) => (random.below(2) === 0 ? c : c.toUpperCase())).join("");
    for (const word of [name, name.toUpperCase(), mixed]) expect(find(word)).toBe(name);
  }
});

test("names that none has are not found, however alike", () => {
  const random = new Random(4);
  for (const { name } of table.commands) {
    const at = random.below(name.length);
    const other = `${name.slice(0, at)}\x7f${name.slice(at + 1)}`;
    for (const word of [other, `${name}x`, name.slice(1), ""]) {
      expect(find(word)).toBe(table.commands.find((one) => one.name === word)?.name ?? null);
    }
  }
});

test("a container is found alone, its subcommands by two words, no other", () => {
  expect(find("CONFIG")).toBe("config");
  expect(find("config", "GeT", "x")).toBe("config|get");
  expect(find("CONFIG", "NOSUCH")).toBeNull();
  expect(find("config|get", "x")).toBeNull();
  expect(find("CLIENT", "no-evict", "on")).toBe("client|no-evict");
});

test("by name, with a bar between the two words", () => {
  const byName = (name: string) => table.byName(name)?.fullName ?? null;
  expect(byName("GET")).toBe("get");
  expect(byName("Config|Get")).toBe("config|get");
  expect(byName("config|nosuch")).toBeNull();
  expect(byName("get|x")).toBeNull();
  expect(byName("config|get|x")).toBeNull();
});

test("in a line that begins further on", () => {
  const from = (...words: string[]) =>
    table.findFrom(argumentsOf("COMMAND", "GETKEYS", ...words), 2)?.fullName ?? null;
  expect(from("get", "k")).toBe("get");
  expect(from("OBJECT", "ENCODING", "k")).toBe("object|encoding");
  expect(from("OBJECT", "NOSUCH", "k")).toBeNull();
  expect(from("config|get", "x")).toBeNull();
});
