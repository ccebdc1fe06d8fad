/**
 * The sockets that clients connect to: TCP on each bound address, TLS beside it, a unix socket.
 * A listener that cannot be opened is an error text in Redis's wording; opening again with other
 * settings first opens the new ones, so that a refused change leaves the old ones as they were.
 */
import type { Socket, SocketHandler, TLSOptions, UnixSocketListener } from "bun";
import { type Disk, errorCode } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Connection } from "./connection.ts";
import type { Gateway } from "./gateway.ts";

/** Room for a path in sockaddr_un. */
const UNIX_PATH_BYTES = 108;

export type ListenerKind = "tcp" | "tls" | "unix";

interface OpenListener {
  readonly kind: "tcp" | "tls";
  readonly host: string;
  readonly port: number;
  stop(closesClients: boolean): void;
}

export interface ListenSettings {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly tlsPort: number;
  readonly tls: TLSOptions | null;
}

export class Listeners {
  private readonly gateway: Gateway;
  private readonly disk: Disk;
  /** By kind, address and port. */
  private open = new Map<string, OpenListener>();
  private tls: TLSOptions | null = null;
  private unix: UnixSocketListener<Connection> | null = null;

  constructor(gateway: Gateway, disk: Disk) {
    this.gateway = gateway;
    this.disk = disk;
  }

  /** The kinds that are open, each once, in the order in which Redis reports them. */
  get kinds(): ListenerKind[] {
    const kinds = new Set([...this.open.values()].map((listener) => listener.kind));
    const ordered: ListenerKind[] = [];
    if (kinds.has("tcp")) ordered.push("tcp");
    if (this.unix !== null) ordered.push("unix");
    if (kinds.has("tls")) ordered.push("tls");
    return ordered;
  }

  /**
   * Opens what the settings ask for and closes the rest; null, or why that failed, all being as
   * before. A socket that stays is left alone.
   */
  listen(settings: ListenSettings): string | null {
    const wanted = new Map<string, OpenListener>();
    const fresh: OpenListener[] = [];
    const changesTls = !Bun.deepEquals(settings.tls, this.tls);
    // The same address can't be bound twice: with other certificates the old one makes room.
    const replaced = changesTls ? this.closeTls() : [];
    const problem =
      this.openPort(settings, "tcp", wanted, fresh) ??
      this.openPort(settings, "tls", wanted, fresh);
    if (problem !== null) {
      for (const listener of fresh) listener.stop(false);
      for (const { host, port } of replaced) {
        this.open.set(`tls ${host} ${port}`, this.openAddress(host, port, this.tls));
      }
      return problem;
    }
    for (const [key, listener] of this.open) if (!wanted.has(key)) listener.stop(false);
    this.open = wanted;
    this.tls = settings.tls;
    return null;
  }

  /** Opens the unix socket at `path`, replacing one left there by an earlier process. */
  listenUnix(path: string, mode: number): string | null {
    const length = Buffer.byteLength(path);
    if (length >= UNIX_PATH_BYTES) {
      const limit = `must be under ${UNIX_PATH_BYTES}`;
      return `Failed opening Unix socket: unix socket path too long (${length}), ${limit}`;
    }
    try {
      if (this.disk.exists(path)) this.disk.remove(path);
      this.unix = Bun.listen<Connection>({
        unix: path,
        allowHalfOpen: true,
        socket: this.handlers("unix"),
      });
      if (mode !== 0) this.disk.changeMode(path, mode);
      return null;
    } catch (error) {
      return `Failed opening Unix socket: bind: ${systemErrorText(error)}`;
    }
  }

  close(unixPath: string | null): void {
    for (const listener of this.open.values()) listener.stop(false);
    this.open.clear();
    if (this.unix === null) return;
    this.unix.stop(false);
    this.unix = null;
    if (unixPath !== null && this.disk.exists(unixPath)) this.disk.remove(unixPath);
  }

  private closeTls(): OpenListener[] {
    const closed: OpenListener[] = [];
    for (const [key, listener] of this.open) {
      if (listener.kind !== "tls") continue;
      listener.stop(false);
      this.open.delete(key);
      closed.push(listener);
    }
    return closed;
  }

