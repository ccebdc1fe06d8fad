/**
 * A replica within the test, and the primary at the other end of its link, without sockets or
 * files: what the replica writes is kept as lines, and the test says what comes.
 *
 *     const it = new LinkedReplica();
 *     it.do(`REPLICAOF host 1`);
 *     it.open();
 *     it.say("+PONG\r\n");
 *     expect(it.said()).toEqual(["PING", "REPLCONF listening-port 6379", …]);
 */
import { bytesOf, textOf } from "../../src/base/bytes.ts";
import { systemDisk } from "../../src/base/disk.ts";
import type { PeerEnd, PeerEvents, PeerUse } from "../../src/engine/peer.ts";
import type { IntakeOptions, SnapshotIntake } from "../../src/engine/persistence.ts";
import { NoPersistence } from "../../src/engine/persistence.ts";
import { REQUEST, RequestParser } from "../../src/protocol/request-parser.ts";
import { ServerReplication } from "../../src/replication/replication.ts";
import { LocalEngine } from "./local-engine.ts";

/** A snapshot as far as it has come. */
export interface ReceivedSnapshot {
  readonly options: IntakeOptions;
  text: string;
  isAborted: boolean;
  /** Set by the test: it takes no more for now; `free` is set once somebody waits. */
  isBusy: boolean;
  free: (() => void) | null;
  /** Set once all has come: ends the loading. */
  finish: ((problem: string | null) => void) | null;
}

export class LinkedReplica extends LocalEngine {
  readonly replication: ServerReplication;
  /** Connections that were asked for: `use host:port`. */
  readonly connections: string[] = [];
  readonly snapshots: ReceivedSnapshot[] = [];
  readonly logged: string[] = [];
  /** The replica reads nothing now. */
  isPaused = false;
  /** Why no snapshot can be taken; null: one can. */
  refusal: string | null = null;
  /** The database that the next snapshot says the stream begins in. */
  streamDatabase = 0;
  private link: PeerEvents | null = null;
  private written = "";

  constructor() {
    super();
    const { engine } = this;
    engine.log.write = (line) => this.logged.push(line.trimEnd());
    engine.persistence = Object.assign(new NoPersistence(), {
      receiveSnapshot: (options: IntakeOptions) => this.receiveSnapshot(options),
    });
    engine.peers.connector = {
      connect: (use: PeerUse, host: string, port: number, _timeoutMs: number, events) => {
        this.connections.push(`${use} ${host}:${port}`);
        return this.peer(events);
      },
    };
    this.replication = new ServerReplication(engine, systemDisk);
    this.replication.begin();
    this.replication.start(null);
  }

  get isConnected(): boolean {
    return this.link !== null;
  }

  /** The connection is there. */
  open(): void {
    this.link?.opened();
  }

  /** The primary sends this, in chunks that end at these places. */
  say(text: string, ...cuts: number[]): void {
    let from = 0;
    for (const to of [...cuts, text.length]) {
      if (to > from) this.link?.received(bytesOf(text.slice(from, to)));
      from = to;
    }
  }

  /** The connection ends. */
  end(how: PeerEnd = "closed"): void {
    const { link } = this;
    this.link = null;
    link?.ended(how);
  }

  /** A second passes. */
  tick(ms = 1000): void {
    this.pass(ms);
    this.replication.cron(this.clock.nowMs);
  }

  /** The requests that the replica has written since the last call, as lines; a newline is "". */
  said(): string[] {
    const bytes = bytesOf(this.written);
    this.written = "";
    const parser = new RequestParser();
    const lines: string[] = [];
    while (parser.position < bytes.length) {
      if (parser.next(bytes, bytes.length) !== REQUEST) {
        lines.push("");
        continue;
      }
      const { args } = parser;
      lines.push(Array.from({ length: args.count }, (_, i) => args.text(i)).join(" "));
    }
    return lines;
  }

  private receiveSnapshot(options: IntakeOptions): SnapshotIntake | string {
    if (this.refusal !== null) return this.refusal;
    const received: ReceivedSnapshot = {
      options,
      text: "",
      isAborted: false,
      isBusy: false,
      free: null,
      finish: null,
    };
    this.snapshots.push(received);
    return {
      problem: null,
      database: this.streamDatabase,
      get isBusy() {
        return received.isBusy;
      },
      whenFree(done) {
        received.free = () => {
          received.isBusy = false;
          done();
        };
      },
      write(bytes, start, length) {
        received.text += textOf(bytes, start, length);
      },
      finish(done) {
        received.finish = done;
      },
      abort() {
        received.isAborted = true;
      },
    };
  }

  private peer(events: PeerEvents) {
    this.link = events;
    this.isPaused = false;
    return {
      events,
      kind: "tcp" as const,
      peerAddress: "10.0.0.1:6379",
      localAddress: "10.0.0.2:5000",
      descriptor: 9,
      unsentBytes: 0,
      limit() {},
      write: (pieces: readonly Uint8Array[]) => {
        for (const piece of pieces) this.written += textOf(piece);
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      close: () => {
        if (this.link === events) this.link = null;
      },
    };
  }
}
