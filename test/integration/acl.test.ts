/** Users that outlive the server: ACL files, `user` lines, CONFIG REWRITE, requirepass. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";
import type { RespClient } from "../support/resp-client.ts";
import { PEDIS, runToExit, startServer } from "../support/server.ts";

const dir = mkdtempSync(join(tmpdir(), "pedis-acl-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let files = 0;
function fileOf(text: string): string {
  const path = join(dir, `${files++}.acl`);
  writeFileSync(path, text);
  return path;
}

const ALICE = "user alice on nopass sanitize-payload ~* &* +@all";
const BOB = "user bob on nopass sanitize-payload ~b:* resetchannels -@all +get (~c +set)";

async function asUser<T>(
  server: { connect(): Promise<RespClient> },
  name: string,
  use: (client: RespClient) => Promise<T>,
): Promise<T> {
  await using client = await server.connect();
  expect(await client.value(`AUTH ${name} x`)).toBe("OK");
  return await use(client);
}

test("an ACL file is loaded, saved, and loaded again", async () => {
  const aclfile = fileOf(`\n${ALICE}\n${BOB}\n\n`);
  await using server = await startServer({ directives: [`aclfile ${aclfile}`] });
  await using client = await server.connect();
  expect(await client.value("ACL USERS")).toEqual(["alice", "bob", "default"]);
  await asUser(server, "bob", async (bob) => {
    expect(await bob.text("GET b:1")).toBe("(nil)");
    expect(await bob.text("GET c")).toContain("NOPERM");
    expect(await bob.value("SET c 1")).toBe("OK");
  });
  expect(await client.value("ACL SETUSER eve on >secret +ping (%R~x +@read)")).toBe("OK");
  expect(await client.value("ACL DELUSER alice")).toBe(1);
  expect(await client.value("ACL SAVE")).toBe("OK");
  const saved = readFileSync(aclfile, "latin1");
  expect(saved).toContain("user bob on nopass sanitize-payload ~b:* resetchannels -@all +get (~c ");
  expect(saved).not.toContain("alice");
  expect(saved).not.toContain("secret ");
  expect(saved.endsWith("\n")).toBe(true);

  const before = await client.text("ACL LIST");
  await server.restart();
  await using again = await server.connect();
  expect(await again.text("ACL LIST")).toBe(before);
  expect(await again.value("AUTH eve secret")).toBe("OK");
  expect(await again.value("PING")).toBe("PONG");
  expect(existsSync(aclfile)).toBe(true);
});

test("ACL LOAD closes the connections of all but the default user", async () => {
  const aclfile = fileOf(`${ALICE}\n${BOB}\nuser default on nopass ~* &* +@all\n`);
  await using server = await startServer({ directives: [`aclfile ${aclfile}`] });
  await using admin = await server.connect();
  await using alice = await server.connect();
  await using bob = await server.connect();
  await alice.value("AUTH alice x");
  await bob.value("AUTH bob x");
  writeFileSync(aclfile, `${ALICE}\nuser default on nopass ~* &* +@all -flushall\n`);
  // One's own connection gets the reply first.
  expect(await alice.value("ACL LOAD")).toBe("OK");
  await alice.closed;
  await bob.closed;
  expect(await admin.value("PING")).toBe("PONG");
  expect(await admin.text("FLUSHALL")).toContain("has no permissions to run the 'flushall'");
  expect(await admin.value("ACL USERS")).toEqual(["alice", "default"]);
});

test("a file with any mistake is refused whole", async () => {
  const aclfile = fileOf(`${ALICE}\n`);
  await using server = await startServer({ directives: [`aclfile ${aclfile}`] });
  await using client = await server.connect();
  const before = await client.text("ACL LIST");
  const end =
    "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
  for (const [text, error] of [
    [`${BOB}\n${BOB}\n`, "WARNING: Duplicate user 'bob' found on line 2. "],
    ["user default on\nuser default on\n", "WARNING: Duplicate user 'default' found on line 2. "],
    ["# remark\n", `${aclfile}:1 should start with user keyword followed by the username. `],
    ["user\n", `${aclfile}:1 should start with user keyword followed by the username. `],
    [
      "user bob +nosuch bogus >p\n",
      `${aclfile}:1: Error in applying operation '+nosuch': Unknown command or category name in ` +
        `ACL. ${aclfile}:1: Syntax error. `,
    ],
    ["user bob (+get\n", `${aclfile}:1: Unmatched parenthesis in selector definition.`],
  ]) {
    writeFileSync(aclfile, text);
    expect(await client.text("ACL LOAD")).toBe(`(error) ERR ${error}${end}`);
    expect(await client.text("ACL LIST")).toBe(before);
  }
  rmSync(aclfile);
  expect(await client.text("ACL LOAD")).toBe(
    `(error) ERR Error loading ACLs, opening file '${aclfile}': No such file or directory`,
  );
  expect(await client.text("ACL LIST")).toBe(before);
});

test("a start with a broken, missing or doubly given ACL is refused", async () => {
  const refused = async (args: readonly string[], reason: string): Promise<void> => {
    const { exitCode, stdout, stderr } = await runToExit(["--port", "0", ...args]);
    expect(stdout + stderr).toContain(reason);
    expect(exitCode).toBe(1);
  };
  const broken = fileOf("user alice bogus\n");
  await refused(["--aclfile", broken], "Aborting Redis startup because of ACL errors: ");
  await refused(["--aclfile", join(dir, "nosuch")], "No such file or directory");
  const whole = fileOf(`${ALICE}\n`);
  await refused(
    ["--aclfile", whole, "--user", "bob", "on"],
    "please define either an ACL file or declare users directly in your redis.conf, but not both",
  );
  await refused(["--user", "foo", "--user", "foo"], "Duplicate user found.");
  await refused(["--user", "foo", "bogus"], "Error in user declaration 'bogus': Syntax error");
  await refused(["--user", "foo", "+nosuch"], "Critical error while loading ACLs. Exiting.");
  await refused(["--user", "foo", "(+get"], "Unmatched parenthesis");
  // What may be a secret is not shown.
  const { stderr } = await runToExit(["--port", "0", "--user", "foo", "#notahash"]);
  expect(stderr).toContain("Error in user declaration 'foo': The password hash must be");
});

test("user lines are read, rewritten, and read again", async () => {
  const file = join(dir, "users.conf");
  const lines = [
    "user bob on nopass ~b (+get ~c )",
    "# kept",
    "user default on nopass ~* +@all -flushdb",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  await using server = await startServer({
    program: { name: "pedis", command: [...PEDIS.command, file] },
  });
  await using client = await server.connect();
  expect(await client.text("FLUSHDB")).toContain("no permissions to run the 'flushdb' command");
  expect(await client.value("ACL SETUSER eve on >p %W~w +@write")).toBe("OK");
  expect(await client.value("CONFIG REWRITE")).toBe("OK");
  const text = readFileSync(file, "latin1");
  expect(text).toContain(
    "user bob on nopass sanitize-payload ~b resetchannels -@all " +
      "(~c resetchannels -@all +get)\n# kept\n",
  );
  expect(text).toContain(
    "user default on nopass sanitize-payload ~* resetchannels +@all -flushdb\n",
  );
  expect(text).toMatch(
    /^user eve on sanitize-payload #[0-9a-f]{64} %W~w resetchannels -@all \+@write$/m,
  );
  const before = await client.text("ACL LIST");
  await server.restart();
  await using again = await server.connect();
  expect(await again.text("ACL LIST")).toBe(before);
  expect(await again.text("FLUSHDB")).toContain("NOPERM");
});

test("with an ACL file, user lines leave the configuration when it is rewritten", async () => {
  const file = join(dir, "with-file.conf");
  writeFileSync(file, `aclfile ${fileOf(`${ALICE}\n`)}\n`);
  await using server = await startServer({
    program: { name: "pedis", command: [...PEDIS.command, file] },
  });
  await using client = await server.connect();
  expect(await client.value("CONFIG REWRITE")).toBe("OK");
  expect(readFileSync(file, "latin1")).not.toContain("user ");
});

test("a user line of the default user stands above requirepass", async () => {
  await using server = await startServer({
    directives: ["requirepass one", "user default on >two ~* &* +@all"],
  });
  await using client = await server.connect();
  expect(await client.text("AUTH one")).toContain("WRONGPASS");
  expect(await client.text("PING")).toContain("NOAUTH");
  expect(await client.value("AUTH two")).toBe("OK");
});

test("a default user that is off lets nobody in, until it is on again", async () => {
  await using server = await startServer();
  await using admin = await server.connect();
  expect(await admin.value("ACL SETUSER default off")).toBe("OK");
  await using late = await server.connect();
  expect(await late.text("GET k")).toContain("NOAUTH");
  expect(await late.text("AUTH default x")).toContain("WRONGPASS");
  // Who was in before stays, and who waits outside is let in by the change.
  expect(await admin.value("ACL SETUSER default on")).toBe("OK");
  expect(await late.text("GET k")).toBe("(nil)");
  expect(await admin.value("ACL SETUSER default >p")).toBe("OK");
  expect(await late.text("GET k")).toContain("NOAUTH");
  expect(await admin.value("GET k")).toBe(null);
});

test("INFO counts denials by what they were about", async () => {
  await using server = await startServer({ directives: ["acl-pubsub-default allchannels"] });
  await using admin = await server.connect();
  await using bob = await server.connect();
  expect(await admin.value("ACL SETUSER bob on >p ~a +get +publish resetchannels")).toBe("OK");
  for (const line of ["AUTH bob x", "AUTH bob p", "SET a 1", "GET b", "GET b", "PUBLISH c m"]) {
    await bob.do(line);
  }
  const info = await admin.text("INFO stats");
  for (const [name, count] of Object.entries({ auth: 1, cmd: 1, key: 2, channel: 1 })) {
    expect(info).toContain(`acl_access_denied_${name}:${count}`);
  }
  expect(await admin.value("ACL SETUSER eve")).toBe("OK");
  expect(await admin.text("ACL LIST")).toContain("user eve off sanitize-payload &* -@all");
});

test("a blocked request is refused when its user has lost the permission meanwhile", async () => {
  await using server = await startServer();
  await using admin = await server.connect();
  await using bob = await server.connect();
  await admin.value("ACL SETUSER bob on nopass ~* +@all");
  await bob.value("AUTH bob x");
  const reply = bob.text("BLPOP l 0");
  while (!/blocked_clients:1/.test(await admin.text("INFO clients"))) await Bun.sleep(2);
  await admin.value("ACL SETUSER bob -@all");
  expect(await admin.value("RPUSH l x")).toBe(1);
  expect(await reply).toContain("User bob has no permissions to run the 'blpop' command");
  expect(await admin.value("LLEN l")).toBe(1);
});
