/** MEMORY DOCTOR: what looks unhealthy about the memory in use, in words, and what may help. */
import type { Engine } from "../../engine/engine.ts";
import { measureMemory, ratio } from "./_memory-figures.ts";
import type { MemoryFigures } from "./_memory-figures.ts";

/** Below this nothing can be said (getMemoryDoctorReport, object.c, as all limits here). */
const TOO_SMALL_BYTES = 5 * 1024 * 1024;
const MUCH_BYTES = 10 * 1024 * 1024;
const CLIENT_BYTES = 200 * 1024;
const REPLICA_BYTES = 10 * 1024 * 1024;

interface Finding {
  readonly isFound: (memory: MemoryFigures, clients: number) => boolean;
  readonly text: string;
}

const FINDINGS: readonly Finding[] = [
  {
    isFound: ({ peakBytes, usedBytes }) => ratio(peakBytes, usedBytes) > 1.5,
    text:
      "Peak: there was a time when more than one and a half times as much was in use as now. " +
      "What was freed since is kept for what comes, so the process looks larger than its data.",
  },
  {
    isFound: ({ residentBytes, usedBytes }) =>
      ratio(residentBytes, usedBytes) > 1.4 && residentBytes - usedBytes > MUCH_BYTES,
    text:
      "Resident size: the process takes more than 1.4 times what is in use. Some tens of " +
      "megabytes of it are the runtime; the rest is free space left by a peak or between blocks. " +
      "MEMORY PURGE gives back what the runtime holds for nothing.",
  },
  {
    isFound: ({ activeBytes, usedBytes }) =>
      ratio(activeBytes, usedBytes) > 1.1 && activeBytes - usedBytes > MUCH_BYTES,
    text:
      "Fragmentation: more than a tenth of the pages taken for small blocks lies free. New keys " +
      "fill it; MEMORY MALLOC-STATS shows which sizes of blocks it is.",
  },
  {
    isFound: ({ clientBytes }, clients) => clientBytes / Math.max(1, clients) > CLIENT_BYTES,
    text:
      "Clients: they hold more than 200 KB each on average. Look in CLIENT LIST (tot-mem, omem, " +
      "qbuf) for those that read slowly or send large requests; maxmemory-clients and " +
      "client-output-buffer-limit close them.",
  },
  {
    isFound: ({ replicaBytes }) => replicaBytes > REPLICA_BYTES,
    text:
      "Replicas: more than 10 MB is kept for those that do not keep up. Look at their offsets in " +
      "INFO replication, and at the network between; client-output-buffer-limit closes them.",
  },
];

export function memoryReport(engine: Engine): string {
  const memory = measureMemory(engine);
  if (memory.usedBytes < TOO_SMALL_BYTES) {
    return "Less than 5 MB is in use: too little to judge. Ask again when there is data.\n";
  }
  const found = FINDINGS.filter(({ isFound }) => isFound(memory, engine.clients.count));
  if (found.length === 0) return "Nothing is wrong with the memory in use.\n";
  return `What to look at:\n\n${found.map(({ text }) => `* ${text}\n`).join("\n")}`;
}
