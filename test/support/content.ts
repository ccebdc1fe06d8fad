/**
 * What is in a server, key by key, in a form that can be compared with that of another one: the
 * digest of the value (DEBUG DIGEST-VALUE), the expiry, the encoding, and what a digest leaves out
 * (groups of streams, expiry of hash fields). The digest of all databases is beside it.
 */
import { type Argument, plainReply, quoteBytes } from "./readable.ts";
import type { Reply, ReplyValue } from "./resp-client.ts";

/** A connection to a server, or an engine within the test. */
export interface Asker {
  do(...command: readonly Argument[]): Promise<Reply>;
  value(...command: readonly Argument[]): Promise<ReplyValue>;
  pipeline(commands: readonly (readonly Argument[])[]): Promise<Reply[]>;
}

export interface KeyContent {
  readonly digest: string;
  readonly expiryMs: ReplyValue;
  readonly encoding: string;
  /** XINFO STREAM FULL without what depends on the implementation; null for other types. */
  readonly stream: unknown;
  /** HPEXPIRETIME of all fields, where that was asked for; null for other types. */
  readonly fieldExpiries: Readonly<Record<string, ReplyValue>> | null;
}

export interface Content {
  readonly digest: string;
  readonly keys: Readonly<Record<string, KeyContent>>;
}

export interface ContentOptions {
  /** Leaves out what Redis loses of the groups of a stream that commands rebuild. */
  readonly isRebuilt?: boolean;
  /** Leaves out consumers: commands rebuild no pending entry that is gone from the stream. */
  readonly hasNoConsumers?: boolean;
  /**
   * Leaves out what a primary that is Redis does not tell its replicas: consumers that have nothing
   * pending, and that pending entries were delivered again to the one who has them.
   */
  readonly hasRedisPrimary?: boolean;
  /** Leaves out encodings: after elements were removed they may become others by loading. */
  readonly hasNoEncodings?: boolean;
  /** Asks for the expiry of the fields of hashes. */
  readonly hasFieldExpiry?: boolean;
}

const KEYS_AT_ONCE = 200;
/** Depends on the implementation, or is new in Redis 7.2. */
const LEFT_OUT = new Set(["radix-tree-keys", "radix-tree-nodes", "active-time"]);
const NOT_REBUILT = new Set([...LEFT_OUT, "seen-time", "entries-read", "lag"]);

/**
 * What is not in `now` as it was `before`, in words. Where one of them is of Redis 7.0, which has
 * no packed sets and no packed lists, `isOldEncoding` lets these two be called otherwise.
 */
export function differences(now: Content, before: Content, isOldEncoding = false): string[] {
  const found: string[] = [];
  for (const [name, was] of Object.entries(before.keys)) {
    const is = now.keys[name];
    const [one, other] = [was, is].map((content) => content && described(content, isOldEncoding));
    if (one !== other) found.push(`${name.slice(0, 80)}: ${firstDifference(one, other)}`);
  }
  for (const name of Object.keys(now.keys)) {
    if (before.keys[name] === undefined) found.push(`${name.slice(0, 80)}: is new`);
  }
  if (now.digest !== before.digest) found.push(`digest: was ${before.digest}, is ${now.digest}`);
  return found;
}

/** Both texts from shortly before they part. */
function firstDifference(one = "", other = "not there"): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const [was, is] = [one, other].map((text) => text.slice(Math.max(0, at - 100), at + 100));
  return `was ${was}, is ${is}`;
}

function described(content: KeyContent, isOldEncoding: boolean): string {
  let { encoding } = content;
  // Which of the two it is after loading depends on the length alone.
  if (encoding === "embstr") encoding = "raw";
  if (isOldEncoding && encoding === "listpack" && content.digest.startsWith("list ")) {
    encoding = "quicklist";
  }
  if (isOldEncoding && encoding === "listpack" && content.digest.startsWith("set ")) {
    encoding = "hashtable";
  }
  return JSON.stringify({ ...content, encoding });
}

/** The content of all databases; the client ends up in database 0. */
export async function contentOf(client: Asker, options: ContentOptions = {}): Promise<Content> {
  const keys: Record<string, KeyContent> = {};
  const databases = (await client.value("CONFIG GET databases")) as string[];
  for (let database = 0; database < Number(databases[1]); database++) {
    await client.do("SELECT", database);
    const names = bulkItems((await client.do("KEYS *")).raw);
    for (let from = 0; from < names.length; from += KEYS_AT_ONCE) {
      const part = names.slice(from, from + KEYS_AT_ONCE);
      const contents = await contentOfKeys(client, part, options);
      for (const [i, name] of part.entries()) keys[`${database} ${quoteBytes(name)}`] = contents[i];
    }
  }
  await client.do("SELECT 0");
  return { digest: plainReply(await client.value("DEBUG DIGEST")), keys };
}

