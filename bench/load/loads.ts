/** All loads, in the order in which they are measured. */
import type { BenchmarkLoad } from "./benchmark-load.ts";
import { COLLECTION_LOADS } from "./collection-loads.ts";
import { SESSION_LOADS } from "./session-loads.ts";
import { STRING_LOADS } from "./string-loads.ts";

export const LOADS: readonly BenchmarkLoad[] = [
  ...STRING_LOADS,
  ...COLLECTION_LOADS,
  ...SESSION_LOADS,
];
