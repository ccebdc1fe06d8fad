/**
 * Log lines in Redis's format, which operators' tools parse:
 *
 *     PID:ROLE DD Mon YYYY HH:MM:SS.mmm LEVEL message
 *
 * ROLE is M (primary), S (replica), C (a child in Redis; here the start-up, before a role is
 * known) or X (sentinel); LEVEL is one of `.` `-` `*` `#`. Source: serverLogRaw, Redis 7.2.
 */
export const LOG_DEBUG = 0;
export const LOG_VERBOSE = 1;
export const LOG_NOTICE = 2;
export const LOG_WARNING = 3;
export const LOG_NOTHING = 4;

const LEVEL_MARKS = ".-*#";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export class Log {
  level = LOG_NOTICE;
  role: "M" | "S" | "C" | "X" = "C";

  /** `write` takes one whole line with its newline; `nowMs` gives unix milliseconds. */
  write: (line: string) => void;
  private readonly nowMs: () => number;
  private readonly pid: number;

  constructor(write: (line: string) => void, nowMs: () => number, pid: number) {
    this.write = write;
    this.nowMs = nowMs;
    this.pid = pid;
  }

  debug(message: string): void {
    this.at(LOG_DEBUG, message);
  }

  verbose(message: string): void {
    this.at(LOG_VERBOSE, message);
  }

  notice(message: string): void {
    this.at(LOG_NOTICE, message);
  }

  warning(message: string): void {
    this.at(LOG_WARNING, message);
  }

  /** Text without a stamp, at the notice level. */
  raw(text: string): void {
    if (LOG_NOTICE >= this.level) this.write(text);
  }

  at(level: number, message: string): void {
    if (level < this.level) return;
    const stamp = formatStamp(new Date(this.nowMs()));
    this.write(`${this.pid}:${this.role} ${stamp} ${LEVEL_MARKS[level]} ${message}\n`);
  }
}

function formatStamp(date: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  const day = `${two(date.getDate())} ${MONTHS[date.getMonth()]} ${date.getFullYear()}`;
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
