/** MIGRATE's arguments and errors, compared with redis-server; what it moves: test/integration. */
import { compare, transcript } from "../support/transcript.ts";

compare(
  "MIGRATE: arguments",
  `
  SET k v
  MIGRATE
  MIGRATE 127.0.0.1 1 k 0
  MIGRATE 127.0.0.1 1 k zero 100
  MIGRATE 127.0.0.1 1 k 0 long
  MIGRATE 127.0.0.1 1 k zero long
  MIGRATE 127.0.0.1 1 k 0 9223372036854775808
  MIGRATE 127.0.0.1 1 k 0 100 SOMETHING
  MIGRATE 127.0.0.1 1 k 0 100 COPY REPLACE SOMETHING
  MIGRATE 127.0.0.1 1 k 0 100 AUTH
  MIGRATE 127.0.0.1 1 k 0 100 AUTH2 user
  MIGRATE 127.0.0.1 1 k 0 100 AUTH KEYS
  MIGRATE 127.0.0.1 1 k 0 100 KEYS k
  MIGRATE 127.0.0.1 1 k zero 100 KEYS k
  MIGRATE 127.0.0.1 1 k 0 100 KEYS
  GET k
  `,
);

compare(
  "MIGRATE: nothing there",
  `
  MIGRATE 127.0.0.1 1 k 0 100
  MIGRATE 127.0.0.1 1 "" 0 100
  MIGRATE 127.0.0.1 1 "" 0 100 KEYS
  MIGRATE 127.0.0.1 1 "" 0 100 COPY REPLACE AUTH2 a b AUTH c KEYS a b c
  MIGRATE nowhere x k -7 -1 copy replace auth x
  SET "" empty
  MIGRATE 127.0.0.1 1 "" 0 100
  SELECT 1
  MIGRATE 127.0.0.1 1 "" 0 100
  `,
);

compare(
  "MIGRATE: nobody there",
  `
  SET k v
  MIGRATE 127.0.0.1 1 k 0 100
  MIGRATE 127.0.0.1 0 k 0 100
  MIGRATE 127.0.0.1 port k 0 100
  MIGRATE 127.0.0.1 1 k 0 100 COPY
  MIGRATE 127.0.0.1 1 "" 0 0 KEYS a k b
  GET k
  MIGRATE no.such.host.invalid 1 k 0 100
  MULTI
  MIGRATE 127.0.0.1 1 a 0 100
  EXEC
  `,
);

compare(
  "MIGRATE: its keys",
  `
  COMMAND GETKEYS MIGRATE h 1 k 0 100
  COMMAND GETKEYS MIGRATE h 1 "" 0 100 KEYS a b
  COMMAND GETKEYS MIGRATE h 1 "" 0 100 COPY AUTH KEYS AUTH2 KEYS KEYS keys a
  COMMAND GETKEYS MIGRATE h 1 k 0 100 KEYS a b
  COMMAND GETKEYS MIGRATE h 1 "" 0 100 KEYS
  COMMAND GETKEYSANDFLAGS MIGRATE h 1 "" 0 100 KEYS a b
  ACL SETUSER limited on nopass ~mine* %R~seen* +@all
  ACL DRYRUN limited MIGRATE h 1 mine 0 100
  ACL DRYRUN limited MIGRATE h 1 "" 0 100 AUTH KEYS KEYS mine1 mine2
  `,
);

transcript("MIGRATE: keys that it may not take", (t) => {
  const denies = (key: string) => (value: unknown) =>
    String(value).endsWith(` has no permissions to access the '${key}' key`);
  t.do("ACL SETUSER limited on nopass ~mine* %R~seen* +@all");
  t.do("ACL DRYRUN limited MIGRATE h 1 seen 0 100").matching(denies("seen"));
  const keys = "AUTH2 KEYS x KEYS mine1 other";
  t.do(`ACL DRYRUN limited MIGRATE h 1 "" 0 100 ${keys}`).matching(denies("other"));
});

transcript("MIGRATE: what the slow log shows", (t) => {
  t.do("CONFIG SET slowlog-log-slower-than 0");
  t.do("SLOWLOG RESET");
  t.do("MIGRATE h 1 none 0 100 AUTH one");
  t.do("MIGRATE h 1 none 0 100 AUTH2 user two AUTH three");
  t.do("CONFIG SET slowlog-log-slower-than -1");
  const shown = "(redacted)";
  t.do("SLOWLOG GET 3").matching((value) => {
    const requests = (value as unknown[][]).map((entry) => (entry[3] as string[]).slice(6));
    const expected = [["AUTH2", shown, shown, "AUTH", shown], ["AUTH", shown], []];
    return JSON.stringify(requests) === JSON.stringify(expected);
  });
});
