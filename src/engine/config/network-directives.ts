/** How clients reach the server. Ports: 0 means no such listener. */
import { addresses } from "./list-options.ts";
import { integer, octal, UINT_MAX, unsigned } from "./number-options.ts";
import { flag, optionalPath, optionalText } from "./word-options.ts";

export const networkDirectives = {
  bind: addresses(["*", "-::*"]),
  "bind-source-addr": optionalText(),
  port: integer(6379, { max: 65535 }),
  "tcp-backlog": integer(511, {
    immutable: true,
    withoutEffect: "the runtime decides the length of the accept queue",
  }),
  "tcp-keepalive": integer(300),
  timeout: integer(0),
  unixsocket: optionalPath({ immutable: true }),
  unixsocketperm: octal(0, { max: 0o777, immutable: true }),
  "protected-mode": flag(true),
  maxclients: unsigned(10000, { min: 1, max: UINT_MAX }),
  "socket-mark-id": unsigned(0, {
    max: UINT_MAX,
    immutable: true,
    withoutEffect: "the runtime does not mark sockets",
  }),
};
