/**
 * What the servers are filled with to see what an item costs; adding a dataset is one row. The
 * request is sent once for each item; the loader says what `{i}` becomes.
 */
export interface Dataset {
  readonly name: string;
  readonly title: string;
  readonly request: readonly string[];
  readonly items: number;
  /** The ratio (pedis ÷ redis) of net bytes per item that is aimed at. */
  readonly atMost: number | null;
}

export const DATASETS: readonly Dataset[] = [
  {
    name: "strings",
    title: "strings, 16-byte keys and values",
    request: ["SET", "key:{i}", "val:{i}"],
    items: 1_000_000,
    atMost: 0.85,
  },
  {
    name: "strings-ttl",
    title: "strings with a TTL, 16-byte keys and values",
    request: ["SET", "key:{i}", "val:{i}", "EX", "100000"],
    items: 1_000_000,
    atMost: 0.85,
  },
];