  private openPort(
    settings: ListenSettings,
    kind: "tcp" | "tls",
    wanted: Map<string, OpenListener>,
    fresh: OpenListener[],
  ): string | null {
    const port = kind === "tls" ? settings.tlsPort : settings.port;
    if (port === 0) return null;
    for (const address of settings.addresses) {
      // A '-' before the address: it may be missing on this machine.
      const isOptional = address.startsWith("-");
      const host = isOptional ? address.slice(1) : address;
      const key = `${kind} ${host} ${port}`;
      const standing = this.open.get(key);
      if (standing !== undefined) {
        wanted.set(key, standing);
        continue;
      }
      try {
        const listener = this.openAddress(host, port, kind === "tls" ? settings.tls : null);
        wanted.set(key, listener);
        fresh.push(listener);
      } catch (error) {
        const reason = bindProblem(error);
        this.gateway.engine.log.warning(
          `Warning: Could not create server TCP listening socket ${host}:${port}: ${reason}`,
        );
        if (isAbsent(error, isOptional)) continue;
        return `Failed listening on port ${port} (${kind}), aborting.`;
      }
    }
    return null;
  }

  private openAddress(host: string, port: number, tls: TLSOptions | null): OpenListener {
    const kind = tls === null ? "tcp" : "tls";
    const isOptional = tls?.requestCert === true && tls.rejectUnauthorized === false;
    const options = {
      hostname: host === "*" ? "0.0.0.0" : host === "::*" ? "::" : host,
      port,
      // Otherwise "::" takes IPv4 too, which "*" beside it has taken.
      ipv6Only: host.includes(":"),
      allowHalfOpen: true,
      // Without a `handshake` handler, `open` comes when the handshake is complete.
      socket: this.handlers(kind, isOptional),
    };
    const listener = Bun.listen<Connection>(tls === null ? options : { ...options, tls });
    return { kind, host, port, stop: (closesClients) => listener.stop(closesClients) };
  }

  /** With `checksShown`, a certificate need not be shown, but one that is must be valid. */
  private handlers(kind: ListenerKind, checksShown = false): SocketHandler<Connection> {
    const gateway = this.gateway;
    const guarded = (run: () => void): void => {
      try {
        run();
      } catch (error) {
        gateway.crashed(error);
      }
    };
    return {
      binaryType: "uint8array",
      open: (socket: Socket<Connection>) =>
        guarded(() => {
          if (checksShown && !socket.authorized && hasCertificate(socket)) socket.end();
          else gateway.accept(socket, kind);
        }),
      data(socket: Socket<Connection>, chunk: Uint8Array) {
        try {
          socket.data?.receive(chunk);
        } catch (error) {
          gateway.crashed(error);
        }
      },
      drain: (socket: Socket<Connection>) => guarded(() => socket.data?.drained()),
      end: (socket: Socket<Connection>) =>
        guarded(() => {
          const connection: Connection | undefined = socket.data;
          if (connection === undefined) socket.end();
          else connection.endInput();
        }),
      close: (socket: Socket<Connection>) => guarded(() => gateway.gone(socket)),
      // What broke a connection needs no answer: `close` follows.
      error() {},
    };
  }
}

/** Whether the peer showed a certificate. */
function hasCertificate(socket: Socket<Connection>): boolean {
  const certificate: object | null | undefined = socket.getPeerCertificate();
  return Object.keys(certificate ?? {}).length > 0;
}

/** An address that this machine need not have, or of a family that it lacks. */
function isAbsent(error: unknown, isOptional: boolean): boolean {
  const code = errorCode(error);
  if (code === "EADDRNOTAVAIL") return isOptional;
  return code === "EAFNOSUPPORT" || code === "EPROTONOSUPPORT";
}

/** The runtime gives no code where it can't resolve a name. */
function bindProblem(error: unknown): string {
  return errorCode(error) === "" ? "Name or service not known" : `bind: ${systemErrorText(error)}`;
}
