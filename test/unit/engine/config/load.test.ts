import { describe, expect, test } from "bun:test";
import { parseCommandLine } from "../../../../src/engine/config/command-line.ts";
import { setUp } from "./_setup.ts";

function fatal(line: number, text: string, reason: string): string {
  const head = "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n";
  return `${head}Reading the configuration file, at line ${line}\n>>> '${text}'\n${reason}\n`;
}

describe("files", () => {
  test("comments, blank lines, quotes, escapes, any case, aliases", () => {
    const { config, host, load } = setUp();
    const text = "# x\n\n  MaxMemory \"1\\x6b\"\r\n\tslave-priority 5\nrequirepass 'a \"b\\''\n";
    host.files.set("/etc/a.conf", text);
    expect(load({ file: "/etc/a.conf" })).toBeNull();
    expect(config.values).toMatchObject({
      maxmemory: 1000,
      "replica-priority": 5,
      requirepass: "a \"b'",
    });
    expect(config.file).toBe("/etc/a.conf");
  });

  test("save: the first replaces the default, later ones add, an empty one clears", () => {
    const cases: [string, string][] = [
      ["save 900 1\nsave 60 2 30 3", "900 1 60 2 30 3"],
      ['save 900 1\nsave ""\nsave 5 5', "5 5"],
      ['save ""', ""],
      ["save", ""],
      ['save "900 1 60 2"', "900 1 60 2"],
      ["hz 10", "3600 1 300 100 60 10000"],
    ];
    for (const [options, expected] of cases) {
      const { config, load } = setUp();
      expect(load({ options })).toBeNull();
      expect(config.get(["save"])).toEqual(["save", expected]);
    }
  });

  test("file, standard input and options are read in this order", () => {
    const { config, host, load } = setUp();
    host.files.set("/a", "hz 1\ntimeout 1\nport 1");
    expect(load({ file: "/a", standardInput: "timeout 2\nport 2", options: "port 3" })).toBeNull();
    expect(config.values).toMatchObject({ hz: 1, timeout: 2, port: 3 });
  });

  test("include: a file, a pattern, a pattern that matches nothing", () => {
    const { config, host, load } = setUp();
    host.files.set("/d/1.conf", "port 1\nhz 3");
    host.files.set("/d/2.conf", "port 2");
    host.files.set("/one", "timeout 9");
    const options = 'include /d/*.conf\ninclude "/none/*.conf"\ninclude /one';
    expect(load({ options })).toBeNull();
    expect(config.values).toMatchObject({ port: 2, hz: 3, timeout: 9 });
  });

  test("a missing file is a line for the log", () => {
    const text = "Fatal error, can't open config file '/no': No such file or directory";
    expect(setUp().load({ file: "/no" })).toEqual({ channel: "log", text });
    expect(setUp().load({ options: "include /no" })).toEqual({ channel: "log", text });
  });

  test("an error in an included file names that file's line", () => {
    const { host, load } = setUp();
    host.files.set("/b", "#\n  hz   x ");
    const text = fatal(2, "hz   x", "argument couldn't be parsed into an integer");
    expect(load({ options: "include /b" })).toEqual({ channel: "standard error", text });
  });

  test("a file that includes itself is refused", () => {
    const { host, load } = setUp();
    host.files.set("/b", "include /b");
    const text = fatal(1, "include /b", "Too many levels of included files");
    expect(load({ file: "/b" })).toEqual({ channel: "standard error", text });
  });

  test("a log file that cannot be written is found out without a line", () => {
    const { host, load } = setUp();
    host.unwritable = "/var/log/x";
    expect(load({ options: "logfile /var/log/x" })?.text).toBe(
      "\n*** FATAL CONFIG FILE ERROR (Redis 7.2.4) ***\n" +
        "Can't open the log file: Permission denied\n",
    );
  });

  test("modules are refused", () => {
    const reason = "Modules are native libraries, which this server cannot load";
    expect(setUp().load({ options: "loadmodule /x.so a" })?.text).toBe(
      fatal(2, "loadmodule /x.so a", reason),
    );
  });

  test("user and rename-command go to those who know", () => {
    const { load } = setUp();
    expect(load({ options: "user alice on\nrename-command get fetch" })).toBeNull();
    expect(load({ options: "user bob maybe" })?.text).toContain(
      "Error in user declaration 'user': Syntax error\n",
    );
  });
});

describe("command line", () => {
  const options = (...args: string[]): string | null => parseCommandLine(args).options;

  test("nothing, help, version", () => {
    expect(parseCommandLine([])).toEqual({
      request: "run",
      file: null,
      readsStandardInput: false,
      options: null,
      sentinel: false,
    });
    expect(parseCommandLine(["--version"]).request).toBe("version");
    expect(parseCommandLine(["-h"]).request).toBe("help");
  });

  test("a file first, a dash first or last", () => {
    expect(parseCommandLine(["a.conf"])).toMatchObject({ file: "a.conf", options: "" });
    expect(parseCommandLine(["-"])).toMatchObject({ file: null, readsStandardInput: true });
    const both = parseCommandLine(["a.conf", "--port", "1", "-"]);
    expect(both).toMatchObject({ file: "a.conf", readsStandardInput: true });
    expect(both.options).toBe('port "1" ');
    expect(options("--logfile", "-", "--port", "1")).toBe('logfile "-" \nport "1" ');
  });

  test("values: several, beginning with dashes, in one word, not ASCII", () => {
    expect(options("--save", "900", "1", "--port", "2")).toBe('save "900" "1" \nport "2" ');
    expect(options("--logfile", "--x", "--port", "2")).toBe('logfile "--x" \nport "2" ');
    expect(options("--port 2", "--hz", "3")).toBe('port 2 \nhz "3" ');
    expect(options("--logfile", "é")).toBe('logfile "\\xc3\\xa9" ');
  });

  test("--save and --sentinel may stand alone", () => {
    expect(options("--save", "--port", "2")).toBe('save ""\nport "2" ');
    expect(options("--port", "2", "--SAVE")).toBe('port "2" \nSAVE ""');
    expect(options("--sentinel", "--port", "2")).toBe('sentinel \nport "2" ');
    expect(parseCommandLine(["--sentinel"]).sentinel).toBe(true);
  });
});
