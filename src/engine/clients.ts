/** The sessions of all connected clients, in the order they came. */
import type { Database } from "../keyspace/database.ts";
import { enterAs } from "./acl/session-gates.ts";
import type { User } from "./acl/user.ts";
import { ClientMemory } from "./client-memory.ts";
import { RecentPeak } from "./recent-peak.ts";
import { Session } from "./session.ts";
import type { Transport } from "./session.ts";

export class Clients {
  private readonly sessions = new Map<number, Session>();
  private nextId = 1;
  readonly memory = new ClientMemory(this);
  /** The largest input and output that waited at any one connection, over the last seconds. */
  readonly inputPeak = new RecentPeak();
  readonly outputPeak = new RecentPeak();
  /** Sessions that ran MONITOR. */
  readonly monitors = new Set<Session>();

  private readonly defaultUser: User;

  constructor(defaultUser: User) {
    this.defaultUser = defaultUser;
  }

  get count(): number {
    return this.sessions.size;
  }

  /** A new session of the default user, with the next id, not registered as a client. */
  create(database: Database, nowMs: number): Session {
    const session = new Session(this.nextId++, database, nowMs);
    enterAs(session, this.defaultUser, this.defaultUser.isOpen, this.defaultUser);
    return session;
  }

  connected(session: Session, transport: Transport): void {
    session.transport = transport;
    this.sessions.set(session.id, session);
    if (this.memory.isLimited) this.memory.update(session);
  }

  disconnected(session: Session): void {
    session.transport = null;
    this.memory.forget(session);
    this.sessions.delete(session.id);
    this.monitors.delete(session);
  }

  /** Called by the cron for each connection. */
  notePeaks(transport: Transport, nowMs: number): void {
    this.inputPeak.note(transport.queryBytes + transport.argumentBytes, nowMs);
    this.outputPeak.note(transport.outboundBytes, nowMs);
  }

  byId(id: number): Session | null {
    return this.sessions.get(id) ?? null;
  }

  all(): IterableIterator<Session> {
    return this.sessions.values();
  }
}
