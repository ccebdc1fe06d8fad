/**
 * INFO's memory section. The "allocator" is the arena: what is handed out, the pages that are
 * taken for it, and the process as the operating system sees it.
 */
import { totalmem } from "node:os";
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";

export function memoryFields(engine: Engine): InfoField[] {
  const { memory, persistence } = engine;
  const { values } = engine.config;
  const used = memory.measure();
  const overhead = memory.overheadBytes();
  const resident = process.memoryUsage.rss();
  return [
    ...withHuman("used_memory", used),
    ...withHuman("used_memory_rss", resident),
    ...withHuman("used_memory_peak", memory.peakBytes),
    ["used_memory_peak_perc", percent(used, memory.peakBytes)],
    ["used_memory_overhead", overhead],
    ["used_memory_startup", memory.startupBytes],
    ["used_memory_dataset", used - overhead],
    ["used_memory_dataset_perc", percent(used - overhead, used - memory.startupBytes)],
    ["allocator_allocated", used],
    ["allocator_active", activeBytes(engine)],
    ["allocator_resident", resident],
    ...withHuman("total_system_memory", totalmem()),
    ...scriptFields(),
    ...withHuman("maxmemory", values.maxmemory),
    ["maxmemory_policy", values["maxmemory-policy"]],
    ...fragmentationFields(engine, used, resident),
    ["mem_not_counted_for_evict", persistence.bufferBytes],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_slaves", 0],
    ["mem_clients_normal", memory.clientBytes()],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", persistence.bufferBytes],
    ["mem_allocator", "pedis-arena"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", engine.context.reclaimer.pending],
    ["lazyfreed_objects", engine.context.reclaimer.freed],
  ];
}

/** What is in use, and what lies free in pages taken for small blocks. */
function activeBytes({ keyspace, memory }: Engine): number {
  let blocks = 0;
  for (const { arena } of keyspace.databases) blocks += arena.usedBytes;
  return memory.measure() - blocks + keyspace.committedBytes;
}

function scriptFields(): InfoField[] {
  return [
    ["used_memory_lua", 0],
    ["used_memory_vm_eval", 0],
    ["used_memory_lua_human", humanBytes(0)],
    ["used_memory_scripts_eval", 0],
    ["number_of_cached_scripts", 0],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["used_memory_vm_functions", 0],
    ["used_memory_vm_total", 0],
    ["used_memory_vm_total_human", humanBytes(0)],
    ["used_memory_functions", 0],
    ["used_memory_scripts", 0],
    ["used_memory_scripts_human", humanBytes(0)],
  ];
}

function fragmentationFields(engine: Engine, used: number, resident: number): InfoField[] {
  const active = activeBytes(engine);
  const ratio = (part: number, whole: number): string => (part / Math.max(1, whole)).toFixed(2);
  return [
    ["allocator_frag_ratio", ratio(active, used)],
    ["allocator_frag_bytes", active - used],
    ["allocator_rss_ratio", ratio(resident, active)],
    ["allocator_rss_bytes", resident - active],
    ["rss_overhead_ratio", ratio(resident, resident)],
    ["rss_overhead_bytes", 0],
    ["mem_fragmentation_ratio", ratio(resident, used)],
    ["mem_fragmentation_bytes", resident - used],
  ];
}

function withHuman(name: string, bytes: number): InfoField[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / Math.max(1, whole)).toFixed(2)}%`;
}

const UNITS = ["B", "K", "M", "G", "T", "P"];

/** 1536 as "1.50K" (bytesToHuman, util.c). */
export function humanBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${UNITS[unit]}`;
}