/** Removes the keys that have expired, which a digest counts while they are there. */
export async function removeExpired(client: Asker): Promise<void> {
  const databases = (await client.value("CONFIG GET databases")) as string[];
  for (let database = 0; database < Number(databases[1]); database++) {
    await client.do("SELECT", database);
    let cursor = "0";
    do {
      const reply = await client.value("SCAN", cursor, "COUNT", 10_000);
      if (!Array.isArray(reply)) throw new Error(`SCAN: ${plainReply(reply)}`);
      cursor = plainReply(reply[0]);
    } while (cursor !== "0");
  }
  await client.do("SELECT 0");
}

async function contentOfKeys(
  client: Asker,
  names: readonly Uint8Array[],
  options: ContentOptions,
): Promise<KeyContent[]> {
  const replies = await client.pipeline(
    names.flatMap((name) => [
      ["TYPE", name],
      ["PEXPIRETIME", name],
      ["OBJECT", "ENCODING", name],
      ["DEBUG", "DIGEST-VALUE", name],
    ]),
  );
  const contents: KeyContent[] = [];
  for (const [i, name] of names.entries()) {
    const [type, expiry, encoding, digests] = replies.slice(i * 4).map(({ value }) => value);
    contents.push({
      digest: `${plainReply(type)} ${(digests as string[])[0]}`,
      expiryMs: expiry,
      encoding: options.hasNoEncodings === true ? "" : plainReply(encoding),
      stream: type === "stream" ? await streamContent(client, name, options) : null,
      fieldExpiries:
        type === "hash" && options.hasFieldExpiry === true ? await expiries(client, name) : null,
    });
  }
  return contents;
}

async function streamContent(
  client: Asker,
  name: Uint8Array,
  options: ContentOptions,
): Promise<unknown> {
  const reply = await client.value("XINFO", "STREAM", name, "FULL", "COUNT", 0);
  const leftOut = new Set(options.isRebuilt === true ? NOT_REBUILT : LEFT_OUT);
  if (options.hasNoConsumers === true) leftOut.add("pending").add("pel-count").add("consumers");
  return named(reply, leftOut, options.hasRedisPrimary === true);
}

/** Arrays of names and values as objects, so that what is left out can be. */
function named(value: ReplyValue, leftOut: ReadonlySet<string>, isReduced: boolean): unknown {
  if (!Array.isArray(value)) return value;
  const isNamed = ["length", "name"].includes(plainReply(value[0])) && value.length > 2;
  if (!isNamed) return value.map((item) => named(item, leftOut, isReduced));
  const found: Record<string, unknown> = {};
  for (let i = 0; i < value.length; i += 2) {
    const name = plainReply(value[i]);
    if (leftOut.has(name)) continue;
    const all = isReduced ? reduced(name, value[i + 1]) : value[i + 1];
    found[name] = named(all, leftOut, isReduced);
  }
  return found;
}

/** The consumers that have something pending; pending entries without times and counts. */
function reduced(name: string, all: ReplyValue): ReplyValue {
  if (!Array.isArray(all)) return all;
  if (name === "consumers") {
    return all.filter((one) => Array.isArray(one) && one[one.indexOf("pel-count") + 1] !== 0);
  }
  if (name !== "pending") return all;
  return all.map((one) => (Array.isArray(one) ? one.slice(0, -2) : one));
}

async function expiries(client: Asker, name: Uint8Array): Promise<Record<string, ReplyValue>> {
  const fields = bulkItems((await client.do("HKEYS", name)).raw);
  const times = await client.value("HPEXPIRETIME", name, "FIELDS", fields.length, ...fields);
  if (!Array.isArray(times)) throw new Error(`No field expiries: ${plainReply(times)}`);
  const found = fields.map((field, i) => [quoteBytes(field), times[i]] as const);
  return Object.fromEntries(found.sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The bytes of a reply that is an array of bulk strings. */
export function bulkItems(raw: Uint8Array): Uint8Array[] {
  const [items] = arraysOfBulks(raw);
  return items ?? [];
}

/** One array of bulk strings behind the other: replies, or requests. */
export function* arraysOfBulks(raw: Uint8Array): Generator<Uint8Array[]> {
  const bytes = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  let at = 0;
  const number = (): number => {
    const end = bytes.indexOf("\r\n", at);
    const value = Number(bytes.toString("latin1", at + 1, end));
    at = end + 2;
    return value;
  };
  while (at < bytes.length) {
    yield Array.from({ length: number() }, () => {
      const length = number();
      at += length + 2;
      return bytes.subarray(at - length - 2, at - 2);
    });
  }
}
