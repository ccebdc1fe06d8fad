/** ACL, compared with redis-server; where 7.2 says it otherwise than 7.0.15 its words stand. */
import { type Conversation, transcripts } from "../support/transcript.ts";
import type { ReplyValue } from "../support/resp-client.ts";

// Servers of their own, since users outlive a transcript.
const { transcript, compare } = transcripts({ directives: ["acllog-max-len 100"] });

const NO_PERMISSION = "7.2 names the user, and one key or channel";
const SANITIZED = "7.2 gives a new user the flag sanitize-payload";
const RULES_KEPT = "7.2 keeps command rules as they were given";
const KEY_DENIED = "NOPERM No permissions to access a key";

function commandDenied(user: string, command: string): string {
  return `NOPERM User ${user} has no permissions to run the '${command}' command`;
}

function afresh(t: Conversation, ...users: string[]): void {
  t.do("ACL DELUSER", ...users).matching(() => true);
  t.do("ACL", "DELUSER", ...users).matching((count) => typeof count === "number");
  t.do("ACL LOG RESET").is("OK");
}

compare(
  "questions that change nothing",
  `
  ACL
  ACL NOSUCH
  ACL HELP
  ACL HELP x
  ACL WHOAMI
  ACL WHOAMI x
  ACL CAT
  ACL CAT nosuch
  ACL CAT a b
  ACL USERS
  ACL USERS x
  ACL LIST x
  ACL GETUSER
  ACL GETUSER nosuch
  ACL GETUSER a b
  ACL DELUSER
  ACL DELUSER nosuch
  ACL DELUSER default
  ACL DELUSER nosuch default
  ACL SETUSER
  ACL GENPASS 0
  ACL GENPASS -1
  ACL GENPASS 4097
  ACL GENPASS x
  ACL GENPASS 1 2
  ACL LOG x
  ACL LOG 1 2
  ACL LOG RESET
  ACL LOG
  ACL LOG 0
  ACL LOG -5
  ACL LOAD
  ACL SAVE
  ACL LOAD x
  ACL SAVE x
  ACL DRYRUN
  ACL DRYRUN default
  ACL DRYRUN nosuch GET k
  ACL DRYRUN default GET k
  ACL DRYRUN default GET
  ACL DRYRUN default NOSUCH k
  ACL DRYRUN default CLIENT
  ACL DRYRUN default CLIENT NOSUCH
  ACL DRYRUN default CLIENT ID
  ACL DRYRUN default MSET a 1 b
  COMMAND GETKEYS ACL SETUSER joe
  ? ACL CAT geo
  ? ACL CAT HyperLogLog
  ? ACL CAT bitmap
  `,
);

transcript("GENPASS", (t) => {
  const digits = (length: number) => (value: ReplyValue) =>
    typeof value === "string" && new RegExp(`^[0-9a-f]{${length}}$`).test(value);
  t.do("ACL GENPASS").matching(digits(64));
  t.do("ACL GENPASS 1").matching(digits(1));
  t.do("ACL GENPASS 5").matching(digits(2));
  t.do("ACL GENPASS 4096").matching(digits(1024));
});

transcript("rules that are refused change nothing", (t) => {
  afresh(t, "joe");
  for (const rules of [
    "bogus",
    "+nosuch",
    "+@nosuch",
    "-client|nosuch",
    "+config|get|maxmemory",
    "+get|a|b",
    "+select|",
    "%X~a",
    "%RX",
    "~* ~a",
    "&* &a",
    "<nopassword",
    "#abc",
    "!abc",
    "(bogus)",
    "(&* &fail)",
    "(",
    ")",
    "(+get",
    "+get ( ~a",
  ]) {
    t.do(`ACL SETUSER joe on nopass ${rules}`);
    t.do("ACL GETUSER joe").is(null);
  }
  t.do("ACL", "SETUSER", "a b", "on");
  t.do("ACL", "SETUSER", "a\0b", "on");
  t.do("ACL", "SETUSER", "joe", " () ");
  t.do("ACL", "SETUSER", "joe", "~a b");
  t.do("ACL SETUSER joe on >first ~a +get").is("OK");
  t.do("ACL SETUSER joe off ~b nosuch").matching(() => true);
  t.do("ACL DRYRUN joe GET a").is("OK");
  t.do("AUTH joe first").is("OK");
});

