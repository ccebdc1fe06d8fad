/** SELECT in RESP, for files and streams of commands. */
import { bytesOf } from "../base/bytes.ts";

/** The command that makes `database` the one that what follows belongs to. */
export function selectCommand(database: number): Uint8Array {
  const digits = String(database);
  return bytesOf(`*2\r\n$6\r\nSELECT\r\n$${digits.length}\r\n${digits}\r\n`);
}
