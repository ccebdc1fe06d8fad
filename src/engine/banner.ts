/** What the executable prints about itself. */
import { PEDIS_VERSION, REDIS_VERSION } from "../base/version.ts";

export function versionText(): string {
  return `Redis server v=${REDIS_VERSION} pedis=${PEDIS_VERSION} bun=${Bun.version} bits=64\n`;
}

export function helpText(): string {
  return [
    "Usage: ./pedis-server [/path/to/redis.conf] [options] [-]",
    "       ./pedis-server - (read config from stdin)",
    "       ./pedis-server -v or --version",
    "       ./pedis-server -h or --help",
    "",
    "Every directive of redis.conf can be given as an option, its values behind it.",
    "",
    "Examples:",
    "       ./pedis-server (run the server with default conf)",
    "       echo 'maxmemory 128mb' | ./pedis-server -",
    "       ./pedis-server /etc/redis/6379.conf",
    "       ./pedis-server --port 7777 --appendonly yes",
    "       ./pedis-server /etc/myredis.conf --loglevel verbose -",
    "",
  ].join("\n");
}

/** The greeting of an interactive start; tools look for its PID line. */
export function logoText(port: number, pid: number): string {
  return [
    "",
    "     .--------.",
    `    /  pedis  /|     Pedis ${PEDIS_VERSION} (speaks Redis ${REDIS_VERSION}) 64 bit`,
    "   .--------. |",
    "   |  key   | |     Running in standalone mode",
    `   |  value | .     Port: ${port}`,
    `   |________|/      PID: ${pid}`,
    "",
    "",
  ].join("\n");
}
