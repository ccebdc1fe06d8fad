/** Pub/sub, compared with redis-server. A connection's messages are read with `@name` alone. */
import { compare, transcript, transcripts } from "../support/transcript.ts";
import { textOf } from "../../src/base/bytes.ts";

compare(
  "SUBSCRIBE, PUBLISH, UNSUBSCRIBE",
  `
  @a SUBSCRIBE one
  @a
  PUBLISH one hello
  @a
  PUBLISH two nobody
  @a SUBSCRIBE one
  @a
  PUBLISH one again
  @a
  @a SUBSCRIBE two
  @a
  PUBLISH two x
  @a
  PUBSUB NUMSUB one two three
  ? PUBSUB CHANNELS
  PUBSUB CHANNELS o*
  PUBSUB CHANNELS nothing*
  @a UNSUBSCRIBE one
  @a
  PUBLISH one gone
  PUBLISH two still
  @a
  @a UNSUBSCRIBE never
  @a
  @a UNSUBSCRIBE two
  @a
  PUBSUB CHANNELS
  PUBSUB NUMSUB
  PUBSUB NUMSUB two
  `,
);

compare(
  "several names in one command",
  `
  SUBSCRIBE one two one
  UNSUBSCRIBE one two three
  PSUBSCRIBE a* b* a*
  PUNSUBSCRIBE a* c*
  PUNSUBSCRIBE b*
  SSUBSCRIBE s t s
  SUNSUBSCRIBE s t u
  `,
);

compare(
  "ending all subscriptions",
  `
  UNSUBSCRIBE
  PUNSUBSCRIBE
  SUNSUBSCRIBE
  SUBSCRIBE one
  PUNSUBSCRIBE
  SUNSUBSCRIBE
  UNSUBSCRIBE
  PSUBSCRIBE p*
  UNSUBSCRIBE
  PUNSUBSCRIBE
  SSUBSCRIBE s
  UNSUBSCRIBE
  PUNSUBSCRIBE
  SUNSUBSCRIBE
  SUNSUBSCRIBE
  `,
);

compare(
  "patterns are ended in the order in which they were named",
  `
  @a PSUBSCRIBE z* a* m*
  @a
  @a
  @a
  PUBSUB NUMPAT
  @a PUNSUBSCRIBE
  @a
  @a
  @a
  PUBSUB NUMPAT
  `,
);

compare(
  "counts: channels and patterns together, shard channels by themselves",
  `
  @a SUBSCRIBE one
  @a
  @a PSUBSCRIBE p*
  @a
  @a SSUBSCRIBE s
  @a
  @a SUBSCRIBE two
  @a
  @a SSUBSCRIBE t
  @a
  @a UNSUBSCRIBE two
  @a
  @a SUNSUBSCRIBE s
  @a
  @a PUNSUBSCRIBE p*
  @a
  @a SUNSUBSCRIBE
  @a
  @a UNSUBSCRIBE
  @a
  `,
);

compare(
  "patterns",
  `
  @a PSUBSCRIBE news.*
  @a
  PUBLISH news.art x
  @a
  PUBLISH old.art x
  @a SUBSCRIBE news.art
  @a
  PUBLISH news.art both
  @a
  @a
  @b PSUBSCRIBE news.*
  @b
  PUBLISH news.art three
  @a
  @a
  @b
  PUBSUB NUMPAT
  PUBSUB NUMSUB news.art
  @a PUNSUBSCRIBE news.*
  @a
  PUBLISH news.art two
  @a
  @b
  PUBSUB NUMPAT
  @b PSUBSCRIBE h[ae]llo h?llo
  @b
  @b
  `,
);

compare(
  "shard channels",
  `
  @a SSUBSCRIBE one
  @a
  @b SUBSCRIBE one
  @b
  SPUBLISH one hello
  @a
  PUBLISH one hello
  @b
  SPUBLISH two nobody
  PUBSUB SHARDNUMSUB one two
  PUBSUB SHARDCHANNELS
  PUBSUB SHARDCHANNELS o*
  PUBSUB SHARDCHANNELS x*
  PUBSUB NUMSUB one
  PUBSUB SHARDNUMSUB
  @c PSUBSCRIBE *
  @c
  SPUBLISH one nopattern
  @a
  `,
);