transcript("what a user is", (t) => {
  afresh(t, "joe");
  t.do("ACL SETUSER joe").is("OK");
  const fields: [string, string | string[]][] = [
    ["flags", ["off", "sanitize-payload"]],
    ["passwords", []],
    ["commands", "-@all"],
    ["keys", ""],
    ["channels", ""],
    ["selectors", []],
  ];
  const flat = fields.flatMap(([name, value]) => [name, value]);
  t.do("ACL GETUSER joe")

    .is(flat, Object.fromEntries(fields))
    .differsIn72(SANITIZED);
  t.do("ACL SETUSER joe reset on >pass ~a* %R~b* %W~c &news.* +get +set +client|id");
  t.do("ACL SETUSER joe (~x +@geo) (%R~y &z)").is("OK");
  t.do("ACL LIST")
    .is([
      "user default on nopass sanitize-payload ~* &* +@all",
      "user joe on sanitize-payload " +
        "#d74ff0ee8da3b9806b18c877dbf29bbde50b5bd8e4dad7a3a725000feb82e8f1 " +
        "~a* %R~b* %W~c resetchannels &news.* -@all +get +set +client|id " +
        "(~x resetchannels -@all +@geo) (%R~y resetchannels &z -@all)",
    ])
    .differsIn72(`${SANITIZED}; ${RULES_KEPT}`);
  t.do("ACL USERS").is(["default", "joe"]);
  t.do("ACL SETUSER joe reset +@all -@dangerous +info").is("OK");
  t.do("ACL LIST")
    .is([
      "user default on nopass sanitize-payload ~* &* +@all",
      "user joe off sanitize-payload resetchannels +@all -@dangerous +info",
    ])
    .differsIn72(`${SANITIZED}; ${RULES_KEPT}`);
});

transcript("who comes in", (t) => {
  afresh(t, "joe", "ann");
  const joe = t.on("joe");
  t.do("ACL SETUSER joe >one");
  joe.do("AUTH joe one").error("WRONGPASS invalid username-password pair or user is disabled.");
  t.do("ACL SETUSER joe on >two +@all");
  joe.do("AUTH joe one").is("OK");
  joe.do("ACL WHOAMI").is("joe");
  joe.do("AUTH joe three");
  joe.do("ACL WHOAMI").is("joe");
  joe.do("AUTH nosuch two");
  joe.do("AUTH two");
  joe.do("AUTH default anything").is("OK");
  joe.do("ACL WHOAMI").is("default");
  t.do("ACL SETUSER joe <one");
  joe.do("AUTH joe one");
  joe.do("AUTH joe two").is("OK");
  t.do("ACL SETUSER joe nopass");
  joe.do("AUTH joe whatever").is("OK");
  t.do("ACL SETUSER joe resetpass");
  joe.do("AUTH joe whatever");
  // It was turned off, but who is in stays in.
  t.do("ACL SETUSER joe off nopass");
  joe.do("ACL WHOAMI").is("joe");
  joe.do("AUTH joe x");
  joe.do("RESET").is("RESET");
  joe.do("ACL WHOAMI").is("default");
  t.do("ACL", "SETUSER", "ann", "on", new Uint8Array([62, 0, 255, 13, 10]), "+acl").is("OK");
  joe.do("AUTH", "ann", new Uint8Array([0]));
  joe.do("AUTH", "ann", new Uint8Array([0, 255, 13, 10])).is("OK");
  joe.do("HELLO 2 AUTH default x").matching(() => true);
  joe
    .do("HELLO 3 AUTH ann x")
    .error("WRONGPASS invalid username-password pair or user is disabled.");
  t.do("CLIENT KILL USER nosuch");
  t.do("CLIENT KILL USER ann").is(0);
});

