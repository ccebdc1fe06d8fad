/** A primary without sockets: its clients, its replicas, and a disk that is as synced as told. */
import { systemDisk } from "../../../src/base/disk.ts";
import type { SyncPoint } from "../../../src/engine/persistence.ts";
import { NoPersistence } from "../../../src/engine/persistence.ts";
import type { Session } from "../../../src/engine/session.ts";
import { ServerReplication } from "../../../src/replication/replication.ts";
import { Bench, type Client, START_MS } from "../../support/engine-bench.ts";

export class SyncedDisk extends NoPersistence {
  isSyncedUntil: SyncPoint | null = null;

  override get synced(): SyncPoint | null {
    return this.isSyncedUntil;
  }
}

export class PrimaryBench extends Bench {
  readonly disk = new SyncedDisk();
  readonly replication: ServerReplication;
  /** Times that the end of a turn was asked for where none was under way. */
  requestedTurns = 0;

  constructor() {
    super();
    const { engine } = this;
    engine.persistence = this.disk;
    this.replication = new ServerReplication(engine, systemDisk);
    this.replication.requestTurn = () => this.requestedTurns++;
    this.replication.start(null);
    this.replication.replicas.openStream();
  }

  get stream(): ServerReplication["stream"] {
    return this.replication.stream;
  }

  get offset(): number {
    return this.replication.offset;
  }

  /** A replica at 127.0.0.1:<port> that has all there is. */
  attach(port = 7000): Client {
    const client = this.connect();
    client.do(`REPLCONF listening-port ${port} capa psync2`);
    client.do(`PSYNC ${this.stream.id} ${this.offset + 1}`);
    return client;
  }

  /** What the replica says that it has. */
  acknowledge(replica: Client, offset = this.offset, aofOffset?: number): void {
    const fact = aofOffset === undefined ? "" : ` FACK ${aofOffset}`;
    replica.do(`REPLCONF ACK ${offset}${fact}`);
    this.endTurn();
  }

  endTurn(): void {
    if (this.replication.isPending) this.replication.flush();
  }

  /** Time passes, with the cron at its end. */
  pass(ms: number): void {
    this.clock.advance(ms);
    this.replication.cron(this.clock.nowMs);
    this.engine.blocking.expire();
    this.endTurn();
  }

  /** Bytes that went into the stream while `step` ran. */
  bytesOf(step: () => void): number {
    const before = this.offset;
    step();
    return this.offset - before;
  }

  info(name: string): string | undefined {
    const found = this.replication.infoFields().find(([field]) => field === name);
    return found === undefined ? undefined : String(found[1]);
  }
}

export function endOf(session: Session, bench: PrimaryBench): void {
  bench.replication.forget(session);
  bench.engine.blocking.forget(session);
}

export { START_MS };
