/** What a server says of itself. */
import type { RespClient } from "../../test/support/resp-client.ts";

const INTERVAL_MS = 20;
const LIMIT_MS = 120_000;

/** The fields of a section of INFO. */
export async function infoFields(
  client: RespClient,
  section: string,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  const reply = await client.value("INFO", section);
  if (typeof reply !== "string") throw new Error(`INFO ${section} gives no text`);
  for (const line of reply.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) found[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return found;
}

/** Asks again and again until it is so. */
export async function until(isSo: () => Promise<boolean>, limitMs = LIMIT_MS): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Not so within ${limitMs} ms`);
    await Bun.sleep(INTERVAL_MS);
  }
}
