/**
 * Ways around permissions that must not work: each command that names keys is tried with a
 * forbidden key in every place where its specifications say that a key may stand.
 */
import { expect, test } from "bun:test";
import { allCommands } from "../../../../src/commands/registry.ts";
import { Access, DENIED_KEY, GRANTED } from "../../../../src/engine/acl/access.ts";
import { Catalog } from "../../../../src/engine/acl/catalog.ts";
import { applyRule } from "../../../../src/engine/acl/rules.ts";
import { User } from "../../../../src/engine/acl/user.ts";
import { CommandTable } from "../../../../src/engine/command-table.ts";
import type { Command } from "../../../../src/engine/command.ts";
import { findKeys } from "../../../../src/engine/key-finder.ts";
import { Arguments } from "../../../../src/protocol/arguments.ts";
import { type ReplyValue, ReplyError } from "../../../support/resp-client.ts";
import { LocalEngine } from "../../../support/local-engine.ts";

const table = new CommandTable(allCommands());
const catalog = new Catalog(table);
const access = new Access();

function userOf(rules: string): User {
  const user = new User("joe", catalog.idLimit, false);
  for (const rule of rules.split(" ")) {
    const problem = applyRule(user, rule, {
      catalog,
      allChannelsByDefault: false,
      warn: () => {},
    });
    expect(problem).toBe(null);
  }
  return user;
}

function argumentsOf(words: readonly string[]): Arguments {
  const args = new Arguments();
  args.assign(words.map((word) => Buffer.from(word)));
  return args;
}

/** Requests of many shapes that begin with the command's name. */
function requestsOf(command: Command): string[][] {
  const name = command.fullName.split("|");
  const fillers = [
    [],
    ["1", "mine", "mine", "mine"],
    ["mine", "1", "mine", "1", "mine"],
    ["mine", "2", "mine", "mine", "STORE", "mine"],
    ["0", "2", "mine", "mine", "LEFT", "STREAMS", "mine", "mine"],
    ["GROUP", "g", "c", "STREAMS", "mine", "mine", "1", "1"],
    ["BY", "mine", "2", "mine", "mine", "GET", "STORE", "STORE"],
  ];
  const requests = fillers.map((filler) => [...name, "mine", ...filler]);
  requests.push([...name, "2", "mine", "mine"], [...name, "AND", "mine", "mine", "mine"]);
  return requests;
}

test("no place of a key is left unchecked", () => {
  const user = userOf("+@all ~mine");
  let tried = 0;
  for (const command of table.all().filter(({ hasKeys }) => hasKeys)) {
    for (const words of requestsOf(command)) {
      const keys = findKeys(command, argumentsOf(words), 0);
      if (keys === null || !command.acceptsCount(words.length)) continue;
      for (const { index } of keys) {
        const attack = words.with(index, "other");
        const found = findKeys(command, argumentsOf(attack), 0);
        // A count that is no more one: then there are no keys, and the command itself refuses.
        if (found === null) continue;
        tried++;
        const verdict = access.check(user, command, argumentsOf(attack));
        expect(`${attack.join(" ")}: ${verdict}`).toBe(`${attack.join(" ")}: ${DENIED_KEY}`);
        expect(attack[access.deniedAt]).not.toBe("mine");
      }
      if (keys.every(({ index }) => words[index] === "mine")) {
        expect(`${words.join(" ")}: ${access.check(user, command, argumentsOf(words))}`).toBe(
          `${words.join(" ")}: ${GRANTED}`,
        );
      }
    }
  }
  expect(tried).toBeGreaterThan(500);
});

test("a key in upper case, with a NUL or with more behind it is another key", () => {
  const user = userOf("+@all ~mine ~[ab]? ~p:*");
  const get = table.byName("get");
  if (get === null) throw new Error("no GET");
  const verdict = (key: string): number => access.check(user, get, argumentsOf(["GET", key]));
  for (const key of ["mine", "a1", "p:", "p:x\0"]) {
    expect([key, verdict(key)]).toEqual([key, GRANTED]);
  }
  for (const key of ["", "MINE", "mine\0", "mine ", "amine", "a", "a12", "c1", "p", "P:x"]) {
    expect([key, verdict(key)]).toEqual([key, DENIED_KEY]);
  }
});

test("what a command writes is not what it may read", () => {
  const readers = userOf("+@all %R~*");
  const writers = userOf("+@all %W~*");
  const check = (user: User, line: string): number => {
    const args = argumentsOf(line.split(" "));
    const command = table.find(args);
    if (command === null) throw new Error(line);
    return access.check(user, command, args);
  };
  for (const line of ["GET k", "MGET a b", "EXISTS k", "LRANGE l 0 1", "OBJECT ENCODING k"]) {
    expect([line, check(readers, line)]).toEqual([line, GRANTED]);
  }
  for (const line of [
    "SET k v",
    "DEL k",
    "INCR k",
    "EXPIRE k 1",
    "GETDEL k",
    "GETEX k",
    "SPOP s",
  ]) {
    expect([line, check(readers, line)]).toEqual([line, DENIED_KEY]);
  }
  for (const line of ["SET k v", "DEL k", "RPUSH l x", "SADD s x"]) {
    expect([line, check(writers, line)]).toEqual([line, GRANTED]);
  }
  for (const line of ["SET k v GET", "INCR k", "GETDEL k", "LPOP l", "COPY a b", "GET k"]) {
    expect([line, check(writers, line)]).toEqual([line, DENIED_KEY]);
  }
});

test("every command that speaks on channels declares which arguments they are", () => {
  const speaking = /^s?publish$|^[sp]?subscribe$/;
  for (const command of table.all()) {
    const { channels } = command.declaration;
    expect([command.fullName, channels !== undefined]).toEqual([
      command.fullName,
      speaking.test(command.fullName),
    ]);
  }
});

test("a user who is deleted or disabled is not held by what was his", () => {
  const engine = new LocalEngine();
  expect(engine.do("ACL SETUSER joe on nopass ~* +@all")).toBe("OK");
  expect(engine.do("AUTH joe x")).toBe("OK");
  expect(engine.do("ACL SETUSER joe -@all +acl")).toBe("OK");
  expect(errorOf(engine.do("GET k"))).toContain("NOPERM");
  // Not even an error tells whether the key exists.
  expect(errorOf(engine.do("SET k"))).toContain("wrong number of arguments");
  expect(engine.do("ACL DELUSER joe")).toBe(1);
  expect(engine.do("ACL WHOAMI")).toBe("default");
});

test("a denial is counted by what it was about", () => {
  const engine = new LocalEngine();
  const { stats } = engine.engine;
  engine.do("ACL SETUSER joe on >p ~a +get");
  engine.do("AUTH joe wrong");
  engine.do("AUTH joe p");
  engine.do("SET a 1");
  engine.do("GET b");
  engine.do("GET c");
  const { aclDeniedAuth, aclDeniedCommand, aclDeniedKey, aclDeniedChannel } = stats;
  expect([aclDeniedAuth, aclDeniedCommand, aclDeniedKey, aclDeniedChannel]).toEqual([1, 1, 2, 0]);
});

function errorOf(reply: ReplyValue): string {
  return reply instanceof ReplyError ? reply.message : "";
}
