/** Client-side caching: what clients that track are told, and when. */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { startServer } from "../support/server.ts";
import { type Conversation, transcript, transcripts } from "../support/transcript.ts";
import { infoFields } from "./_texts.ts";

const resp3 = transcripts({ protocols: [3] });

/**
 * As `compare`, but what `@r` sends is read only by the lines `@r` that follow: so the order of
 * replies and messages counts.
 */
function inOrder(name: string, script: string): void {
  resp3.transcript(name, (t) => {
    for (const line of script.trim().split("\n")) {
      const [, mark = "", rest = ""] = /^(@\S+)?\s*(.*)$/.exec(line.trim()) ?? [];
      if (mark === "") t.do(rest);
      else if (rest === "") t.on(mark).reply();
      else t.on(mark).send(`${rest}\r\n`);
    }
  });
}

inOrder(
  "a key that was read is told of once, behind the reply to whom changes it",
  `
  @r CLIENT TRACKING on
  @r
  @r SET a 1
  @r
  @r GET a
  @r
  SET a 2
  SET a 3
  @r
  @r GET a
  @r
  @r INCR a
  @r
  @r
  @r MGET a b c
  @r
  @r MSET c 1 b 2 x 3
  @r
  @r
  @r
  @r DEL nosuch a
  @r
  @r PING
  @r
  `,
);

inOrder(
  "every way to change a key",
  `
  MSET moved 1 renamed 1 gone 1 old 1 expiring 1
  RPUSH list a b
  @r CLIENT TRACKING on
  @r
  @r MGET moved renamed target gone old copy expiring untouched
  @r
  @r LRANGE list 0 -1
  @r
  MOVE moved 3
  @r
  RENAME renamed target
  @r
  @r
  UNLINK gone
  @r
  COPY old copy
  @r
  PEXPIRE expiring 1
  @r
  LPOP list
  @r
  SELECT 5
  SET untouched 1
  @r
  @r PING
  @r
  `,
);

inOrder(
  "in a transaction, keys are told of behind the whole reply",
  `
  @r CLIENT TRACKING on
  @r
  @r MSET a 1 b 2
  @r
  @r GET a
  @r
  @r MULTI
  @r
  @r INCR a
  @r
  @r GET b
  @r
  @r INCR a
  @r
  @r EXEC
  @r
  @r
  @r MULTI
  @r
  @r GET a
  @r
  @r EXEC
  @r
  SET a 1
  @r
  INCR b
  @r
  `,
);

inOrder(
  "OPTIN and OPTOUT, also for a whole transaction",
  `
  MSET a 1 b 1 c 1 d 1
  @in CLIENT TRACKING on OPTIN
  @in
  @in GET a
  @in
  @in CLIENT CACHING yes
  @in
  @in GET b
  @in
  @in GET c
  @in
  @out CLIENT TRACKING on OPTOUT
  @out
  @out CLIENT CACHING no
  @out
  @out GET a
  @out
  @out GET b
  @out
  @in CLIENT CACHING yes
  @in
  @in MULTI
  @in
  @in GET c
  @in
  @in GET d
  @in
  @in EXEC
  @in
  INCR a
  INCR b
  @in
  @out
  INCR c
  @in
  INCR d
  @in
  `,
);

inOrder(
  "NOLOOP: not what one changes oneself",
  `
  @r CLIENT TRACKING on NOLOOP
  @r
  @r MGET a b
  @r
  @r SET a 1
  @r
  SET b 1
  @r
  @r CLIENT TRACKING off
  @r
  @r CLIENT TRACKING on BCAST NOLOOP PREFIX k
  @r
  @r MSET k1 1 x 1
  @r
  MSET k3 1 k2 1
  @r
  @r PING
  @r
  `,
);

inOrder(
  "BCAST: a message per prefix, the keys in order, behind the replies",
  `
  @r CLIENT TRACKING on BCAST PREFIX b: PREFIX a:
  @r
  MSET b:2 1 c:1 1 b:1 1 a:9 1 a:10 1
  @r
  @r
  @r MULTI
  @r
  @r INCR b:1
  @r
  @r DEL a:9 nosuch
  @r
  @r INCR b:1
  @r
  @r EXEC
  @r
  @r
  @r
  @all CLIENT TRACKING on BCAST
  @all
  SET z 1
  @all
  @r CLIENT TRACKING off
  @r
  SET a:9 1
  @all
  @r PING
  @r
  `,
);

inOrder(
  "after default tracking, BCAST no longer tells of keys read before, but all of them",
  `
  @r CLIENT TRACKING on
  @r
  @r GET a
  @r
  @r CLIENT TRACKING off
  @r
  @r CLIENT TRACKING on BCAST
  @r
  SET a 1
  @r
  @r CLIENT TRACKING off
  @r
  @r CLIENT TRACKING on
  @r
  @r GET a
  @r
  @r CLIENT TRACKING off
  @r
  @r CLIENT TRACKING on
  @r
  SET a 2
  @r
  @r PING
  @r
  `,
);

