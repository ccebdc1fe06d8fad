/**
 * What a replica says to its primary before the data comes:
 *
 *     PING ─▶ AUTH, REPLCONF … (sent together) ─▶ PSYNC id offset ─▶ +CONTINUE [id]
 *                                                              └───▶ +FULLRESYNC id offset
 *                                                              └───▶ an error: SYNC, or later
 *
 * One line of the primary is one reply. Source: syncWithMaster, replication.c, Redis 7; the log's
 * texts are its too.
 */
import { CAPABILITY } from "./replicas.ts";
import { parseInt64 } from "../base/numbers.ts";
import { bytesOf } from "../base/bytes.ts";
import type { Engine } from "../engine/engine.ts";
import { MAX_STREAM_OFFSET } from "../engine/replication.ts";
import { requestOf } from "../protocol/request.ts";

const ID_LENGTH = 40;

/** How it ends. */
export type Agreement =
  /** The stream goes on, under another id where there is one. */
  | { readonly kind: "continue"; readonly id: string | null }
  /** A snapshot comes; what follows it is at this place, null: the primary does not say. */
  | { readonly kind: "full"; readonly id: string | null; readonly offset: number }
  /** Not now; `isRefusal`: of the PSYNC. */
  | { readonly kind: "fail"; readonly isRefusal: boolean };

/** Where the replica would go on. */
export interface Wish {
  readonly id: string;
  /** Of the next byte, in Redis's counting. */
  readonly offset: number;
}

type Expected = "PING" | "AUTH" | "listening-port" | "ip-address" | "capa" | "PSYNC";

const FAILED: Agreement = { kind: "fail", isRefusal: false };

export class Handshake {
  /** What has been sent and not been answered. */
  private readonly expected: Expected[] = ["PING"];
  private readonly engine: Engine;
  private readonly wish: () => Wish | null;
  /** The primary is to hand its role over (FAILOVER). */
  private readonly isTakeover: boolean;
  private readonly write: (request: Uint8Array) => void;
  /** It has asked to go on from somewhere. */
  private mayContinue = false;

  constructor(
    engine: Engine,
    wish: () => Wish | null,
    isTakeover: boolean,
    write: (request: Uint8Array) => void,
  ) {
    this.engine = engine;
    this.wish = wish;
    this.isTakeover = isTakeover;
    this.write = write;
    write(requestOf(["PING"]));
  }

  get awaitsAnswerToPsync(): boolean {
    return this.expected[0] === "PSYNC";
  }

  /** Takes a reply; the agreement where it is the last one. */
  receive(line: string): Agreement | null {
    const [expected] = this.expected;
    if (expected === "PSYNC") return line === "" ? null : this.agreement(line);
    this.expected.shift();
    if (expected === "PING") {
      if (!isGreeting(line)) {
        this.engine.log.warning(`Error reply to PING from master: '${line}'`);
        return FAILED;
      }
      this.engine.log.notice("Master replied to PING, replication can continue...");
      this.introduce();
      return null;
    }
    if (line.startsWith("-")) {
      if (expected === "AUTH") {
        this.engine.log.warning(`Unable to AUTH to MASTER: ${line}`);
        return FAILED;
      }
      this.engine.log.notice(
        `(Non critical) Master does not understand REPLCONF ${expected}: ${line}`,
      );
    }
    if (this.expected.length === 0) this.ask();
    return null;
  }

  private introduce(): void {
    const { values } = this.engine.config;
    const { masterauth, masteruser } = values;
    if (masterauth !== null) {
      const password = bytesOf(masterauth);
      const user = masteruser === null ? [] : [bytesOf(masteruser)];
      this.send("AUTH", ["AUTH", ...user, password]);
    }
    const ownPort =
      values["tls-replication"] && values["tls-port"] !== 0 ? values["tls-port"] : values.port;
    const port = values["replica-announce-port"] || ownPort;
    this.send("listening-port", ["REPLCONF", "listening-port", String(port)]);
    const address = values["replica-announce-ip"];
    if (address !== null) this.send("ip-address", ["REPLCONF", "ip-address", address]);
    this.send("capa", ["REPLCONF", "capa", "eof", "capa", "psync2", "capa", CAPABILITY]);
  }

  private ask(): void {
    const { log } = this.engine;
    const wish = this.wish();
    this.mayContinue = wish !== null;
    if (wish === null) {
      log.notice("Partial resynchronization not possible (no cached master)");
    } else {
      log.notice(`Trying a partial resynchronization (request ${wish.id}:${wish.offset}).`);
    }
    const from = wish === null ? ["?", "-1"] : [wish.id, String(wish.offset)];
    this.send("PSYNC", ["PSYNC", ...from, ...(this.isTakeover ? ["FAILOVER"] : [])]);
  }

  private send(expected: Expected, request: readonly (string | Uint8Array)[]): void {
    this.expected.push(expected);
    this.write(requestOf(request));
  }

  private agreement(line: string): Agreement {
    const { log } = this.engine;
    if (line.startsWith("+FULLRESYNC")) return this.fullSync(line);
    if (line.startsWith("+CONTINUE")) {
      if (!this.mayContinue) {
        log.warning(`Unexpected reply to PSYNC from master: ${line}`);
        return FAILED;
      }
      log.notice("Successful partial resynchronization with master.");
      const id = line.slice("+CONTINUE ".length);
      return { kind: "continue", id: id.length === ID_LENGTH ? id : null };
    }
    if (line.startsWith("-NOMASTERLINK") || line.startsWith("-LOADING")) {
      log.notice(`Master is currently unable to PSYNC but should be in the future: ${line}`);
      return { kind: "fail", isRefusal: true };
    }
    if (line.startsWith("-ERR")) {
      log.notice(`Master does not support PSYNC or is in error state (reply: ${line})`);
    } else {
      log.warning(`Unexpected reply to PSYNC from master: ${line}`);
    }
    if (this.isTakeover) return { kind: "fail", isRefusal: true };
    log.notice("Retrying with SYNC...");
    this.write(bytesOf("SYNC\r\n"));
    return { kind: "full", id: null, offset: 0 };
  }

  private fullSync(line: string): Agreement {
    const { log } = this.engine;
    const [, id = "", offsetText = ""] = line.split(" ");
    const offset = parseInt64(bytesOf(offsetText), 0, offsetText.length);
    const isCountable = offset !== null && offset >= 0n && offset <= MAX_STREAM_OFFSET;
    if (id.length !== ID_LENGTH || !isCountable) {
      log.warning("Master replied with wrong +FULLRESYNC syntax.");
      return { kind: "full", id: null, offset: 0 };
    }
    log.notice(`Full resync from master: ${id}:${offset}`);
    return { kind: "full", id, offset: Number(offset) };
  }
}

/** A demand for a password will be met; older servers worded it otherwise. */
function isGreeting(line: string): boolean {
  return ["+", "-NOAUTH", "-NOPERM", "-ERR operation not permitted"].some((start) =>
    line.startsWith(start),
  );
}
