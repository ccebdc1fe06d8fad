/** What the runtime tells of a socket, as Redis shows it. */

/**
 * `ip:port`, an IPv6 address in brackets; an IPv4 address mapped into IPv6 as itself. Of a socket
 * that is gone already the runtime has no address: nothing.
 */
export function addressText(address: string | undefined, port: number): string {
  if (address === undefined) return "";
  const plain = address.startsWith("::ffff:") ? address.slice(7) : address;
  return plain.includes(":") ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** The socket's descriptor, or -1 where the runtime does not tell. */
export function descriptorOf(socket: object | null): number {
  const fd: unknown = socket === null || !("fd" in socket) ? null : socket.fd;
  return typeof fd === "number" ? fd : -1;
}
