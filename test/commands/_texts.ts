/** Replies that are text for people and monitoring: INFO, CLIENT LIST. */
import type { ReplyValue, RespClient } from "../support/resp-client.ts";

/** The value as the text that it must be. */
export function textOf(value: unknown): string {
  if (typeof value !== "string") throw new Error(`Not a text: ${JSON.stringify(value)}`);
  return value;
}

/** Keys and values in turn, of a RESP3 map or of the array that stands for it in RESP2. */
export function entriesOf(value: unknown): unknown[] {
  if (value instanceof Map) {
    const entries: unknown[] = [];
    for (const [key, item] of value as Map<unknown, unknown>) entries.push(key, item);
    return entries;
  }
  return value as unknown[];
}

export function fieldsOf(value: unknown): Map<string, unknown> {
  const entries = entriesOf(value);
  const fields = new Map<string, unknown>();
  for (let i = 0; i < entries.length; i += 2) fields.set(textOf(entries[i]), entries[i + 1]);
  return fields;
}

/** The fields of one section of INFO. */
export async function infoFields(
  client: RespClient,
  section: string,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of textOf(await client.value(`INFO ${section}`)).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && !line.startsWith("#")) found[line.slice(0, colon)] = line.slice(colon + 1);
  }
  return found;
}

/** The fields of a line of CLIENT LIST or CLIENT INFO. */
export function clientFields(line: string): Record<string, string> {
  const pairs = line
    .trimEnd()
    .split(" ")
    .map((field): [string, string] => {
      const at = field.indexOf("=");
      return [field.slice(0, at), field.slice(at + 1)];
    });
  return Object.fromEntries(pairs);
}

export async function clientInfo(client: RespClient): Promise<Record<string, string>> {
  return clientFields(textOf(await client.value("CLIENT INFO")));
}

export async function clientList(
  client: RespClient,
  filter = "",
): Promise<Record<string, string>[]> {
  const text = textOf(await client.value(`CLIENT LIST ${filter}`));
  return text.trimEnd().split("\n").map(clientFields);
}

export async function idOf(client: RespClient): Promise<number> {
  return Number(await client.value("CLIENT ID"));
}

/** Waits until the condition holds, for so long that no machine is too slow for it. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("It did not come about in time");
    await Bun.sleep(5);
  }
}

/** Makes as though nobody had looked at the key for so many seconds. */
export async function makeIdle(client: RespClient, key: string, idleSeconds: number) {
  const { raw } = await client.do("DUMP", key);
  const payload = raw.slice(raw.indexOf(10) + 1, -2);
  await client.value("RESTORE", key, "0", payload, "REPLACE", "IDLETIME", String(idleSeconds));
}

/** Whether a reply is that of a complete scan which found these, in any order. */
export function foundAll(items: readonly string[]): (reply: ReplyValue) => boolean {
  const wanted = ["0", items.toSorted()];
  return (reply) => {
    const [cursor, found] = reply as [string, string[]];
    return Bun.deepEquals([cursor, found.toSorted()], wanted);
  };
}
