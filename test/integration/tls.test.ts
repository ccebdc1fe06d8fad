/** TLS beside TCP, with certificates made for the test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { freePort, startServer } from "../support/server.ts";

const canTry = Bun.which("openssl") !== null && Bun.which("redis-cli") !== null;
if (!canTry) console.log("openssl or redis-cli is not installed: TLS is not tried.");

const dir = mkdtempSync(join(tmpdir(), "pedis-tls-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function openssl(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["openssl", ...args], { cwd: dir });
  if (exitCode !== 0) throw new Error(stderr.toString());
}

/** A key and a certificate for `name`, signed by the authority. */
function makeCertificate(name: string): void {
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    "/CN=localhost",
  );
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-out",
    `${name}.crt`,
  );
}

async function cli(port: number, ...args: string[]): Promise<string> {
  const tls = ["--tls", "--cacert", join(dir, "ca.crt"), "-h", "localhost", "-p", String(port)];
  const child = Bun.spawn(["timeout", "5", "redis-cli", ...tls, ...args], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const parts = [new Response(child.stdout).text(), new Response(child.stderr).text()];
  return (await Promise.all(parts)).join("");
}

const CLIENT = ["--cert", join(dir, "client.crt"), "--key", join(dir, "client.key")];

describe.skipIf(!canTry)("TLS", () => {
  beforeAll(() => {
    openssl(
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "2",
      "-subj",
      "/CN=Pedis test authority",
    );
    makeCertificate("server");
    makeCertificate("client");
  });

  test.each(["no", "yes"])(
    "tls-auth-clients %s",
    async (asks) => {
      const port = await freePort();
      await using server = await startServer({
        directives: [
          `tls-port ${port}`,
          `tls-cert-file ${join(dir, "server.crt")}`,
          `tls-key-file ${join(dir, "server.key")}`,
          `tls-ca-cert-file ${join(dir, "ca.crt")}`,
          `tls-auth-clients ${asks}`,
        ],
      });
      expect(await cli(port, ...CLIENT, "SET", "k", "v")).toBe("OK\n");
      expect(await cli(port, ...CLIENT, "GET", "k")).toBe("v\n");
      const without = await cli(port, "GET", "k");
      if (asks === "no") expect(without).toBe("v\n");
      else expect(without).not.toContain("v\n");
      await using plain = await server.connect();
      expect(await plain.value("GET", "k")).toBe("v");
    },
    30_000,
  );

  test("a certificate that is not there is a reason not to start", async () => {
    const port = await freePort();
    const directives = [`tls-port ${port}`, `tls-cert-file ${join(dir, "none.crt")}`];
    const problem = await startServer({ directives, startTimeoutMs: 4000 }).then(
      () => "started",
      (error: unknown) => String(error),
    );
    expect(problem).not.toBe("started");
  });
});