compare(
  "wrong use",
  `
  SUBSCRIBE
  PSUBSCRIBE
  SSUBSCRIBE
  PUBLISH one
  PUBLISH one two three
  SPUBLISH one
  PUBSUB
  PUBSUB NOSUCH
  PUBSUB CHANNELS a b
  PUBSUB NUMPAT a
  PUBSUB SHARDCHANNELS a b
  PUBSUB HELP a
  `,
);

compare(
  "a queue of messages",
  `
  @a SUBSCRIBE one
  @a
  MULTI
  PUBLISH one first
  SET k v
  PUBLISH one second
  PUBLISH two nobody
  EXEC
  @a
  @a
  `,
);

transcript("bytes of any kind", (t) => {
  const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i);
  const lines = new TextEncoder().encode("a\r\n$3\r\nb\0");
  const listener = t.on("@a");
  listener.begin("SUBSCRIBE", everyByte, lines);
  listener.reply();
  listener.reply();
  t.do("PUBLISH", everyByte, lines).is(1);
  listener.reply();
  t.do("PUBLISH", lines, everyByte).is(1);
  listener.reply();
  t.do("PUBLISH", lines, "").is(1);
  listener.reply();
  listener.begin("SUBSCRIBE", "");
  listener.reply();
  t.do("PUBLISH", "", "").is(1);
  listener.reply();
  t.do("PUBSUB", "NUMSUB", everyByte, "");
  t.do("PUBLISH", lines, "x".repeat(100_000)).is(1);
  listener.reply();
});

transcripts({ protocols: [2] }).compare(
  "what a subscriber may do in RESP2",
  `
  PING
  SUBSCRIBE one
  PING
  PING hello
  PING a b
  GET k
  SET k v
  NOSUCH
  MULTI
  CLIENT LIST
  HELLO 3
  PUBLISH one x
  PUBSUB CHANNELS
  PSUBSCRIBE p*
  SSUBSCRIBE s
  UNSUBSCRIBE
  GET k
  PUNSUBSCRIBE
  GET k
  SUNSUBSCRIBE
  GET k
  PING
  SSUBSCRIBE s
  GET k
  RESET
  GET k
  PUBSUB SHARDCHANNELS
  SUBSCRIBE one
  QUIT
  `,
);

transcripts({ protocols: [3] }).compare(
  "what a subscriber may do in RESP3",
  `
  SUBSCRIBE one
  PING
  PING hello
  SET k v
  GET k
  PUBLISH two x
  MULTI
  SET k w
  EXEC
  HELLO 9
  UNSUBSCRIBE
  `,
);

transcripts({ protocols: [3] }).transcript("a subscriber changes its protocol", (t) => {
  t.do("SUBSCRIBE one");
  t.do("GET k").is(null);
  t.do("HELLO 2").likeShape();
  t.do("GET k").error(
    "ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET " +
      "are allowed in this context",
  );
  t.do("PING").is(["pong", ""]);
  t.on("@b").do("PUBLISH one x").is(1);
  t.reply().is(["message", "one", "x"]);
  t.do("UNSUBSCRIBE").is(["unsubscribe", "one", 0]);
  t.do("PING").is("PONG");
  t.do("HELLO 3").likeShape();
  t.do("SUBSCRIBE one").is(["subscribe", "one", 1]);
  t.on("@b").do("PUBLISH one y").is(1);
  t.reply().is(["message", "one", "y"]);
});

transcripts({ protocols: [2] }).transcript("subscribers of both protocols", (t) => {
  t.on("@3").do("HELLO 3").likeShape();
  t.on("@3").begin("SUBSCRIBE one");
  t.on("@3").reply();
  t.on("@2").begin("SUBSCRIBE one");
  t.on("@2").reply();
  t.do("PUBLISH one x").is(2);
  t.on("@3").reply();
  t.on("@2").reply();
});

