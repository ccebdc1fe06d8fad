/** The sessions of all connected clients, in the order they came. */
import type { Database } from "../keyspace/database.ts";
import { enterAs } from "./acl/session-gates.ts";
import type { User } from "./acl/user.ts";
import { Session } from "./session.ts";
import type { Transport } from "./session.ts";

export class Clients {
  private readonly sessions = new Map<number, Session>();
  private nextId = 1;
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
  }

  disconnected(session: Session): void {
    session.transport = null;
    this.sessions.delete(session.id);
    this.monitors.delete(session);
  }

  byId(id: number): Session | null {
    return this.sessions.get(id) ?? null;
  }

  all(): IterableIterator<Session> {
    return this.sessions.values();
  }
}