transcript("commands", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  t.do("ACL SETUSER joe on nopass ~* -@all +acl|whoami");
  joe.do("AUTH joe x").is("OK");
  joe.do("GET k").error(commandDenied("joe", "get")).differsIn72(NO_PERMISSION);
  joe
    .do("CONFIG GET maxmemory")
    .error(commandDenied("joe", "config|get"))
    .differsIn72(NO_PERMISSION);
  joe.do("acl list").error(commandDenied("joe", "acl|list")).differsIn72(NO_PERMISSION);
  joe.do("ACL WHOAMI").is("joe");
  // Neither what does not exist nor what is wrong is a matter of permissions.
  joe.do("NOSUCH");
  joe.do("GET");
  joe.do("CONFIG NOSUCH");
  joe.do("HELLO 9");
  t.do("ACL SETUSER joe +@all -ping");
  joe.do("PING").error(commandDenied("joe", "ping")).differsIn72(NO_PERMISSION);
  joe.do("INCR n").is(1);
  t.do("ACL SETUSER joe -@all +@set");
  joe.do("SADD s a").is(1);
  joe.do("SET k v").error(commandDenied("joe", "set")).differsIn72(NO_PERMISSION);
  t.do("ACL SETUSER joe +@all -client|kill");
  joe.do("CLIENT ID").likeInteger();
  joe
    .do("CLIENT KILL TYPE master")
    .error(commandDenied("joe", "client|kill"))
    .differsIn72(NO_PERMISSION);
  t.do("ACL SETUSER joe -@all +config -config|set");
  joe.do("CONFIG GET nosuch");
  joe
    .do("CONFIG SET timeout 0")
    .error(commandDenied("joe", "config|set"))
    .differsIn72(NO_PERMISSION);
  t.do("ACL SETUSER joe -@all +select|0");
  joe.do("SELECT 0").is("OK");
  joe.do("SELECT 1").error(commandDenied("joe", "select")).differsIn72(NO_PERMISSION);
  joe.do("SELECT 00").error(commandDenied("joe", "select")).differsIn72(NO_PERMISSION);
  t.do("ACL SETUSER joe -select");
  joe.do("SELECT 0").error(commandDenied("joe", "select")).differsIn72(NO_PERMISSION);
  // AUTH, HELLO, RESET and QUIT are everybody's.
  joe.do("AUTH joe x").is("OK");
  joe.do("RESET").is("RESET");
});

transcript("keys", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  const denied = (line: string) => joe.do(line).error(KEY_DENIED).differsIn72(NO_PERMISSION);
  t.do("MSET r 1 w 1 rw 1 other 1");
  t.do("LPUSH rlist a");
  t.do("ACL SETUSER joe on nopass +@all %R~r* %W~w* ~rw*");
  joe.do("AUTH joe x").is("OK");
  joe.do("GET r").is("1");
  denied("GET w");
  denied("GET other");
  denied("SET r 2");
  joe.do("SET w 2").is("OK");
  denied("SET w 3 GET");
  joe.do("SET rw 3 GET").is("1");
  joe.do("COPY r w REPLACE").is(1);
  denied("COPY w r");
  joe.do("MGET r rw").is(["1", "3"]);
  denied("MGET r rw w");
  denied("MSET w 1 r 2");
  joe.do("MSET w 1 rw 2").is("OK");
  joe.do("BITFIELD r GET u4 0").is([3]);
  denied("BITFIELD r SET u4 0 1");
  denied("BITFIELD w GET u4 0");
  denied("SUNIONSTORE r w");
  denied("SUNIONSTORE w r w");
  joe.do("SUNIONSTORE w r1 r2").is(0);
  denied("ZUNIONSTORE w 2 r1 other");
  denied("ZUNION 2 r1 other");
  joe.do("ZUNION 1 r1").is([]);
  denied("LMPOP 2 rw1 r1 LEFT");
  denied("SORT rlist STORE other");
  joe.do("SORT rlist ALPHA STORE w9").is(1);
  denied("OBJECT ENCODING other");
  denied("RENAME rw1 other");
  denied("BLPOP other rw1 0");
  // Wrong in itself: the error says so.
  joe.do("ZUNION 5 other");
  joe.do("ZUNION x other");
  joe.do("MSET other");
  // Commands of all keys name none.
  joe.do("DBSIZE").likeInteger();
  joe.do("KEYS nosuch*").is([]);
});

transcript("selectors", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  t.do("ACL SETUSER joe on nopass (+@write ~write::*) (+@read ~read::*)");
  joe.do("AUTH joe x");
  joe.do("PING").error(commandDenied("joe", "ping")).differsIn72(NO_PERMISSION);
  joe.do("SET write::a 1").is("OK");
  joe.do("GET read::a").is(null);
  joe.do("GET write::a").error(KEY_DENIED).differsIn72(NO_PERMISSION);
  joe.do("SET read::a 1").error(KEY_DENIED).differsIn72(NO_PERMISSION);
  // Permissions of two selectors do not add up.
  t.do("ACL SETUSER joe clearselectors (%R~r* +@all) (%W~w* +@all)");
  joe.do("COPY r w").error(KEY_DENIED).differsIn72(NO_PERMISSION);
  t.do("ACL SETUSER joe clearselectors +mget ~key (+mget ~key ~otherkey)");
  t.do("ACL DRYRUN joe MGET key otherkey").is("OK");
  t.do("ACL DRYRUN joe MGET otherkey some")
    .is("User joe has no permissions to access the 'some' key")
    .differsIn72(NO_PERMISSION);
  t.do("ACL DRYRUN joe GET key")
    .is("User joe has no permissions to run the 'get' command")
    .differsIn72(NO_PERMISSION);
});

