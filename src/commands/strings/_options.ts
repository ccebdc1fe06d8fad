/**
 * The options that SET and GETEX share (parseExtendedStringArgumentsOrReply, t_string.c): which
 * exclude each other, and which only one of the two commands knows.
 */
import type { Call } from "../../engine/call.ts";
import type { ArgumentDoc } from "../../engine/command.ts";

export const OPTION_NX = 1 << 0;
export const OPTION_XX = 1 << 1;
export const OPTION_GET = 1 << 2;
export const OPTION_KEEPTTL = 1 << 3;
export const OPTION_PERSIST = 1 << 4;
const OPTION_EX = 1 << 5;
const OPTION_PX = 1 << 6;
const OPTION_EXAT = 1 << 7;
const OPTION_PXAT = 1 << 8;
const ANY_EXPIRY = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;

export const EXPIRY_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "seconds", type: "integer", token: "EX", since: "2.6.12" },
  { name: "milliseconds", type: "integer", token: "PX", since: "2.6.12" },
  { name: "unix-time-seconds", type: "unix-time", token: "EXAT", since: "6.2.0" },
  { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT", since: "6.2.0" },
];

/** What was read; one object serves all calls. */
export class StringOptions {
  flags = 0;
  /** The argument that holds the expire time, 0 where there is none. */
  expiryIndex = 0;
  unitMs = 1;
  isRelative = false;
}

/** Reads the options from argument `first` on; false: a syntax error. */
export function readOptions(
  call: Call,
  first: number,
  isSet: boolean,
  into: StringOptions,
): boolean {
  let flags = 0;
  into.expiryIndex = 0;
  for (let i = first; i < call.count; i++) {
    const option = optionAt(call, i, isSet);
    if (option === 0 || (flags & excludedBy(option)) !== 0) return false;
    flags |= option;
    if ((option & ANY_EXPIRY) === 0) continue;
    i++;
    if (i === call.count) return false;
    into.expiryIndex = i;
    into.unitMs = (option & (OPTION_EX | OPTION_EXAT)) !== 0 ? 1000 : 1;
    into.isRelative = (option & (OPTION_EX | OPTION_PX)) !== 0;
  }
  into.flags = flags;
  return true;
}

function optionAt(call: Call, index: number, isSet: boolean): number {
  if (call.is(index, "EX")) return OPTION_EX;
  if (call.is(index, "PX")) return OPTION_PX;
  if (call.is(index, "EXAT")) return OPTION_EXAT;
  if (call.is(index, "PXAT")) return OPTION_PXAT;
  if (!isSet) return call.is(index, "PERSIST") ? OPTION_PERSIST : 0;
  if (call.is(index, "NX")) return OPTION_NX;
  if (call.is(index, "XX")) return OPTION_XX;
  if (call.is(index, "GET")) return OPTION_GET;
  return call.is(index, "KEEPTTL") ? OPTION_KEEPTTL : 0;
}

/** The options that must not stand before this one; repeating one is allowed. */
function excludedBy(option: number): number {
  if (option === OPTION_NX) return OPTION_XX;
  if (option === OPTION_XX) return OPTION_NX;
  if (option === OPTION_GET) return 0;
  return (ANY_EXPIRY | OPTION_KEEPTTL | OPTION_PERSIST) & ~option;
}
