/** Certificates and keys are volatile: setting the same file name again loads the file again. */
import { integer } from "./number-options.ts";
import { choice, flag, optionalPath, optionalText } from "./word-options.ts";

export const tlsDirectives = {
  "tls-port": integer(0, { max: 65535 }),
  "tls-cert-file": optionalPath({ volatile: true }),
  "tls-key-file": optionalPath({ volatile: true }),
  "tls-key-file-pass": optionalText({ sensitive: true }),
  "tls-client-cert-file": optionalPath({ volatile: true }),
  "tls-client-key-file": optionalPath({ volatile: true }),
  "tls-client-key-file-pass": optionalText({ sensitive: true }),
  "tls-dh-params-file": optionalPath({ volatile: true }),
  "tls-ca-cert-file": optionalPath({ volatile: true }),
  "tls-ca-cert-dir": optionalPath({ volatile: true }),
  "tls-auth-clients": choice(["no", "yes", "optional"], "yes"),
  "tls-replication": flag(false),
  "tls-cluster": flag(false),
  "tls-protocols": optionalText(),
  "tls-ciphers": optionalText(),
  "tls-ciphersuites": optionalText(),
  "tls-prefer-server-ciphers": flag(false),
  "tls-session-caching": flag(true),
  "tls-session-cache-size": integer(20480),
  "tls-session-cache-timeout": integer(300),
};