transcript("SORT's BY and GET need every key", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  t.do("MSET w1 1 w2 2");
  t.do("RPUSH l 2 1");
  t.do("ACL SETUSER joe on nopass (+sort +sort_ro ~l)");
  joe.do("AUTH joe x");
  joe.do("SORT l").is(["1", "2"]);
  joe.do("SORT l BY nosort").is(["2", "1"]);
  joe.do("SORT l BY w*").error("ERR BY option of SORT denied due to insufficient ACL permissions.");
  joe
    .do("SORT l GET w*")
    .error("ERR GET option of SORT denied due to insufficient ACL permissions.");
  joe
    .do("SORT_RO l GET #")
    .error("ERR GET option of SORT denied due to insufficient ACL permissions.");
  t.do("ACL SETUSER joe (+sort ~l %W~*)");
  joe.do("SORT l BY w*").error("ERR BY option of SORT denied due to insufficient ACL permissions.");
  t.do("ACL SETUSER joe (+sort %R~*)");
  joe.do("SORT l BY w* GET w*").is(["1", "2"]);
});

transcript("LOG", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  t.do("ACL SETUSER joe on >pass +get +acl|whoami ~a");
  joe.do("AUTH joe wrong").matching(() => true);
  joe.do("AUTH joe pass").is("OK");
  joe.do("GET b").error(KEY_DENIED).differsIn72(NO_PERMISSION);
  joe.do("SET a 1").error(commandDenied("joe", "set")).differsIn72(NO_PERMISSION);
  joe.do("SET a 2").error(commandDenied("joe", "set")).differsIn72(NO_PERMISSION);
  joe.do("ACL LIST").error(commandDenied("joe", "acl|list")).differsIn72(NO_PERMISSION);
  const fields = (count: number, reason: string, object: string) => (value: ReplyValue) => {
    const [entry] = Array.isArray(value) ? value : [];
    const map = asMap(entry);
    return (
      map.get("count") === count &&
      map.get("reason") === reason &&
      map.get("context") === "toplevel" &&
      map.get("object") === object &&
      map.get("username") === "joe" &&
      Number(map.get("age-seconds")) >= 0 &&
      mentions(map.get("client-info"), " user=")
    );
  };
  t.do("ACL LOG 1").matching(fields(1, "command", "acl|list"));
  joe.do("SET a 3").matching(() => true);
  t.do("ACL LOG 1").matching(fields(3, "command", "set"));
  joe.do("GET b").matching(() => true);
  t.do("ACL LOG").matching(fields(2, "key", "b"));
  t.do("ACL LOG 2").matching((value) => Array.isArray(value) && value.length === 2);
  t.do("ACL LOG").matching((value) => Array.isArray(value) && value.length === 4);
  t.do("ACL LOG 10")
    .matching((value) => {
      const ids = (Array.isArray(value) ? value : []).map((entry) => asMap(entry).get("entry-id"));
      const [newest] = Array.isArray(value) ? value : [];
      const map = asMap(newest);
      return (
        ids.every((id) => typeof id === "number") &&
        new Set(ids).size === 4 &&
        Number(map.get("timestamp-created")) <= Number(map.get("timestamp-last-updated"))
      );
    })
    .differsIn72("7.2 numbers the entries and says when they began");
  t.do("ACL LOG RESET").is("OK");
  t.do("ACL LOG").is([]);
});

