/** Consumer groups in XINFO STREAM FULL. */
import type { Call } from "../../engine/call.ts";
import type { Stream } from "../../values/stream.ts";

/** The groups with up to `count` (0: all) pending entries of each and of each consumer. */
export function replyGroups({ reply }: Call, stream: Stream, _count: number): void {
  reply.array(stream.groups.size);
}
