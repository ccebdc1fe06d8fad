/**
 * Where memory goes, for INFO and MEMORY: what is in use, what Pedis's own allocator (the arena)
 * has taken for it, and what the operating system sees of the process.
 */
import type { Engine } from "../../engine/engine.ts";

export interface DatabaseFigures {
  readonly index: number;
  readonly keys: number;
  readonly tableBytes: number;
  /** What finding the hashes whose fields expire costs. */
  readonly expiryBytes: number;
}

export interface MemoryFigures {
  readonly usedBytes: number;
  readonly peakBytes: number;
  readonly startupBytes: number;
  /** All but keys and values themselves. */
  readonly overheadBytes: number;
  readonly datasetBytes: number;
  /** Used since the start, at least 1. */
  readonly netBytes: number;
  /** Of clients that are no replicas, */
  readonly clientBytes: number;
  /** of replicas, with what is kept of the stream for them alone, and of the rest of the stream. */
  readonly replicaBytes: number;
  readonly backlogBytes: number;
  readonly fileBufferBytes: number;
  /** What is in use, and what lies free in pages taken for small blocks and in buffers. */
  readonly activeBytes: number;
  /** That, and pages that were used and are kept, or are about to be given back. */
  readonly keptBytes: number;
  /** Of the process: beyond `keptBytes` it is the runtime. */
  readonly residentBytes: number;
  /** Those that hold keys. */
  readonly databases: readonly DatabaseFigures[];
}

export function measureMemory(engine: Engine): MemoryFigures {
  const { keyspace, memory, persistence, replication } = engine;
  const usedBytes = memory.measure();
  const overheadBytes = memory.overheadBytes();
  const { bufferBytes, laggingBytes } = replication;
  const replicaClientBytes = memory.replicaBytes();
  return {
    usedBytes,
    peakBytes: memory.peakBytes,
    startupBytes: memory.startupBytes,
    overheadBytes,
    datasetBytes: usedBytes - overheadBytes,
    netBytes: Math.max(1, usedBytes - memory.startupBytes),
    clientBytes: memory.clientBytes() - replicaClientBytes,
    replicaBytes: replicaClientBytes + laggingBytes,
    backlogBytes: bufferBytes - laggingBytes,
    fileBufferBytes: persistence.bufferBytes,
    activeBytes: usedBytes + freeBytes(engine),
    keptBytes: usedBytes + freeBytes(engine) + idleBytes(engine),
    residentBytes: process.memoryUsage.rss(),
    databases: keyspace.databases
      .filter(({ size }) => size > 0)
      .map(({ index, size, table, expiringHashes }) => ({
        index,
        keys: size,
        tableBytes: table.sizeBytes,
        expiryBytes: expiringHashes?.sizeBytes ?? 0,
      })),
  };
}

function freeBytes({ keyspace, reply }: Engine): number {
  let blocks = 0;
  for (const { arena } of keyspace.databases) blocks += arena.usedBytes;
  return keyspace.committedBytes - blocks + reply.bytes.length - reply.at;
}

function idleBytes({ context, keyspace }: Engine): number {
  return keyspace.touchedBytes - keyspace.committedBytes + context.reclaimer.keptBytes;
}

export function ratio(part: number, whole: number): number {
  return part / Math.max(1, whole);
}
