/** Emptying all databases at once, with all who must hear of it. */
import type { Engine } from "./engine.ts";

/** Returns how many keys there were. Their memory goes in slices. */
export function emptyDatabases(engine: Engine): number {
  const { keyspace } = engine;
  const keys = keyspace.keyCount;
  for (const database of keyspace.databases) engine.contentReplaced(database, null);
  engine.databasesEmptied();
  keyspace.clear();
  for (const database of keyspace.databases) engine.blocking.databaseChanged(database);
  return keys;
}
