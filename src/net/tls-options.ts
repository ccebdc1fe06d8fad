/** TLS for listeners and for what the server connects to, from the `tls-…` directives. */
import { constants } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { TLSOptions } from "bun";
import type { Disk } from "../base/disk.ts";
import type { ConfigValues } from "../engine/config/directives.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";

/** CONFIG SET of any of these makes the listeners anew. */
export const TLS_DIRECTIVES = [
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-auth-clients",
  "tls-protocols",
  "tls-ciphers",
  "tls-prefer-server-ciphers",
] as const;

const NO_AUTHORITY =
  "Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, " +
  "tls-replication or tls-auth-clients are enabled!";
const BAD_PROTOCOLS =
  "Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and " +
  "'TLSv1.3'.";
/** The name that a certificate has in a directory of authorities: its subject's hash. */
const HASHED_NAME = /^[0-9a-f]{8}\.\d+$/;
const WITHOUT_PROTOCOL = new Map([
  ["tlsv1", constants.SSL_OP_NO_TLSv1],
  ["tlsv1.1", constants.SSL_OP_NO_TLSv1_1],
  ["tlsv1.2", constants.SSL_OP_NO_TLSv1_2],
  ["tlsv1.3", constants.SSL_OP_NO_TLSv1_3],
]);
const DEFAULT_PROTOCOLS = "TLSv1.2 TLSv1.3";

/** The runtime's options, or why they cannot be had. */
export function readTlsOptions(values: ConfigValues, disk: Disk): TLSOptions | string {
  const certificatePath = values["tls-cert-file"];
  const keyPath = values["tls-key-file"];
  const asksClients = values["tls-auth-clients"];
  if (certificatePath === null) return "No tls-cert-file configured!";
  if (keyPath === null) return "No tls-key-file configured!";
  const hasAuthority = values["tls-ca-cert-file"] !== null || values["tls-ca-cert-dir"] !== null;
  if (!hasAuthority && asksClients !== "no") return NO_AUTHORITY;
  const secureOptions = optionBits(values);
  if (secureOptions === null) return BAD_PROTOCOLS;
  const certificate = read(disk, "certificate", certificatePath);
  if (typeof certificate === "string") return certificate;
  const key = read(disk, "private key", keyPath);
  if (typeof key === "string") return key;
  const authorities = readAuthorities(values, disk);
  if (typeof authorities === "string") return authorities;
  const options: TLSOptions = {
    cert: certificate,
    key,
    requestCert: asksClients !== "no",
    rejectUnauthorized: asksClients === "yes",
    secureOptions,
  };
  if (hasAuthority) options.ca = authorities;
  const ciphers = values["tls-ciphers"];
  if (ciphers !== null) options.ciphers = ciphers;
  const passphrase = values["tls-key-file-pass"];
  if (passphrase !== null) options.passphrase = passphrase;
  return problemOf(options, values) ?? options;
}

/**
 * The same for connections that the server opens: with its own certificate, unless there is one for
 * that. Whether an authority vouches for the other side is for whoever connects to look at.
 */
export function readClientTlsOptions(values: ConfigValues, disk: Disk): TLSOptions | string {
  const options = readTlsOptions(values, disk);
  if (typeof options === "string") return options;
  if (options.ca === undefined) return NO_AUTHORITY;
  const client: TLSOptions = {
    ...options,
    requestCert: true,
    rejectUnauthorized: false,
  };
  const certificatePath = values["tls-client-cert-file"];
  const keyPath = values["tls-client-key-file"];
  if (certificatePath === null || keyPath === null) return client;
  const certificate = read(disk, "certificate", certificatePath);
  if (typeof certificate === "string") return certificate;
  const key = read(disk, "private key", keyPath);
  if (typeof key === "string") return key;
  const passphrase = values["tls-client-key-file-pass"];
  Object.assign(client, { cert: certificate, key });
  if (passphrase === null) delete client.passphrase;
  else client.passphrase = passphrase;
  return client;
}

/** The file, or why it cannot be read. */
function read(disk: Disk, what: string, path: string): Uint8Array | string {
  let reason = "No such file or directory";
  try {
    const content = disk.readFile(path);
    if (content !== null) return content;
  } catch (error) {
    reason = systemErrorText(error);
  }
  return `Failed to load ${what}: ${path}: ${reason}`;
}

function readAuthorities(values: ConfigValues, disk: Disk): Uint8Array[] | string {
  const file = values["tls-ca-cert-file"];
  const paths = file === null ? [] : [file];
  const directory = values["tls-ca-cert-dir"];
  if (directory !== null && disk.isDirectory(directory)) {
    const names = disk.list(directory).filter((name) => HASHED_NAME.test(name));
    paths.push(...names.map((name) => `${directory}/${name}`));
  }
  const found: Uint8Array[] = [];
  for (const path of paths) {
    const authority = read(disk, "CA certificate(s)", path);
    if (typeof authority === "string") return authority;
    found.push(authority);
  }
  return found;
}

/** Null: no such protocol. */
function optionBits(values: ConfigValues): number | null {
  const wanted = (values["tls-protocols"] ?? DEFAULT_PROTOCOLS).toLowerCase().split(/\s+/);
  if (!wanted.every((name) => WITHOUT_PROTOCOL.has(name))) return null;
  let bits = values["tls-prefer-server-ciphers"] ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE : 0;
  for (const [name, bit] of WITHOUT_PROTOCOL) if (!wanted.includes(name)) bits |= bit;
  return bits;
}

/** What the TLS library says against the options, known before a listener is touched. */
function problemOf(options: TLSOptions, values: ConfigValues): string | null {
  const { cert, key, ca, passphrase, ciphers } = options as ContextOptions;
  const context = { cert, key, passphrase };
  try {
    createSecureContext(context);
  } catch (error) {
    const file = values["tls-cert-file"] ?? "";
    return `Failed to load certificate: ${file}: ${String(error)}`;
  }
  try {
    createSecureContext({ ...context, ca });
  } catch (error) {
    return `Failed to configure CA certificate(s) file/directory: ${String(error)}`;
  }
  try {
    createSecureContext({ ...context, ciphers });
  } catch {
    return `Failed to configure ciphers: ${ciphers ?? ""}`;
  }
  return null;
}

interface ContextOptions {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer[] | undefined;
  readonly passphrase: string | undefined;
  readonly ciphers: string | undefined;
}
