/** Rules and what they make of a user; a user's description makes the same user again. */
import { expect, test } from "bun:test";
import { allCommands } from "../../../../src/commands/registry.ts";
import { Catalog } from "../../../../src/engine/acl/catalog.ts";
import { describeUser } from "../../../../src/engine/acl/description.ts";
import { hashOf } from "../../../../src/engine/acl/passwords.ts";
import { applyRule, mergeSelectors, type RuleContext } from "../../../../src/engine/acl/rules.ts";
import { User } from "../../../../src/engine/acl/user.ts";
import { CATEGORIES } from "../../../../src/engine/acl-categories.ts";
import { CommandTable } from "../../../../src/engine/command-table.ts";
import { Arguments } from "../../../../src/protocol/arguments.ts";

const table = new CommandTable(allCommands());
const catalog = new Catalog(table);
const warnings: string[] = [];
const context: RuleContext = {
  catalog,
  allChannelsByDefault: false,
  warn: (text) => warnings.push(text),
};

function apply(user: User, words: string): string | null {
  const rules = mergeSelectors(words.split(" "));
  if ("open" in rules) return `unmatched ${rules.open}`;
  for (const rule of rules) {
    const problem = applyRule(user, rule, context);
    if (problem !== null) return problem;
  }
  return null;
}

function userOf(words: string, from = context): User {
  const user = new User("joe", catalog.idLimit, from.allChannelsByDefault);
  expect(apply(user, words)).toBe(null);
  return user;
}

/** The commands and subcommands that the root permits. */
function permitted(user: User): string[] {
  const none = new Arguments();
  const all = table.all();
  const found = all.filter((command) => user.root.permitsCommand(command, none));
  return found.map(({ fullName }) => fullName);
}

const NEW = "off sanitize-payload resetchannels -@all";

test("a new user may do nothing", () => {
  expect(describeUser(userOf(""))).toBe(NEW);
  // Commands that one must be able to send before one is anybody.
  expect(permitted(userOf(""))).toEqual(["auth", "hello", "quit", "reset"]);
});

test.each([
  ["on nopass", "on nopass sanitize-payload resetchannels -@all"],
  ["ON NoPass", "on nopass sanitize-payload resetchannels -@all"],
  ["on off", NEW],
  ["nopass resetpass", NEW],
  ["nopass >x", `off sanitize-payload #${hashOf("x")} resetchannels -@all`],
  [`#${hashOf("x")} >x >y <x`, `off sanitize-payload #${hashOf("y")} resetchannels -@all`],
  [`>y !${hashOf("y")}`, NEW],
  [">x nopass", "off nopass sanitize-payload resetchannels -@all"],
  ["skip-sanitize-payload", "off skip-sanitize-payload resetchannels -@all"],
  ["allkeys allchannels allcommands", "off sanitize-payload ~* &* +@all"],
  ["~a %R~b %w~c %rw~d %WR~e", "off sanitize-payload ~a %R~b %W~c ~d ~e resetchannels -@all"],
  ["%R ~", "off sanitize-payload ~ resetchannels -@all"],
  ["%R~a %W~a ~b ~b", "off sanitize-payload ~a ~b resetchannels -@all"],
  ["~a ~* resetkeys ~b", "off sanitize-payload ~b resetchannels -@all"],
  ["&a &b &a", "off sanitize-payload resetchannels &a &b -@all"],
  ["&a allchannels resetchannels &c", "off sanitize-payload resetchannels &c -@all"],
  ["(~a +get) (&b)", `${NEW} (~a resetchannels -@all +get) (resetchannels &b -@all)`],
  ["(~a +get ) ( &b )", `${NEW} (~a resetchannels -@all +get) (resetchannels &b -@all)`],
  ["(+get) clearselectors", NEW],
  ["on >p ~a &b +@all (+get) skip-sanitize-payload reset", NEW],
])("%s", (words, description) => {
  expect(describeUser(userOf(words))).toBe(description);
});

test("acl-pubsub-default gives new users, selectors and reset ones all channels", () => {
  const generous = { ...context, allChannelsByDefault: true };
  const user = userOf("", generous);
  expect(describeUser(user)).toBe("off sanitize-payload &* -@all");
  expect(applyRule(user, "resetchannels", generous)).toBe(null);
  expect(applyRule(user, "(+get)", generous)).toBe(null);
  expect(describeUser(user)).toBe(`${NEW} (&* -@all +get)`);
  expect(applyRule(user, "reset", generous)).toBe(null);
  expect(describeUser(user)).toBe("off sanitize-payload &* -@all");
  expect(applyRule(user, "&a", generous)).toContain("Try 'resetchannels' to start with an empty");
});

// Redis 7.2 keeps command rules as they were given, where 7.0 worked out its own.
test.each([
  ["+@all -@hash -@slow +hget", "+@all -@hash -@slow +hget"],
  ["+@all -@hash -@slow +hget -@hash", "+@all -@slow +hget -@hash"],
  ["+@all -@hash +@hash", "+@all +@hash"],
  ["-@string -@slow +@all", "+@all"],
  ["+@HASH +@hash +@HaSh", "-@all +@hash"],
  ["+HGET +hget +hGeT", "-@all +hget"],
  ["+@hash +@slow +@set +@set +@slow +@hash", "-@all +@set +@slow +@hash"],
  ["+hget -hset +hset -hget", "-@all +hset -hget"],
  [
    "+client|list +client|list +config|get +config +acl|list -acl",
    "-@all +client|list +config -acl",
  ],
  ["+select|0 +select|0 +debug|segfault +debug", "-@all +select|0 +debug"],
  ["+config +config|get -config|set +config", "-@all +config"],
  ["-@dangerous", "-@all -@dangerous"],
  ["+memory|usage +memory +@all +client|id", "+@all +client|id"],
])("command rules %s", (words, description) => {
  const user = userOf(words);
  expect(describeUser(user)).toBe(`off sanitize-payload resetchannels ${description}`);
  expect(permitted(userOf(description))).toEqual(permitted(user));
});

