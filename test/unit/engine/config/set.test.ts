import { describe, expect, test } from "bun:test";
import { setUp } from "./_setup.ts";

const CLIENT = { isLoading: false, isLocal: true };

function failure(name: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${name}') - ${reason}`;
}

describe("values", () => {
  test("are plain typed fields that follow CONFIG SET", () => {
    const { config } = setUp();
    expect(config.values.appendfsync).toBe("everysec");
    const pairs = ["appendfsync", "ALWAYS", "maxmemory", "1gb", "maxmemory-clients", "5%"];
    expect(config.set(pairs, CLIENT)).toBeNull();
    expect(config.values.appendfsync).toBe("always");
    expect(config.values.maxmemory).toBe(2 ** 30);
    expect(config.values["maxmemory-clients"]).toBe(-5);
    expect(config.get(["appendfsync", "maxmemory", "maxmemory-clients"])).toEqual(
      "appendfsync always maxmemory 1073741824 maxmemory-clients 5%".split(" "),
    );
  });

  test("of several arguments have a shape", () => {
    const { config } = setUp();
    const limits = "replica 1kb 2 3 normal 5 6 7";
    config.set(["save", "900 1 60 5", "client-output-buffer-limit", limits], CLIENT);
    expect(config.values.save).toEqual([
      { seconds: 900, changes: 1 },
      { seconds: 60, changes: 5 },
    ]);
    const { normal, replica, pubsub } = config.values["client-output-buffer-limit"];
    expect(normal).toEqual({ hard: 5, soft: 6, softSeconds: 7 });
    expect(replica).toEqual({ hard: 1024, soft: 2, softSeconds: 3 });
    expect(pubsub).toEqual({ hard: 33554432, soft: 8388608, softSeconds: 60 });
    expect(config.set(["shutdown-on-sigterm", "force NOSAVE"], CLIENT)).toBeNull();
    expect(config.values["shutdown-on-sigterm"]).toEqual(["nosave", "force"]);
  });

  test("beyond 2^53 keep an exact text", () => {
    const { config } = setUp();
    config.set(["slowlog-log-slower-than", "9223372036854775807"], CLIENT);
    expect(config.get(["slowlog-log-slower-than"])[1]).toBe("9223372036854775807");
    expect(config.values["slowlog-log-slower-than"]).toBe(2 ** 63);
  });

  test("that are paths are decoded, passwords are bytes", () => {
    const { config, load } = setUp();
    const options = 'logfile "\\xc3\\xa9.log"\nrequirepass "\\x00\\xff"';
    expect(load({ options })).toBeNull();
    expect(config.values.logfile).toBe("é.log");
    expect(config.get(["logfile"])).toEqual(["logfile", "\u00c3\u00a9.log"]);
    expect(config.values.requirepass).toBe("\0\u00ff");
  });
});

describe("CONFIG GET", () => {
  test("takes several patterns, finds every option once and repeats the asker's spelling", () => {
    const { config } = setUp();
    expect(config.get(["HZ", "hz", "h?", "[h]z"])).toEqual(["HZ", "10"]);
    const names = config
      .get(["*listpack-entries", "*ziplist-entries"])
      .filter((_, i) => i % 2 === 0);
    expect(names).toEqual([
      "hash-max-listpack-entries",
      "set-max-listpack-entries",
      "zset-max-listpack-entries",
      "hash-max-ziplist-entries",
      "zset-max-ziplist-entries",
    ]);
  });

  test("shows a hidden option only by its exact name", () => {
    const { config } = setUp();
    expect(config.get(["*"])).not.toContain("key-load-delay");
    expect(config.get(["key-load-dela?"])).toEqual([]);
    expect(config.get(["key-load-delay"])).toEqual(["key-load-delay", "0"]);
  });
});

