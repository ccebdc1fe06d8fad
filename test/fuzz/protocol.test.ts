/**
 * Random and mutated bytes on several connections, while a witness must be served correctly all
 * the time. Eight seconds in the ordinary run, ten minutes with PEDIS_LONG.
 */
import { expect, test } from "bun:test";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { seededRandom } from "../support/random.ts";
import { startServer } from "../support/server.ts";

const random = seededRandom("protocol");
const DURATION_MS = process.env["PEDIS_LONG"] === undefined ? 8000 : 600_000;
const CONNECTIONS = 8;
/** As often the witness is served at least, however long that takes. */
const LEAST_ROUNDS = 100;
/** What a burst of values and cut requests may hold for a while. */
const MAX_RESIDENT_BYTES = 700 * 1024 * 1024;

const REQUESTS = [
  "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n",
  "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n",
  "*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$1\r\n2\r\n",
  "*3\r\n$6\r\nAPPEND\r\n$1\r\na\r\n$20\r\n01234567890123456789\r\n",
  "*4\r\n$8\r\nSETRANGE\r\n$1\r\nb\r\n$4\r\n1000\r\n$2\r\nxy\r\n",
  "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n",
  "*4\r\n$6\r\nSETBIT\r\n$1\r\nc\r\n$3\r\n100\r\n$1\r\n1\r\n",
  "*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n",
  "*2\r\n$4\r\nSCAN\r\n$1\r\n0\r\n",
  "*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n",
  "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$4\r\nSKIP\r\n",
  "*1\r\n$4\r\nINFO\r\n",
  "*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n",
  "PING\r\n",
  "SET \"a b\" 'c d'\r\n",
  "GET key\n",
  "*0\r\n",
  "\r\n",
];

function randomBytes(): Buffer {
  const kind = random.below(6);
  if (kind === 0) return Buffer.from(random.bytes(1 + random.below(200)));
  const parts: Buffer[] = [];
  for (let i = 0; i <= random.below(20); i++) parts.push(Buffer.from(random.pick(REQUESTS)));
  const bytes = Buffer.concat(parts);
  if (kind === 1) return bytes;
  for (let i = 0; i <= random.below(6); i++) {
    const at = random.below(bytes.length);
    const choice = random.below(4);
    if (choice === 0) bytes[at] = random.below(256);
    else if (choice === 1) bytes[at] = 48 + random.below(10);
    else if (choice === 2) bytes.copyWithin(at, random.below(bytes.length));
    else bytes.write(random.pick(["*", "$", "\r", "\n", "-", "999999999"]), at);
  }
  return kind === 2 ? bytes.subarray(0, random.below(bytes.length) + 1) : bytes;
}

/** A connection that sends junk, reads everything, and is made anew when it is closed. */
function attack(port: number, isOver: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    let socket: Socket;
    const open = (): void => {
      if (isOver()) {
        resolve();
        return;
      }
      socket = connect(port, "127.0.0.1", send);
      socket.on("data", () => {});
      socket.on("error", () => {});
      socket.on("close", () => setTimeout(open, 1));
    };
    const send = (): void => {
      if (socket.destroyed) return;
      if (isOver() || random.below(40) === 0) {
        if (random.below(2) === 0) socket.end();
        else socket.destroy();
        return;
      }
      socket.write(randomBytes());
      setTimeout(send, random.below(4));
    };
    open();
  });
}

test(
  "junk on some connections harms no other one",
  async () => {
    await using server = await startServer({ directives: ['save ""'] });
    await using witness = await server.connect();
    const endMs = Date.now() + DURATION_MS;
    let rounds = 0;
    const isOver = (): boolean => Date.now() > endMs && rounds >= LEAST_ROUNDS;
    const attackers = Array.from({ length: CONNECTIONS }, () => attack(server.port, isOver));
    await witness.value("SELECT", "9");
    while (!isOver()) {
      const text = `value ${rounds}`;
      expect(await witness.value("SET", "witness", text)).toBe("OK");
      expect(await witness.value("GET", "witness")).toBe(text);
      if (rounds % 200 === 0) {
        expect(server.residentBytes()).toBeLessThan(MAX_RESIDENT_BYTES);
        await witness.value("FLUSHDB");
      }
      rounds++;
      await Bun.sleep(2);
    }
    await Promise.all(attackers);
    expect(server.isRunning).toBe(true);
  },
  DURATION_MS + 180_000,
);