inOrder(
  "FLUSHALL and FLUSHDB tell of everything at once; SWAPDB of nothing",
  `
  @r CLIENT TRACKING on
  @r
  @b CLIENT TRACKING on BCAST
  @b
  @r GET a
  @r
  SWAPDB 0 3
  SET a 1
  @r
  @b
  @r GET a
  @r
  FLUSHALL
  @r
  @b
  SET a 1
  @b
  @r FLUSHDB
  @r
  @r
  @b
  @r MULTI
  @r
  @r FLUSHALL ASYNC
  @r
  @r SET k v
  @r
  @r EXEC
  @r
  @r
  @b
  @b
  `,
);

resp3.transcript("keys that expire", (t) => {
  const [reader, broadcast] = [t.on("@r"), t.on("@b")];
  const told = (): void => void broadcast.reply().is(["invalidate", ["e"]]);
  reader.do("CLIENT TRACKING on").is("OK");
  broadcast.do("CLIENT TRACKING on BCAST PREFIX e").is("OK");
  t.do("DEBUG SET-ACTIVE-EXPIRE 0").is("OK");
  // In one turn: the key is still there when it is read.
  reader.send("SET e v PX 30\r\nGET e\r\n");
  reader.reply().is("OK");
  reader.reply().is("v");
  told();
  t.do("DEBUG SLEEP 0.04").is("OK");
  t.do("GET e").is(null);
  reader.reply().is(["invalidate", ["e"]]);
  told();
  reader.send("SET e v PX 30\r\nSTRLEN e\r\n");
  reader.reply().is("OK");
  reader.reply().is(1);
  told();
  t.do("DEBUG SET-ACTIVE-EXPIRE 1").is("OK");
  reader.reply().is(["invalidate", ["e"]]);
  told();
});

resp3.compare(
  "a client that blocks hears of its key behind its reply",
  `
  RPUSH to a
  @r CLIENT TRACKING on
  @r
  @r LRANGE to 0 -1
  @r
  @r BLMOVE from to LEFT LEFT 0
  RPUSH from x
  @r
  @r
  @r LRANGE to 0 -1
  @r
  @n CLIENT TRACKING on NOLOOP
  @n
  @n LRANGE to 0 -1
  @n
  @n BLMOVE from to LEFT LEFT 0
  RPUSH from y
  @n
  @r
  @n PING
  @n
  `,
);

resp3.compare(
  "messages come whatever CLIENT REPLY says",
  `
  @r CLIENT TRACKING on
  @r
  @r MGET a b
  @r
  @r CLIENT REPLY OFF
  @r SET a 1
  @r
  SET b 1
  @r
  @r CLIENT REPLY ON
  @r
  `,
);

resp3.transcript("in a pipeline, messages come behind the reply they belong to", (t) => {
  const reader = t.on("@r");
  reader.send("CLIENT TRACKING on\r\nGET a\r\nSET a 1\r\nINCR a\r\nGET a\r\nDEL a\r\nPING\r\n");
  reader.reply().is("OK");
  reader.reply().is(null);
  reader.reply().is("OK");
  reader.reply().is(["invalidate", ["a"]]);
  reader.reply().is(2);
  reader.reply().is("2");
  reader.reply().is(1);
  reader.reply().is(["invalidate", ["a"]]);
  reader.reply().is("PONG");
});

resp3.transcript("broadcasts come behind all replies of a pipeline, together", (t) => {
  const reader = t.on("@r");
  reader.send("CLIENT TRACKING on BCAST\r\nSET b 1\r\nSET a 1\r\nPING\r\n");
  reader.reply().is("OK");
  reader.reply().is("OK");
  reader.reply().is("OK");
  reader.reply().is("PONG");
  reader.reply().is(["invalidate", ["a", "b"]]);
});

transcripts({ protocols: [2] }).compare(
  "without RESP3 and without redirection nothing is sent",
  `
  CLIENT TRACKING on
  SET a 1
  GET a
  SET a 2
  GET a
  PING
  `,
);

/** CLIENT TRACKING with the number that CLIENT ID has answered before. */
function redirectionTo({ value }: ReturnType<Conversation["do"]>): string[] {
  return ["CLIENT", "TRACKING", "on", "REDIRECT", `${Number(value)}`];
}

resp3.transcript("RESP3 redirection, and its end", (t) => {
  const target = t.on("@target");
  const id = target.do("CLIENT ID").likeInteger();
  t.do(() => redirectionTo(id)).is("OK");
  t.do("CLIENT GETREDIR").likeInteger();
  t.do("MGET a b").is([null, null]);
  t.do("SET a 1").is("OK");
  target.reply().is(["invalidate", ["a"]]);
  t.on("@other").do("FLUSHALL").is("OK");
  target.reply().is(["invalidate", null]);
  t.do("MGET a b").is([null, null]);
  target.do("QUIT").is("OK");
  t.do("SET a 1").is("OK");
  t.reply().matching((value) => Array.isArray(value) && value[0] === "tracking-redir-broken");
  t.do("CLIENT TRACKINGINFO").matching((value) => JSON.stringify(value).length > 0);
  t.do("HELLO 2").likeShape();
  t.do("SET b 1").is("OK");
  t.do("CLIENT TRACKING off").is("OK");
});

