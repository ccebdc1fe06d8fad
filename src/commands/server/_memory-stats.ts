/** MEMORY STATS: the figures of INFO's memory section, under names of their own. */
import type { Call } from "../../engine/call.ts";
import { measureMemory, ratio } from "./_memory-figures.ts";
import type { MemoryFigures } from "./_memory-figures.ts";

export function replyMemoryStats(call: Call): void {
  const { reply } = call;
  const memory = measureMemory(call.engine);
  const totals = totalFields(memory);
  const details = detailFields(memory);
  reply.map(totals.length + memory.databases.length + details.length);
  replyFields(call, totals);
  for (const { index, tableBytes, expiryBytes } of memory.databases) {
    reply.bulkText(`db.${index}`);
    reply.map(3);
    replyFields(call, [
      ["overhead.hashtable.main", tableBytes],
      // A key's expiry is in its entry; this is for hashes whose fields expire. No cluster.
      ["overhead.hashtable.expires", expiryBytes],
      ["overhead.hashtable.slot-to-keys", 0],
    ]);
  }
  replyFields(call, details);
}

type Field = readonly [name: string, value: number];

function totalFields(memory: MemoryFigures): Field[] {
  return [
    ["peak.allocated", memory.peakBytes],
    ["total.allocated", memory.usedBytes],
    ["startup.allocated", memory.startupBytes],
    ["replication.backlog", memory.backlogBytes],
    ["clients.slaves", memory.replicaBytes],
    ["clients.normal", memory.clientBytes],
    ["cluster.links", 0],
    ["aof.buffer", memory.fileBufferBytes],
    ["lua.caches", 0],
    ["functions.caches", 0],
  ];
}

function detailFields(memory: MemoryFigures): Field[] {
  const { usedBytes, activeBytes, keptBytes, residentBytes } = memory;
  const keys = memory.databases.reduce((sum, database) => sum + database.keys, 0);
  return [
    ["overhead.total", memory.overheadBytes],
    ["keys.count", keys],
    ["keys.bytes-per-key", keys === 0 ? 0 : Math.floor(memory.netBytes / keys)],
    ["dataset.bytes", memory.datasetBytes],
    ["dataset.percentage", 100 * ratio(memory.datasetBytes, memory.netBytes)],
    ["peak.percentage", 100 * ratio(usedBytes, memory.peakBytes)],
    ["allocator.allocated", usedBytes],
    ["allocator.active", activeBytes],
    ["allocator.resident", keptBytes],
    ["allocator-fragmentation.ratio", ratio(activeBytes, usedBytes)],
    ["allocator-fragmentation.bytes", activeBytes - usedBytes],
    ["allocator-rss.ratio", ratio(keptBytes, activeBytes)],
    ["allocator-rss.bytes", keptBytes - activeBytes],
    ["rss-overhead.ratio", ratio(residentBytes, keptBytes)],
    ["rss-overhead.bytes", residentBytes - keptBytes],
    ["fragmentation", ratio(residentBytes, usedBytes)],
    ["fragmentation.bytes", residentBytes - usedBytes],
  ];
}

/** Bytes and counts are integers, the others doubles. */
const RATIO = /(percentage|ratio|^fragmentation)$/;

function replyFields({ reply }: Call, fields: readonly Field[]): void {
  for (const [name, value] of fields) {
    reply.bulkText(name);
    if (RATIO.test(name)) reply.double(value);
    else reply.integer(value);
  }
}