transcript("channels", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  const denied = (line: string): void => {
    joe.do(line).error("NOPERM No permissions to access a channel").differsIn72(NO_PERMISSION);
  };
  t.do("ACL SETUSER joe on nopass +@pubsub +@connection");
  joe.do("AUTH joe x").is("OK");
  for (const line of [
    "PUBLISH a m",
    "SPUBLISH a m",
    "SUBSCRIBE a",
    "SSUBSCRIBE a",
    "PSUBSCRIBE a",
  ]) {
    denied(line);
  }
  t.do("ACL SETUSER joe &news.* &exact");
  joe.do("PUBLISH news.a m").is(0);
  joe.do("PUBLISH exact m").is(0);
  denied("PUBLISH exactly m");
  denied("SUBSCRIBE news.a other");
  denied("PSUBSCRIBE news.a");
  denied("PSUBSCRIBE news.**");
  denied("PSUBSCRIBE news.* *");
  joe.begin("PSUBSCRIBE news.*");
  joe.reply();
  // Leaving needs no permission.
  joe.begin("PUNSUBSCRIBE other");
  joe.reply();
  joe.begin("UNSUBSCRIBE other");
  joe.reply();
  t.do("ACL DRYRUN joe SUBSCRIBE news.a other")
    .is("User joe has no permissions to access the 'other' channel")
    .differsIn72(NO_PERMISSION);
  t.do("PUBSUB NUMPAT").is(1);
  t.do("ACL SETUSER joe &more").is("OK");
  t.do("PUBSUB NUMPAT").is(1);
  t.do("ACL SETUSER joe resetchannels &news.a").is("OK");
  t.do("PUBSUB NUMPAT").eventually().is(0);
  t.do("CLIENT LIST").matching((text) => !mentions(text, "user=joe"));
});

transcript("transactions", (t) => {
  afresh(t, "joe");
  const joe = t.on("joe");
  t.do("ACL SETUSER joe on nopass ~a +get +set +multi +exec +discard");
  joe.do("AUTH joe x").is("OK");
  joe.do("MULTI").is("OK");
  joe.do("GET a").is("QUEUED");
  joe.do("INCR a").error(commandDenied("joe", "incr")).differsIn72(NO_PERMISSION);
  joe.do("GET b").error(KEY_DENIED).differsIn72(NO_PERMISSION);
  joe.do("EXEC");
  t.do("ACL LOG 1").matching((value) => {
    const [entry] = Array.isArray(value) ? value : [];
    return asMap(entry).get("context") === "multi" && asMap(entry).get("object") === "b";
  });
  // What was permitted when it was queued may not be so any more.
  joe.do("MULTI").is("OK");
  joe.do("SET a 1").is("QUEUED");
  joe.do("GET a").is("QUEUED");
  t.do("ACL SETUSER joe -set");
  joe.do("EXEC");
  joe.do("MULTI").is("OK");
  joe.do("GET a").is("QUEUED");
  t.do("ACL SETUSER joe resetkeys");
  joe.do("EXEC");
});

transcript("who loses its user loses its connection", (t) => {
  afresh(t, "joe", "ann");
  t.do("ACL SETUSER joe on nopass +@all ~*");
  t.do("ACL SETUSER ann on nopass +@all ~*");
  const joe = t.on("joe");
  const ann = t.on("ann");
  joe.do("AUTH joe x");
  ann.do("AUTH ann x");
  t.do("CLIENT LIST").matching((text) => mentions(text, "user=joe"));
  t.do("ACL DELUSER joe nosuch").is(1);
  t.do("CLIENT LIST")
    .eventually()
    .matching((text) => !mentions(text, "user=joe"));
  // One's own last reply still comes.
  ann.do("ACL DELUSER ann").is(1);
  t.do("CLIENT LIST")
    .eventually()
    .matching((text) => !mentions(text, "user=ann"));
});

transcript("requirepass is the default user's password", (t) => {
  const late = t.on("late");
  t.do("CONFIG SET requirepass secret").is("OK");
  t.do("PING").is("PONG");
  late.do("PING").matching(() => true);
  late.do("AUTH secret").matching((value) => value === "OK");
  t.do("CONFIG GET requirepass").is(["requirepass", "secret"], { requirepass: "secret" });
  t.do("ACL SETUSER default >second").is("OK");
  late.do("AUTH second").is("OK");
  late.do("AUTH default secret").is("OK");
  t.do("CONFIG SET requirepass third").is("OK");
  late.do("AUTH second");
  late.do("AUTH third").is("OK");
  t.do('CONFIG SET requirepass ""').is("OK");
  late.do("AUTH anything");
  late.do("AUTH default anything").is("OK");
});

function mentions(value: ReplyValue | undefined, part: string): boolean {
  return typeof value === "string" && value.includes(part);
}

function asMap(value: ReplyValue | undefined): Map<string, ReplyValue> {
  if (value instanceof Map) {
    return new Map(Array.from(value, ([key, item]) => [textOf(key), item]));
  }
  const items = Array.isArray(value) ? value : [];
  const map = new Map<string, ReplyValue>();
  for (let i = 0; i + 1 < items.length; i += 2) map.set(textOf(items[i]), items[i + 1]);
  return map;
}

function textOf(value: ReplyValue): string {
  return typeof value === "string" ? value : "";
}
