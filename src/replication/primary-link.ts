/** The link of a replica to its primary. */
import type { Call } from "../engine/call.ts";
import type { PrimaryAddress } from "../engine/config/list-options.ts";
import type { Engine } from "../engine/engine.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicationStream } from "./stream.ts";

export class PrimaryLink {
  /** Whose replica this server is; null: of nobody, it is a primary. */
  address: PrimaryAddress | null = null;
  /** It is synchronised with its primary now. */
  isUp = false;
  private readonly engine: Engine;
  private readonly stream: ReplicationStream;
  private readonly replicas: Replicas;

  constructor(engine: Engine, stream: ReplicationStream, replicas: Replicas) {
    this.engine = engine;
    this.stream = stream;
    this.replicas = replicas;
  }

  /** Called once a second. */
  cron(nowMs: number): void {
    if (this.address === null) return;
    this.engine.log.debug(`${nowMs} ${this.stream.id} ${this.replicas.count}`);
  }

  /** Tells the primary how far this server is. */
  acknowledge(): void {}

  replicaOf(call: Call): void {
    call.reply.ok();
  }
}
