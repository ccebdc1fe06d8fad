/**
 * The last line of an append-only file that a server has closed in good order: the place in the
 * stream of replication that its data has.
 *
 *     #REPL:<id> <offset> <database>\r\n
 *
 * A line that begins with # is passed over by whoever does not know it. It counts only as the very
 * last thing of the last file: what follows it has moved on from there, and a server that crashed
 * has left none.
 */
import { bytesOf } from "../base/bytes.ts";
import { MAX_STREAM_OFFSET, type StreamPosition } from "../engine/replication.ts";

export const STREAM_NOTE = "#REPL:";

const STREAM_ID = /^[0-9a-f]{40}$/;
const NUMBER = /^[0-9]{1,16}$/;

export function streamNote({ id, offset, database }: StreamPosition): Uint8Array {
  return bytesOf(`${STREAM_NOTE}${id} ${offset} ${Math.max(0, database)}\r\n`);
}

/** Null where the line is none, or damaged. */
export function parseStreamNote(line: string): StreamPosition | null {
  if (!line.startsWith(STREAM_NOTE) || !line.endsWith("\r\n")) return null;
  return parsePosition(line.slice(STREAM_NOTE.length, -2).split(" "));
}

/** From an id, an offset and a database, as texts; null where they are none. */
export function parsePosition(words: readonly string[]): StreamPosition | null {
  if (words.length !== 3) return null;
  const [id, offset, database] = words;
  if (!STREAM_ID.test(id) || !NUMBER.test(offset) || !NUMBER.test(database)) return null;
  const position = { id, offset: Number(offset), database: Number(database) };
  return position.offset <= MAX_STREAM_OFFSET ? position : null;
}
