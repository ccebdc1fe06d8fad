/** What the checks before a command rely on. */
import { expect, test } from "bun:test";
import * as admission from "../../../src/engine/admission.ts";

test("no two gates share a bit", () => {
  const gates = Object.entries(admission).flatMap(([name, value]) =>
    name.startsWith("GATE_") ? [Number(value)] : [],
  );
  expect(gates.length).toBeGreaterThan(5);
  expect(new Set(gates).size).toBe(gates.length);
  for (const gate of gates) expect(Math.log2(gate)).toBeInteger();
});
