/** MEMORY MALLOC-STATS: the arenas by size of block, and the memory of the runtime. */
import type { Engine } from "../../engine/engine.ts";
import type { Database } from "../../keyspace/database.ts";

export function mallocReport({ keyspace }: Engine): string {
  const sections = keyspace.databases
    .filter(({ arena }) => arena.committedBytes > 0)
    .map(databaseReport);
  const { heapUsed, heapTotal, external, rss } = process.memoryUsage();
  const runtime =
    `Runtime: JS heap ${heapUsed} of ${heapTotal} bytes, external ${external}, ` +
    `resident process ${rss}\n`;
  return [...sections, runtime].join("\n");
}

function databaseReport({ arena, table, index }: Database): string {
  const head =
    `Database ${index}: ${arena.usedBytes} bytes in blocks, ${arena.committedBytes} in pages, ` +
    `${table.sizeBytes} in the table, ${arena.objects.sizeBytes} in large values\n`;
  const rows = arena
    .classes()
    .map(({ blockBytes, pages, blocks, capacity }) =>
      [blockBytes, pages, blocks, capacity - blocks]
        .map((cell) => String(cell).padStart(12))
        .join(""),
    );
  const titles = ["block size", "pages", "used", "free"]
    .map((title) => title.padStart(12))
    .join("");
  return `${head}${[titles, ...rows].join("\n")}\n`;
}
