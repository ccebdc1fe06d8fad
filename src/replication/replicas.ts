/** All who take the stream, and how they get it. */
import type { Disk } from "../base/disk.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import type { Session } from "../engine/session.ts";
import { Replica } from "./replica.ts";
import type { ReplicationStream } from "./stream.ts";

export class Replicas {
  /** Called when one has told how far it is. */
  onAcknowledged: () => void = () => {};
  private readonly attached = new Set<Replica>();

  constructor(_engine: Engine, _disk: Disk, _stream: ReplicationStream) {}

  /** Whether the stream has grown since the replicas' connections were told. */
  isPending = false;

  /** In the order in which they came. */
  all(): Iterable<Replica> {
    return this.attached;
  }

  get count(): number {
    return this.attached.size;
  }

  /** This server's data is about to be another's: nobody can go on. */
  disconnectAll(): void {
    for (const replica of this.attached) replica.session.transport?.close();
  }

  /** PSYNC, SYNC. */
  sync(call: Call): void {
    call.reply.ok();
  }

  /** REPLCONF. */
  configure(call: Call): void {
    call.reply.ok();
  }

  /** Called once a second. */
  cron(_nowMs: number): void {}

  /** The turn ends: replicas are sent what they have not been yet. */
  flush(): void {
    this.isPending = false;
  }

  forget(session: Session): void {
    if (session.replica instanceof Replica) this.attached.delete(session.replica);
  }
}
