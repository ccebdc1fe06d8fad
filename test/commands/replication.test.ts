/** Commands of replication as a client meets them, on a server that has no replicas. */
import { compare, transcript, transcripts } from "../support/transcript.ts";

compare(
  "WAIT without replicas",
  `
  WAIT 0 0
  WAIT -1 0
  SET k v
  WAIT 0 0
  WAIT 1 20
  WAIT 1 1
  WAIT x 0
  WAIT 1 x
  WAIT 1 -1
  WAIT 1 9223372036854775808
  WAIT 1
  WAIT
  MULTI
  SET k v
  WAIT 5 0
  EXEC
  MULTI
  WAIT x 0
  EXEC
  `,
);

transcript("CLIENT UNBLOCK ends WAIT as its time would, or with an error", (t) => {
  const waiting = t.on("waiting");
  const id = waiting.do("CLIENT ID").likeInteger();
  waiting.begin("WAIT 1 0");
  t.do("CLIENT KILL TYPE replica").is(0);
  t.do("CLIENT KILL TYPE master").is(0);
  t.do(() => ["CLIENT", "UNBLOCK", `${Number(id.value)}`]).is(1);
  waiting.reply().is(0);
  waiting.begin("WAIT 1 0");
  t.do(() => ["CLIENT", "UNBLOCK", `${Number(id.value)}`, "ERROR"]).is(1);
  waiting.reply().error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
});

compare(
  "ROLE and FAILOVER of a primary without replicas",
  `
  ROLE
  ROLE x
  FAILOVER
  FAILOVER ABORT
  FAILOVER ABORT ABORT
  FAILOVER TO
  FAILOVER TO 127.0.0.1
  FAILOVER TO 127.0.0.1 x
  FAILOVER TO 127.0.0.1 7000
  FAILOVER TO 127.0.0.1 7000 FORCE
  FAILOVER TO 127.0.0.1 7000 TO 127.0.0.1 7000
  FAILOVER TIMEOUT
  FAILOVER TIMEOUT 0
  FAILOVER TIMEOUT -1
  FAILOVER TIMEOUT x
  FAILOVER TIMEOUT 10 TIMEOUT 10
  FAILOVER FORCE
  FAILOVER FORCE FORCE
  FAILOVER FORCE TIMEOUT 10
  FAILOVER NOW
  PSYNC aaaa 1 FAILOVER
  `,
);

const { compare: compareGuarded } = transcripts({
  directives: ["min-replicas-to-write 1", "min-replicas-max-lag 10"],
});

compareGuarded(
  "writes are refused where too few replicas follow",
  `
  SET k v
  GET k
  PING
  PUBLISH c m
  MULTI
  GET k
  EXEC
  MULTI
  SET k v
  GET k
  EXEC
  CONFIG SET min-replicas-to-write 0
  MULTI
  SET k v
  CONFIG SET min-replicas-to-write 1
  EXEC
  SET k w
  CONFIG SET min-replicas-max-lag 0
  SET k w
  CONFIG SET min-replicas-max-lag 10
  SET k x
  DEBUG SLEEP 0
  GET k
  CONFIG SET min-replicas-to-write 0
  MULTI
  SET k y
  @b CONFIG SET min-replicas-to-write 1
  @b
  EXEC
  GET k
  `,
);

transcript("WAITAOF without an AOF", (t) => {
  const waitAof = (line: string) => t.do(line).differsIn72("WAITAOF is new in 7.2");
  t.do("SET k v").is("OK");
  waitAof("WAITAOF 0 0 0").is([0, 0]);
  waitAof("WAITAOF 0 1 10").is([0, 0]);
  const refused = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
  waitAof("WAITAOF 1 0 0").error(refused);
  waitAof("WAITAOF 2 0 0").error("ERR value is out of range, value must between 0 and 1");
  waitAof("WAITAOF x 0 0").error("ERR value is not an integer or out of range");
  waitAof("WAITAOF 0 -1 0").error("ERR value is out of range, must be positive");
  waitAof("WAITAOF 0 0 -1").error("ERR timeout is negative");
  waitAof("WAITAOF 0 1 9223372036854775807").error("ERR timeout is out of range");
  waitAof("WAITAOF 0 0 x").error("ERR timeout is not an integer or out of range");
  t.do("MULTI").is("OK");
  waitAof("WAITAOF 0 1 0").is("QUEUED");
  t.do("EXEC")
    .differsIn72("WAITAOF is new in 7.2")
    .is([[0, 0]]);
});