test.each([
  ["bogus", "Syntax error"],
  ["+nosuch", "Unknown command or category name in ACL"],
  ["-nosuch", "Unknown command or category name in ACL"],
  ["+@nosuch", "Unknown command or category name in ACL"],
  ["+client|nosuch", "Unknown command or category name in ACL"],
  ["-client|nosuch", "Unknown command or category name in ACL"],
  ["-select|0", "Unknown command or category name in ACL"],
  ["+get|a|b", "Unknown command or category name in ACL"],
  ["+config|get|maxmemory", "Allowing first-arg of a subcommand is not supported"],
  ["+select|", "Syntax error"],
  ["%~a", "Syntax error"],
  ["%RR~a", "Syntax error"],
  ["%X~a", "Syntax error"],
  ["%", "Syntax error"],
  ["%RX", "Syntax error"],
  ["~a\tb", "Syntax error"],
  ["&a\0b", "Syntax error"],
  ["(bogus)", "Syntax error"],
  [")", "Syntax error"],
  ["(on)", "Syntax error"],
  ["((+get))", "Syntax error"],
  ["(+get", "unmatched (+get"],
  ["( +get", "unmatched ("],
  ["<nosuch", "The password you are trying to remove from the user does not exist"],
  ["#abc", /^The password hash must be exactly 64 characters/],
  ["!abc", /^The password hash must be exactly 64 characters/],
  ["~* ~a", /^Adding a pattern after the \* pattern \(or the 'allkeys'/],
  ["&* &a", /^Adding a pattern after the \* pattern \(or the 'allchannels'/],
])("%p is refused", (words, problem) => {
  const user = new User("joe", catalog.idLimit, false);
  if (typeof problem === "string") expect(apply(user, words)).toBe(problem);
  else expect(apply(user, words)).toMatch(problem);
});

test("each category, added to nothing or taken from all, is itself", () => {
  for (const category of CATEGORIES) {
    const members = (catalog.category(category) ?? []).map(({ fullName }) => fullName);
    const added = new Set(permitted(userOf(`+@${category}`)));
    const left = new Set(permitted(userOf(`+@all -@${category}`)));
    for (const name of members) {
      expect([name, added.has(name)]).toEqual([name, true]);
      const always = /^(auth|hello|quit|reset)$/.test(name);
      expect([name, left.has(name)]).toEqual([name, always]);
    }
  }
});

test("a container stands for its subcommands, until one is taken out", () => {
  const config = permitted(userOf("+config")).filter((name) => name.startsWith("config"));
  expect(config).toEqual([
    "config",
    "config|get",
    "config|help",
    "config|resetstat",
    "config|rewrite",
    "config|set",
  ]);
  expect(permitted(userOf("+config -config|set"))).not.toContain("config|set");
  expect(permitted(userOf("+config|get"))).not.toContain("config|set");
  expect(permitted(userOf("+config|get"))).toContain("config|get");
});

test("a first argument may be permitted alone, with a warning", () => {
  warnings.length = 0;
  const user = userOf("+select|0");
  const select = catalog.find("select");
  if (select === null) throw new Error("no SELECT");
  const permits = (...words: string[]): boolean => {
    const args = new Arguments();
    args.assign(words.map((word) => Buffer.from(word)));
    return user.root.permitsCommand(select, args);
  };
  expect([permits("select", "0"), permits("select", "1"), permits("select")]).toEqual([
    true,
    false,
    false,
  ]);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("(offender: +select|0)");
  expect(apply(user, "-select")).toBe(null);
  expect(permits("select", "0")).toBe(false);
});

test("users by random rules are made again by their descriptions", () => {
  const seed = 20_260_101;
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * limit);
  };
  const names = table.all().map(({ fullName }) => fullName);
  const words = ["~a*", "%R~b", "%W~b", "%RW~c?", "&d", "&e*", "resetchannels", "on", "off", ">p"];
  words.push("resetkeys", "nopass", "resetpass", "+@all", "-@all", "skip-sanitize-payload");
  const command = (): string => {
    const sign = below(2) === 0 ? "+" : "-";
    if (below(3) === 0) return `${sign}@${CATEGORIES[below(CATEGORIES.length)]}`;
    return below(10) === 0 ? `+get|${below(3)}` : sign + names[below(names.length)];
  };
  for (let round = 0; round < 300; round++) {
    const user = new User("joe", catalog.idLimit, false);
    for (let i = 0; i < 12; i++) {
      const rule = below(2) === 0 ? command() : words[below(words.length)];
      expect(applyRule(user, rule, context)).toBe(null);
      if (below(6) === 0) expect(applyRule(user, `(${command()} ~k${i})`, context)).toBe(null);
    }
    const description = describeUser(user);
    const again = userOf(description);
    expect(`${seed} ${describeUser(again)}`).toBe(`${seed} ${description}`);
    expect(permitted(again)).toEqual(permitted(user));
  }
});
