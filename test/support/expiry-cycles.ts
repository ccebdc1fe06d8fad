/** Runs a cycle of active expiry from its beginning to its end, as the slices of a server would. */
import type { ExpiryCycle } from "../../src/keyspace/expiry.ts";
import type { FieldExpiryCycle } from "../../src/keyspace/field-expiry.ts";

type Cycle = ExpiryCycle | FieldExpiryCycle;

const HZ = 10;

export function runSlow(cycle: Cycle): void {
  cycle.beginSlow(HZ);
  while (cycle.isRunning) cycle.runSlice();
}

export function runFast(cycle: Cycle): void {
  cycle.beginFast();
  while (cycle.isRunning) cycle.runSlice();
}
