/** A session's admission gates, as far as its user decides them. */
import { GATE_ACL, GATE_AUTH } from "../admission.ts";
import type { Session } from "../session.ts";
import type { User } from "./user.ts";

export function enterAs(
  session: Session,
  user: User,
  isAuthenticated: boolean,
  defaultUser: User,
): void {
  session.user = user;
  session.isAuthenticated = isAuthenticated;
  setUserGates(session, defaultUser);
}

/** To be called again when the session's user, or the default user, has changed. */
export function setUserGates(session: Session, defaultUser: User): void {
  session.gates &= ~(GATE_AUTH | GATE_ACL);
  const { user } = session;
  if (user === null) return;
  if (!session.isAuthenticated && !defaultUser.isOpen) session.gates |= GATE_AUTH;
  if (!user.permitsEverything) session.gates |= GATE_ACL;
}
