/**
 * INFO's memory section. The "allocator" is the arena: what is handed out, the pages that are
 * taken for it, and the process as the operating system sees it.
 */
import { totalmem } from "node:os";
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";
import { measureMemory, ratio } from "./_memory-figures.ts";
import type { MemoryFigures } from "./_memory-figures.ts";

export function memoryFields(engine: Engine): InfoField[] {
  const { values } = engine.config;
  const memory = measureMemory(engine);
  const { usedBytes, peakBytes, datasetBytes, residentBytes } = memory;
  return [
    ...withHuman("used_memory", usedBytes),
    ...withHuman("used_memory_rss", residentBytes),
    ...withHuman("used_memory_peak", peakBytes),
    ["used_memory_peak_perc", percent(usedBytes, peakBytes)],
    ["used_memory_overhead", memory.overheadBytes],
    ["used_memory_startup", memory.startupBytes],
    ["used_memory_dataset", datasetBytes],
    ["used_memory_dataset_perc", percent(datasetBytes, memory.netBytes)],
    ["allocator_allocated", usedBytes],
    ["allocator_active", memory.activeBytes],
    ["allocator_resident", memory.keptBytes],
    ...withHuman("total_system_memory", totalmem()),
    ...scriptFields(),
    ...withHuman("maxmemory", values.maxmemory),
    ["maxmemory_policy", values["maxmemory-policy"]],
    ...fragmentationFields(memory),
    ["mem_not_counted_for_evict", engine.memory.notCountedBytes],
    ["mem_replication_backlog", memory.backlogBytes],
    ["mem_total_replication_buffers", engine.replication.bufferBytes],
    ["mem_clients_slaves", memory.replicaBytes],
    ["mem_clients_normal", memory.clientBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", memory.fileBufferBytes],
    ["mem_allocator", "pedis-arena"],
    ["active_defrag_running", engine.defrag.effortPercent],
    ["lazyfree_pending_objects", engine.context.reclaimer.pending],
    ["lazyfreed_objects", engine.context.reclaimer.freed],
  ];
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

function fragmentationFields(memory: MemoryFigures): InfoField[] {
  const { usedBytes, activeBytes, keptBytes, residentBytes } = memory;
  const text = (part: number, whole: number): string => ratio(part, whole).toFixed(2);
  return [
    ["allocator_frag_ratio", text(activeBytes, usedBytes)],
    ["allocator_frag_bytes", activeBytes - usedBytes],
    ["allocator_rss_ratio", text(keptBytes, activeBytes)],
    ["allocator_rss_bytes", keptBytes - activeBytes],
    ["rss_overhead_ratio", text(residentBytes, keptBytes)],
    ["rss_overhead_bytes", residentBytes - keptBytes],
    ["mem_fragmentation_ratio", text(residentBytes, usedBytes)],
    ["mem_fragmentation_bytes", residentBytes - usedBytes],
  ];
}

function withHuman(name: string, bytes: number): InfoField[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

function percent(part: number, whole: number): string {
  return `${(100 * ratio(part, whole)).toFixed(2)}%`;
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
