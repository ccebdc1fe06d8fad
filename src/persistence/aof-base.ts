/** The present content of all databases, given to an encoder in one go. */
import type { SnapshotEncoder } from "../keyspace/snapshot.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";

const HOMES_PER_STEP = 65536;

export function writeBase(keyspace: Keyspace, encoder: SnapshotEncoder): void {
  encoder.begin();
  for (const { index, arena, table } of keyspace.databases) {
    for (let cursor = 0; ;) {
      cursor = table.scan(cursor, HOMES_PER_STEP, (ref) => encoder.entry(index, arena, ref));
      if (cursor === 0) break;
    }
  }
  encoder.end();
}