resp3.transcript("redirection to oneself, and to a RESP2 client that listens to nothing", (t) => {
  const own = t.do("CLIENT ID").likeInteger();
  t.do(() => redirectionTo(own)).is("OK");
  t.do("GET a").is(null);
  t.do("SET a 1").is("OK");
  t.reply().is(["invalidate", ["a"]]);
  const other = t.on("@two");
  other.do("HELLO 2").likeShape();
  const id = other.do("CLIENT ID").likeInteger();
  t.do(() => redirectionTo(id)).is("OK");
  t.do("GET a").is("1");
  t.do("SET a 2").is("OK");
  other.do("PING").is("PONG");
  t.do("PING").is("PONG");
});

resp3.transcript("the protocol at the time of the change decides", (t) => {
  t.do("CLIENT TRACKING on").is("OK");
  t.do("MGET a b").is([null, null]);
  t.do("HELLO 2").likeShape();
  t.on("@b").do("SET a 1").is("OK");
  t.do("HELLO 3").likeShape();
  t.on("@b").do("SET b 1").is("OK");
  t.reply().is(["invalidate", ["b"]]);
});

resp3.transcript("RESET turns it off", (t) => {
  t.do("CLIENT TRACKING on").is("OK");
  t.do("GET a").is(null);
  t.do("RESET").is("RESET");
  t.do("CLIENT TRACKINGINFO").is(["flags", ["off"], "redirect", -1, "prefixes", []]);
  t.do("SET a 1").is("OK");
  t.do("HELLO 3").likeShape();
  t.do("CLIENT TRACKING on").is("OK");
  t.do("GET a").is("1");
  t.on("@b").do("SET a 1").is("OK");
  t.reply().is(["invalidate", ["a"]]);
});

resp3.transcript("a RESP2 subscriber gets messages of a channel, whichever it listens to", (t) => {
  const target = t.on("@target");
  target.do("HELLO 2").likeShape();
  const id = target.do("CLIENT ID").likeInteger();
  target.do("SUBSCRIBE some").is(["subscribe", "some", 1]);
  t.do(() => redirectionTo(id)).is("OK");
  t.do("MGET a b").is([null, null]);
  t.on("@other").do("MSET b 1 a 1").is("OK");
  target.reply().is(["message", "__redis__:invalidate", ["b"]]);
  target.reply().is(["message", "__redis__:invalidate", ["a"]]);
  t.do("CLIENT TRACKING off").is("OK");
  t.do(() => [...redirectionTo(id), "BCAST"]).is("OK");
  t.do("MSET b 2 a 2").is("OK");
  target.reply().is(["message", "__redis__:invalidate", ["a", "b"]]);
  target.do("UNSUBSCRIBE").is(["unsubscribe", "some", 0]);
  t.do("SET a 3").is("OK");
  target.do("PING").is("PONG");
});

transcript("to a RESP2 subscriber, everything is told in RESP2", (t) => {
  const target = t.on("@target");
  target.do("HELLO 2").likeShape();
  const id = target.do("CLIENT ID").likeInteger();
  target.do("SSUBSCRIBE some").is(["ssubscribe", "some", 1]);
  t.do(() => redirectionTo(id)).is("OK");
  t.do("FLUSHALL").is("OK");
  target
    .reply()
    .is(["message", "__redis__:invalidate", null])
    .differsIn72("the oracle sends the null of the protocol that the redirecting client speaks");
  target.do("PING").is(["pong", ""]);
});

const small = transcripts({ protocols: [3], directives: ["tracking-table-max-keys 2"] });

small.transcript("a table over its limit forgets before the next command's reply", (t) => {
  const reader = t.on("@r");
  t.do("DEBUG PAUSE-CRON 1").is("OK");
  reader.begin("CLIENT TRACKING on");
  reader.reply().is("OK");
  reader.begin("MGET a b c d");
  reader.reply().is([null, null, null, null]);
  reader.begin("MULTI");
  const isForgotten = (value: unknown): boolean =>
    /^\["invalidate",\["[abcd]"\]\]$/.test(JSON.stringify(value));
  reader.reply().matching(isForgotten);
  reader.reply().matching(isForgotten);
  reader.reply().is("OK");
  t.do("CONFIG SET tracking-table-max-keys 1").is("OK");
  reader.begin("PING");
  reader.reply().matching(isForgotten);
  reader.reply().is("QUEUED");
  reader.begin("EXEC");
  reader.reply().is(["PONG"]);
  t.do("CONFIG SET tracking-table-max-keys 2").is("OK");
  t.do("DEBUG PAUSE-CRON 0").is("OK");
});

test("a client that has quit tracks no more, even if it keeps its side open", async () => {
  await using server = await startServer({ directives: ['save ""'] });
  await using other = await server.connect();
  const socket = connect({ port: server.port, allowHalfOpen: true });
  socket.resume();
  socket.write("CLIENT TRACKING on\r\nQUIT\r\n");
  await new Promise((resolve) => socket.once("end", resolve));
  const { tracking_clients: trackers } = await infoFields(other, "clients");
  expect(trackers).toBe("0");
  socket.destroy();
});
