/** TLS for listeners, from the `tls-…` directives. */
import type { TLSOptions } from "bun";
import type { Disk } from "../base/disk.ts";
import type { ConfigValues } from "../engine/config/directives.ts";

const NO_AUTHORITY =
  "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, " +
  "tls-replication or tls-auth-clients are enabled!";

/** The runtime's options, or why they cannot be had. */
export function readTlsOptions(values: ConfigValues, disk: Disk): TLSOptions | string {
  const certificatePath = values["tls-cert-file"];
  const keyPath = values["tls-key-file"];
  const authorityPath = values["tls-ca-cert-file"];
  const asksClients = values["tls-auth-clients"];
  if (certificatePath === null) return "No tls-cert-file configured!";
  if (keyPath === null) return "No tls-key-file configured!";
  if (authorityPath === null && asksClients !== "no") {
    return NO_AUTHORITY;
  }
  const certificate = disk.readFile(certificatePath);
  if (certificate === null) return `Failed to load certificate: ${certificatePath}`;
  const key = disk.readFile(keyPath);
  if (key === null) return `Failed to load private key: ${keyPath}`;
  const options: TLSOptions = {
    cert: certificate,
    key,
    requestCert: asksClients !== "no",
    rejectUnauthorized: asksClients === "yes",
  };
  const passphrase = values["tls-key-file-pass"];
  if (passphrase !== null) options.passphrase = passphrase;
  if (authorityPath !== null) {
    const authority = disk.readFile(authorityPath);
    if (authority === null) return `Failed to load CA certificate(s): ${authorityPath}`;
    options.ca = authority;
  }
  return options;
}
