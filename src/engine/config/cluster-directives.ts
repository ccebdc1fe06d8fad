/** Cluster mode, which is not there: its directives are known and shown. */
import { integer, LONG_MAX, ULONG_MAX, unsignedMemory } from "./number-options.ts";
import { choice, flag, optionalText, path } from "./word-options.ts";

export const clusterDirectives = {
  "cluster-enabled": flag(false, { immutable: true }),
  "cluster-config-file": path("nodes.conf", {
    immutable: true,
    check: (name) => (name === "" ? "cluster-config-file can't be empty" : null),
  }),
  "cluster-port": integer(0, { max: 65535, immutable: true }),
  "cluster-node-timeout": integer(15000, { max: LONG_MAX }),
  "cluster-replica-validity-factor": integer(10, { aliases: ["cluster-slave-validity-factor"] }),
  "cluster-replica-no-failover": flag(false, { aliases: ["cluster-slave-no-failover"] }),
  "cluster-migration-barrier": integer(1),
  "cluster-allow-replica-migration": flag(true),
  "cluster-require-full-coverage": flag(true),
  "cluster-allow-reads-when-down": flag(false),
  "cluster-allow-pubsubshard-when-down": flag(true),
  "cluster-link-sendbuf-limit": unsignedMemory(0, { max: ULONG_MAX }),
  "cluster-announce-ip": optionalText(),
  "cluster-announce-port": integer(0, { max: 65535 }),
  "cluster-announce-tls-port": integer(0, { max: 65535 }),
  "cluster-announce-bus-port": integer(0, { max: 65535 }),
  "cluster-announce-hostname": optionalText({ check: checkHostName }),
  "cluster-announce-human-nodename": optionalText({ check: checkNodeName }),
  "cluster-preferred-endpoint-type": choice(["ip", "hostname", "unknown-endpoint"], "ip"),
};

const MAX_HOST_NAME_BYTES = 256;

function checkHostName(name: string): string | null {
  if (name.length >= MAX_HOST_NAME_BYTES) {
    return `Hostnames must be less than ${MAX_HOST_NAME_BYTES} characters`;
  }
  if (/^[A-Za-z0-9.-]*$/.test(name)) return null;
  return "Hostnames may only contain alphanumeric characters, hyphens or dots";
}

/** The name travels in nodes.conf and on the cluster bus, where these characters have a meaning. */
function checkNodeName(name: string): string | null {
  if (!/[!#$%&()*+:;<>?@[\]^{|}~]/.test(name)) return null;
  return "Announced human node name contained invalid character";
}
