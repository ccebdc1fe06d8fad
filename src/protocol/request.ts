/** A request to another server. */
import { bytesOf } from "../base/bytes.ts";

/** The request in RESP; a text is Latin-1. */
export function requestOf(args: readonly (string | Uint8Array)[]): Uint8Array {
  const parts = [bytesOf(`*${args.length}\r\n`)];
  for (const arg of args) {
    const bytes = typeof arg === "string" ? bytesOf(arg) : arg;
    parts.push(bytesOf(`$${bytes.length}\r\n`), bytes, bytesOf("\r\n"));
  }
  const request = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    request.set(part, at);
    at += part.length;
  }
  return request;
}
