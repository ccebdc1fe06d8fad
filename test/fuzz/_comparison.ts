/** Whether two servers' replies to a random command are alike, and what to say where not. */
import { quoteBytes } from "../support/readable.ts";
import type { Reply, ReplyValue } from "../support/resp-client.ts";
import type { Operation } from "./_operations.ts";
import type { Comparison } from "./_words.ts";

const HISTORY = 30;

export function areAlike(mine: Reply, wanted: Reply, comparison: Comparison): boolean {
  if (Buffer.compare(mine.raw, wanted.raw) === 0) return true;
  if (comparison === "exact" || mine.type !== wanted.type) return false;
  if (comparison === "anything") return mine.type === wanted.type;
  return comparable(mine.value, comparison) === comparable(wanted.value, comparison);
}

export function describeMismatch(
  where: string,
  operation: Operation,
  mine: Reply,
  wanted: Reply,
  history: readonly Operation[],
): string {
  const keys = new Set(operation.args.slice(1));
  const concerns = (args: readonly string[]): boolean =>
    keys.size === 0 || args.slice(1, 5).some((word) => keys.has(word));
  const before = history.filter(({ args }) => concerns(args));
  const lines = before.slice(-HISTORY).map(({ args }) => `    ${args.join(" ").slice(0, 200)}`);
  return [
    `${where}: ${operation.args.join(" ").slice(0, 400)}`,
    `pedis: ${readable(mine)}`,
    `redis: ${readable(wanted)}`,
    "after:",
    ...lines,
  ].join("\n");
}

export function readable({ raw }: Reply): string {
  return quoteBytes(raw).slice(0, 600);
}

function comparable(value: ReplyValue, comparison: Comparison): string {
  if (comparison === "groups") return JSON.stringify(withoutConsumers(value));
  if (comparison !== "pending") return JSON.stringify(sorted(value, comparison === "pairs"));
  // ID, consumer, milliseconds since delivery, deliveries.
  if (!Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(value.map((one) => (Array.isArray(one) ? one.toSpliced(2, 1) : one)));
}

/** XINFO GROUPS without the number of consumers. */
export function withoutConsumers(value: ReplyValue): ReplyValue[] {
  if (!Array.isArray(value)) return [value];
  return value.map((group) => {
    if (group instanceof Map) return [...group].filter(([name]) => name !== "consumers").flat();
    return Array.isArray(group) ? group.toSpliced(2, 2) : group;
  });
}

/** The elements (or pairs of them) in an order of their own. */
function sorted(value: ReplyValue, isPaired: boolean): string[] {
  if (value instanceof Map) return Array.from(value, (pair) => JSON.stringify(pair)).sort();
  if (!Array.isArray(value)) return [JSON.stringify(value)];
  if (!isPaired) return value.map((one) => JSON.stringify(one)).sort();
  const pairs: string[] = [];
  for (let i = 0; i < value.length; i += 2) pairs.push(JSON.stringify([value[i], value[i + 1]]));
  return pairs.sort();
}
