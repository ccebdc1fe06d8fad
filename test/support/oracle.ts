/**
 * The oracle: Debian's redis-server 7.0.15, whose replies Pedis must match byte by byte wherever
 * Redis 7.2 did not change them. It is looked for on PATH; another version is no oracle.
 */
import type { Program } from "./server.ts";

export const ORACLE_VERSION = "7.0.15";

let found: Program | null | undefined;

/** The oracle's program, or null where it is not installed. */
export function findOracle(): Program | null {
  found ??= lookForOracle();
  return found;
}

function lookForOracle(): Program | null {
  const path = Bun.which("redis-server");
  if (path === null) return null;
  const version = Bun.spawnSync([path, "--version"]).stdout.toString();
  if (!version.includes(`v=${ORACLE_VERSION} `)) return null;
  return { name: "redis", command: [path] };
}
