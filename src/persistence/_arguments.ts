/** What commands of a file are made of besides words and numbers. */
import type { RequestWriter } from "../protocol/request-writer.ts";
import type { StreamId } from "../values/stream-id.ts";

export interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

export function writeRange(out: RequestWriter, { bytes, start, length }: ByteRange): void {
  out.range(bytes, start, length);
}

export function writeId(out: RequestWriter, id: StreamId): void {
  const text = id.textBytes();
  out.range(text, 0, text.length);
}
