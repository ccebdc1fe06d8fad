/**
 * What clients may send, and what it means: the requests it holds and, where the stream ends in
 * an error, its text. The unit tests of the parser and the tests over sockets share them. Bytes
 * and arguments are Latin-1 strings.
 */
export interface RequestVector {
  readonly sent: string;
  readonly requests: readonly (readonly string[])[];
  /** The protocol error that ends the stream; null: it goes on, or waits for more. */
  readonly problem: string | null;
}

/** Requests, with nothing left over or something unfinished behind them. */
function holds(sent: string, ...requests: string[]): RequestVector {
  return { sent, requests: requests.map((request) => request.split(" ")), problem: null };
}

function fails(problem: string, sent: string, ...requests: string[]): RequestVector {
  return { ...holds(sent, ...requests), problem };
}

const INVALID_COUNT = "invalid multibulk length";
const INVALID_LENGTH = "invalid bulk length";
const UNBALANCED = "unbalanced quotes in request";

/** Short enough to be cut at every position. */
export const SHORT_VECTORS: readonly RequestVector[] = [
  // Multibulk.
  holds("*1\r\n$4\r\nPING\r\n", "PING"),
  holds("*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n*1\r\n$4\r\nPING\r\n", "ECHO hi", "PING"),
  holds("*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "ECHO "),
  holds("*1\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n", "", "PING"),
  holds("*2\r\n$4\r\nECHO\r\n$7\r\n\r\n*1\r\n$\r\n", "ECHO \r\n*1\r\n$"),
  holds("*2\r\n$4\r\nECHO\r\n$3\r\n\0\xff\n\r\n", "ECHO \0\xff\n"),
  holds("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello wor"),
  { sent: "*2\r\n$4\r\nECHO\r\n$3\r\na b\r\n", requests: [["ECHO", "a b"]], problem: null },
  holds("*0\r\n*1\r\n$4\r\nPING\r\n", "PING"),
  holds("*-1\r\n*1\r\n$4\r\nPING\r\n", "PING"),
  holds("*-1000\r\nPING\r\n", "PING"),
  holds("*-2147483647\r\n*-2147483648\r\n*-9223372036854775808\r\nPING\r\n", "PING"),
  fails(INVALID_COUNT, "*-99999999999999999999\r\nPING\r\n"),
  fails(INVALID_COUNT, "*01\r\n$4\r\nPING\r\n"),
  fails(INVALID_COUNT, "*-0\r\n"),
  fails(INVALID_COUNT, "*+1\r\n"),
  fails(INVALID_COUNT, "* 1\r\n"),
  fails(INVALID_COUNT, "*1 \r\n"),
  fails(INVALID_COUNT, "*1x\r\n"),
  fails(INVALID_COUNT, "*\r\n"),
  fails(INVALID_COUNT, "*-\r\n"),
  fails(INVALID_COUNT, "*1\n$4\r\nPING\r\n"),
  fails(INVALID_COUNT, "*2147483648\r\n"),
  fails(INVALID_COUNT, "*3000000000\r\n"),
  fails(INVALID_COUNT, "*99999999999999999999\r\n"),
  holds("*2147483647\r\n$4\r\nPING\r\n"),
  holds("*1048577\r\n$4\r\nPING\r\n"),
  fails(INVALID_COUNT, "*1\r\n$4\r\nPING\r\n*x\r\n", "PING"),
  fails(INVALID_LENGTH, "*1\r\n$04\r\nPING\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$-1\r\nPING\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$-0\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$4x\r\nPING\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$536870913\r\n"),
  fails(INVALID_LENGTH, "*1\r\n$9223372036854775808\r\n"),
  fails(INVALID_LENGTH, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$-5\r\n"),
  fails("expected '$', got 'P'", "*1\r\nPING\r\n"),
  fails("expected '$', got ':'", "*2\r\n$4\r\nECHO\r\n:5\r\n"),
  fails("expected '$', got '*'", "*1\r\n*1\r\n$4\r\nPING\r\n"),
  fails("expected '$', got '\r'", "*1\r\n\r\n"),
  fails("expected '$', got '\n'", "*1\r\n\n\r\n"),
  // Redis looks no further than the CR of a line, nor at what ends a bulk.
  holds("*1\rX$4\rXPINGXY*1\r\n$4\r\nPING\r\n", "PING", "PING"),
  holds("*1\r\n$4\r\nPING\n\n*1\r\n$4\r\nPING\r\n", "PING", "PING"),
  // Unfinished lines say nothing yet, even where they can't become right; a NUL byte hides
  // the end of its line.
  holds("*1\r\nx"),
  holds("*1\r\n:4\r"),
  holds("*abc\r"),
  holds("*1\0\r\n$4\r\nPING\r\n"),
  holds("*1\r\n$4\0\r\nPING\r\n"),
  holds("*1\r\n\0\r\n"),
  // Inline.
  holds("PING\r\n", "PING"),
  holds("PING\n", "PING"),
  holds("PING\r\r\n", "PING"),
  holds("\r\n\n \t\r\nPING\r\n", "PING"),
  holds(" \t PING \t hi \r\n", "PING hi"),
  holds('""\r\nPING\r\n', "", "PING"),
  holds('ECHO ""\r\n', "ECHO "),
  holds('ECHO "a\\x41\\n\\"\\\\\\q"\r\n', 'ECHO aA\n"\\q'),
  holds("ECHO 'it\\'s\\n'\r\n", "ECHO it's\\n"),
  holds('ECHO ab"cd"\r\n', "ECHO abcd"),
  holds("ECHO \xff\x01\r\n", "ECHO \xff\x01"),
  holds("+PING\r\n", "+PING"),
  holds("$4\r\nPING\r\n", "$4", "PING"),
  holds("PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", "PING", "PING", "PING"),
  fails(UNBALANCED, 'ECHO "a\r\nPING\r\n'),
  fails(UNBALANCED, "ECHO 'a\r\n"),
  fails(UNBALANCED, 'ECHO "a"b\r\n'),
  fails(UNBALANCED, "PING\r\nECHO 'a'b\r\nPING\r\n", "PING"),
  fails(UNBALANCED, 'ECHO "a\\"\r\n'),
  holds("PING"),
  holds("PING\r"),
  holds("PING\0\r\nPING\r\n"),
  holds("\0\r\n"),
];

const INLINE_LIMIT = 65536;

/** Lines at the limit of 64 KiB, to be cut at a few positions only. */
export const LONG_VECTORS: readonly RequestVector[] = [
  holds("x".repeat(INLINE_LIMIT)),
  fails("too big inline request", "x".repeat(INLINE_LIMIT + 1)),
  fails("too big inline request", `PING\r\n${"x".repeat(INLINE_LIMIT + 1)}`, "PING"),
  fails("too big inline request", `${"\0".repeat(INLINE_LIMIT)}\n`),
  holds(`ECHO ${"y".repeat(60_000)}\r\n`, `ECHO ${"y".repeat(60_000)}`),
  holds(`*${"1".repeat(INLINE_LIMIT - 1)}`),
  fails("too big mbulk count string", `*${"1".repeat(INLINE_LIMIT)}`),
  fails("too big mbulk count string", `*\0${"1".repeat(INLINE_LIMIT - 1)}`),
  holds(`*1\r\n$${"1".repeat(INLINE_LIMIT - 1)}`),
  fails("too big bulk count string", `*1\r\n$${"1".repeat(INLINE_LIMIT)}`),
  fails("too big bulk count string", `*1\r\n${"x".repeat(INLINE_LIMIT + 1)}`),
  fails(INVALID_COUNT, `*${"0".repeat(60_000)}1\r\n`),
  holds(`*2\r\n$4\r\nECHO\r\n$100000\r\n${"z".repeat(100_000)}\r\n`, `ECHO ${"z".repeat(100_000)}`),
  holds(
    `*301\r\n$3\r\nDEL\r\n${"$3\r\nkey\r\n".repeat(300)}PING\r\n`,
    `DEL${" key".repeat(300)}`,
    "PING",
  ),
];
