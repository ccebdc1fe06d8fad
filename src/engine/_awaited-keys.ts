/** The keys that blocked requests wait for. */
import type { BlockedRequest } from "./blocked-request.ts";
import { IndexedKey, KeyIndex } from "./_key-index.ts";

export class AwaitedKey extends IndexedKey {
  /** In the order in which they blocked. */
  readonly waiters = new Set<BlockedRequest>();
  /** Those of them that also wake when the key is gone. */
  waitersWithoutKey = 0;
  /** It waits to be served already. */
  isReady = false;
}

export class AwaitedKeys extends KeyIndex<AwaitedKey> {
  constructor() {
    super((database, bytes, hash) => new AwaitedKey(database, bytes, hash));
  }
}