transcripts({ protocols: [2] }).transcript("subscribing within a transaction", (t) => {
  t.do("MULTI").is("OK");
  for (const line of ["SUBSCRIBE one", "PSUBSCRIBE p*", "PING", "SSUBSCRIBE s", "GET k"]) {
    t.begin(line);
    t.reply().is("QUEUED");
  }
  t.do("EXEC");
  t.do("GET k");
  t.on("@b").do("PUBLISH one x").is(1);
  t.reply().is(["message", "one", "x"]);
  t.on("@b").do("PUBSUB SHARDCHANNELS").is([]);
});

transcripts({ protocols: [3] }).transcript("messages to oneself follow the reply", (t) => {
  const why = "7.0.15 sends them before the reply";
  t.do("SUBSCRIBE one");
  t.do("PSUBSCRIBE o*");
  t.send("*3\r\n$7\r\nPUBLISH\r\n$3\r\none\r\n$1\r\nx\r\n");
  t.reply().is(2).differsIn72(why);
  t.reply().is(["message", "one", "x"]).differsIn72(why);
  t.reply().is(["pmessage", "o*", "one", "x"]).differsIn72(why);
  t.do("MULTI").is("OK");
  t.do("PUBLISH one y").is("QUEUED");
  t.do("SUBSCRIBE two").is("QUEUED");
});

transcripts({ protocols: [3] }).compare(
  "a subscriber that is blocked still hears",
  `
  @a SUBSCRIBE one
  @a
  @a BLPOP q 0
  PUBLISH one x
  @a
  RPUSH q v
  @a
  PUBLISH one y
  @a
  `,
);

transcript("CLIENT REPLY does not silence messages", (t) => {
  const a = t.on("@a");
  a.begin("CLIENT REPLY OFF");
  a.begin("SUBSCRIBE one");
  a.reply();
  t.do("PUBLISH one x").is(1);
  a.reply();
  a.begin("UNSUBSCRIBE");
  a.reply();
  a.begin("PING");
  a.begin("CLIENT REPLY ON");
  a.reply().is("OK");
  a.begin("CLIENT REPLY SKIP");
  a.begin("SUBSCRIBE two three");
  a.reply();
  a.reply();
});

transcript("RESET, QUIT and closing end subscriptions", (t) => {
  t.on("@a").begin("SUBSCRIBE one");
  t.on("@a").reply();
  t.on("@b").begin("SUBSCRIBE one");
  t.on("@b").reply();
  t.on("@c").begin("PSUBSCRIBE o*");
  t.on("@c").reply();
  t.do("PUBLISH one x").is(3);
  t.on("@a").reply();
  t.on("@b").reply();
  t.on("@c").reply();
  t.on("@a").begin("RESET");
  t.on("@a").reply().is("RESET");
  t.on("@b").begin("QUIT");
  t.on("@b").reply().is("OK");
  t.do("PUBSUB NUMSUB one").is(["one", 0]);
  t.do("PUBLISH one y").is(1);
  t.on("@c").reply();
  t.do("CLIENT KILL TYPE pubsub").is(1);
  t.do("PUBLISH one z").is(0);
  t.do("PUBSUB NUMPAT").is(0);
  t.do("CLIENT KILL TYPE pubsub").is(0);
});

transcript("CLIENT LIST and INFO tell of subscriptions", (t) => {
  const a = t.on("@a");
  a.begin("SUBSCRIBE one two three");
  a.reply();
  a.reply();
  a.reply();
  a.begin("PSUBSCRIBE p* q*");
  a.reply();
  a.reply();
  a.begin("SSUBSCRIBE s");
  a.reply();
  const shows = (wanted: RegExp) => (value: unknown) =>
    wanted.test(value instanceof Uint8Array ? textOf(value) : String(value));
  t.do("CLIENT LIST TYPE pubsub").matching(
    shows(/^[^\n]* flags=P db=0 sub=3 psub=2 ssub=1 [^\n]*\n$/),
  );
  t.do("CLIENT LIST TYPE normal").matching(shows(/^[^\n]* flags=N db=0 sub=0 psub=0 ssub=0 /));
  t.do("INFO stats").matching(
    shows(/\npubsub_channels:3\r\npubsub_patterns:2\r\npubsubshard_channels:1\r\n/),
  );
});