describe("CONFIG SET", () => {
  test("is all or nothing", () => {
    const { config, host } = setUp();
    const args = ["maxmemory", "5", "slave-priority", "7", "hz", "x"];
    expect(config.set(args, CLIENT)).toBe(
      failure("hz", "argument couldn't be parsed into an integer"),
    );
    expect(config.get(["maxmemory", "replica-priority"])).toEqual(
      "maxmemory 0 replica-priority 100".split(" "),
    );
    const local = setUp();
    expect(local.load({ options: "enable-protected-configs local" })).toBeNull();
    expect(local.config.set(["dir", "/tmp", "hz", "x"], CLIENT)).toStartWith(
      "ERR CONFIG SET failed",
    );
    expect(local.host.directory).toBe("/data");
    expect(local.config.values.dir).toBe("/data");
    expect(local.config.set(["dir", "/tmp"], CLIENT)).toBeNull();
    expect(local.config.values.dir).toBe("/tmp");
    const remote = { isLoading: false, isLocal: false };
    const refused = failure("dir", "can't set protected config");
    expect(local.config.set(["dir", "/tmp"], remote)).toBe(refused);
    expect(config.set(["dir", "/tmp"], CLIENT)).toBe(refused);
    expect(host.directory).toBe("/data");
  });

  test("is refused for some options while a dataset loads", () => {
    const { config } = setUp();
    const loading = { isLoading: true, isLocal: true };
    expect(config.set(["hz", "20", "appendonly", "yes"], loading)).toBe(
      "LOADING Redis is loading the dataset in memory",
    );
    expect(config.values.hz).toBe(10);
    expect(config.set(["hz", "20"], loading)).toBeNull();
  });

  test("calls listeners for changed options, once for a group", () => {
    const { config } = setUp();
    const calls: string[] = [];
    config.onApply("maxmemory", (next, previous) => {
      calls.push(`maxmemory ${previous} ${next} ${config.values.hz}`);
      return null;
    });
    config.onApplyAny(["tls-cert-file", "tls-key-file", "tls-ciphers"], () => {
      calls.push("tls");
      return null;
    });
    config.set(["maxmemory", "3", "tls-ciphers", "x", "tls-key-file", "k", "hz", "20"], CLIENT);
    expect(calls).toEqual(["maxmemory 0 3 20", "tls"]);
    config.set(["maxmemory", "3", "tls-ciphers", "x"], CLIENT);
    expect(calls).toHaveLength(2);
    // A certificate may have been renewed under the same name.
    config.set(["tls-key-file", "k"], CLIENT);
    expect(calls).toHaveLength(3);
  });

  test("takes everything back when a listener refuses", () => {
    const { config, logged } = setUp();
    const calls: string[] = [];
    config.onApply("maxmemory", (next, previous) => {
      calls.push(`maxmemory ${previous} ${next}`);
      return null;
    });
    config.onApply("port", () => "Unable to listen on this port. Check server logs.");
    config.onApply("hz", () => {
      calls.push("hz");
      return null;
    });
    const reply = config.set(["maxmemory", "3", "save", "", "port", "1", "hz", "20"], CLIENT);
    expect(reply).toBe(failure("port", "Unable to listen on this port. Check server logs."));
    expect(calls).toEqual(["maxmemory 0 3", "maxmemory 3 0"]);
    expect(config.values).toMatchObject({ maxmemory: 0, port: 6379, hz: 10 });
    expect(config.get(["save"])).toEqual(["save", "3600 1 300 100 60 10000"]);
    expect(logged).toEqual([
      "Failed applying new configuration. Possibly related to new port setting. " +
        "Restoring previous settings.",
    ]);
  });

  test("knows which arguments are secret", () => {
    const { config } = setUp();
    for (const name of ["requirepass", "MASTERAUTH", "masteruser", "tls-key-file-pass"]) {
      expect({ name, is: config.isSensitive(name) }).toEqual({ name, is: true });
    }
    for (const name of ["port", "nosuch"]) expect(config.isSensitive(name)).toBe(false);
  });
});

test("assign sets what clients cannot, without listeners", () => {
  const { config } = setUp();
  config.onApply("replicaof", () => "not to be called");
  expect(config.assign("replicaof", ["10.0.0.1", "6380"])).toBeNull();
  expect(config.values.replicaof).toEqual({ host: "10.0.0.1", port: 6380 });
  expect(config.assign("replicaof", ["no", "one"])).toBeNull();
  expect(config.values.replicaof).toBeNull();
  expect(config.assign("replicaof", ["a", "b"])).toBe("Invalid master port");
});
