/** Certificates and keys are volatile: setting the same file name again loads the file again. */
import { integer } from "./number-options.ts";
import { choice, flag, optionalPath, optionalText } from "./word-options.ts";

const SESSIONS = "the runtime decides how long TLS sessions may be resumed";

export const tlsDirectives = {
  "tls-port": integer(0, { max: 65535 }),
  "tls-cert-file": optionalPath({ volatile: true }),
  "tls-key-file": optionalPath({ volatile: true }),
  "tls-key-file-pass": optionalText({ sensitive: true }),
  "tls-client-cert-file": optionalPath({ volatile: true }),
  "tls-client-key-file": optionalPath({ volatile: true }),
  "tls-client-key-file-pass": optionalText({ sensitive: true }),
  "tls-dh-params-file": optionalPath({
    volatile: true,
    withoutEffect: "the runtime's TLS knows Diffie-Hellman on elliptic curves only",
  }),
  "tls-ca-cert-file": optionalPath({ volatile: true }),
  "tls-ca-cert-dir": optionalPath({ volatile: true }),
  "tls-auth-clients": choice(["no", "yes", "optional"], "yes"),
  "tls-replication": flag(false),
  "tls-cluster": flag(false),
  "tls-protocols": optionalText(),
  "tls-ciphers": optionalText(),
  "tls-ciphersuites": optionalText({
    withoutEffect: "the runtime chooses among the cipher suites of TLS 1.3",
  }),
  "tls-prefer-server-ciphers": flag(false),
  "tls-session-caching": flag(true, { withoutEffect: SESSIONS }),
  "tls-session-cache-size": integer(20480, { withoutEffect: SESSIONS }),
  "tls-session-cache-timeout": integer(300, { withoutEffect: SESSIONS }),
};
