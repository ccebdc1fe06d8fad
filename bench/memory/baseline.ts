/**
 * What a server holds before its data: both servers have done some of the same work, since what
 * a runtime takes once (compiled code, buffers) is no data; what that left stays in another
 * database, so that it is neither freed nor used again meanwhile.
 */
import type { ServerProcess } from "../../test/support/server.ts";
import { infoFields } from "../support/info.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import { settledBytes } from "../support/process-usage.ts";

const WARM_UP_ITEMS = 50_000;
const ASIDE = 9;

/** Resident bytes after the warm-up, once the process has come to rest. */
export async function warmUp(
  server: ServerProcess,
  fillings: readonly Filling[],
  restMs: number,
  items = WARM_UP_ITEMS,
): Promise<number> {
  for (const filling of fillings) await load(server.port, cutDown(filling, items));
  await server.withClient((client) => client.do("SWAPDB", 0, ASIDE));
  return await settledBytes(server.pid, restMs);
}

/** What the server says that it uses. */
export function usedBytes(server: ServerProcess): Promise<number> {
  return server.withClient(async (client) => {
    return Number((await infoFields(client, "memory"))["used_memory"]);
  });
}
