/** Which version of the RDB format is written. */
import type { Keyspace } from "../keyspace/keyspace.ts";
import { RDB_VERSION_7_4 } from "./rdb-types.ts";

/** Those that can be written: Redis 7.0's, 7.2's and 7.4's. */
export type RdbVersion = 10 | 11 | 12;

/** The value of the directive `rdb-version` as a number. */
export function configuredVersion(value: "10" | "11" | "12"): RdbVersion {
  return Number(value) as RdbVersion;
}

/** The configured version, or the first that has fields with an expiry where any field has one. */
export function fileVersion(keyspace: Keyspace, configured: RdbVersion): RdbVersion {
  const isNeeded = keyspace.databases.some(({ expiringHashes }) => (expiringHashes?.size ?? 0) > 0);
  return isNeeded ? RDB_VERSION_7_4 : configured;
}
