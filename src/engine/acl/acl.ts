/**
 * The users of the server and what sessions may do as them. A session has its user, by reference;
 * a change of a user reaches its sessions at once. Who may do everything has GATE_ACL open and
 * pays nothing; every other request comes through `refusal`.
 */
import type { Arguments } from "../../protocol/arguments.ts";
import type { Disk } from "../../base/disk.ts";
import { replaceFile } from "../../base/disk.ts";
import { bytesOf, textOf } from "../../base/bytes.ts";
import { clientLine } from "../client-info.ts";
import type { Command } from "../command.ts";
import { encoded } from "../config/option.ts";
import { systemErrorText } from "../config/system-errors.ts";
import type { Engine } from "../engine.ts";
import type { Session } from "../session.ts";
import {
  Access,
  DENIED_AUTH,
  DENIED_CHANNEL,
  DENIED_COMMAND,
  DENIED_KEY,
  GRANTED,
} from "./access.ts";
import { readUsers } from "./acl-file.ts";
import { AclLog } from "./acl-log.ts";
import { Catalog } from "./catalog.ts";
import type { ConfiguredUser } from "./configured-users.ts";
import { type Circumstance, contextOf, denialError } from "./denial.ts";
import { userLine } from "./description.ts";
import { hashOf, sameHash } from "./passwords.ts";
import { applyRule, hasBlanks, mergeSelectors, type RuleContext } from "./rules.ts";
import { enterAs, setUserGates } from "./session-gates.ts";
import { User } from "./user.ts";

export const DEFAULT_USER = "default";

export class Acl {
  readonly log = new AclLog();
  readonly defaultUser: User;
  private byName = new Map<string, User>();
  private readonly catalog: Catalog;
  private readonly access = new Access();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.catalog = new Catalog(engine.table);
    this.defaultUser = this.newDefaultUser();
    this.byName.set(DEFAULT_USER, this.defaultUser);
    const { config } = engine;
    if (config.values.requirepass !== null) this.setRequiredPassword(config.values.requirepass);
    config.onApply("requirepass", (password) => {
      this.setRequiredPassword(password);
      this.refresh();
      return null;
    });
  }

  /** Whether a new session must authenticate. */
  get needsPassword(): boolean {
    return !this.defaultUser.isOpen;
  }

  user(name: string): User | null {
    return this.byName.get(name) ?? null;
  }

  /** In the order of their names. */
  users(): User[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  commandsIn(category: string): readonly Command[] | null {
    return this.catalog.category(category);
  }

  // Sessions

  /** Whether the password is the user's; then the session goes on as that user. */
  authenticate(
    session: Session,
    name: string,
    password: string,
    commandName: string,
    circumstance: Circumstance,
  ): boolean {
    const user = this.user(name);
    if (user !== null && mayEnter(user, password)) {
      enterAs(session, user, true, this.defaultUser);
      return true;
    }
    this.note(session, DENIED_AUTH, circumstance, commandName, name);
    return false;
  }

  /** The session is the default user's again, as if it had just come. */
  forget(session: Session): void {
    enterAs(session, this.defaultUser, this.defaultUser.isOpen, this.defaultUser);
  }

  /** A verdict of access.ts; `deniedAt` tells which argument it is about. */
  check(user: User, command: Command, args: Arguments): number {
    return this.access.check(user, command, args);
  }

  get deniedAt(): number {
    return this.access.deniedAt;
  }

  /** The error for a request that the session may not make, noted in ACL LOG; else null. */
  refusal(
    session: Session,
    command: Command,
    args: Arguments,
    circumstance: Circumstance,
  ): string | null {
    const { user } = session;
    if (user === null) return null;
    const verdict = this.access.check(user, command, args);
    if (verdict === GRANTED) return null;
    const isCommand = verdict === DENIED_COMMAND;
    const object = isCommand ? command.fullName : args.text(this.access.deniedAt);
    this.note(session, verdict, circumstance, object, user.name);
    return denialError(verdict, user.name, command, circumstance);
  }

  /** Whether the request is permitted together with `needed` (READ, WRITE) for any key. */
  permitsAnyKey(session: Session, command: Command, args: Arguments, needed: number): boolean {
    const { user } = session;
    return user === null || this.access.permitsAnyKey(user, command, args, needed);
  }

  private note(
    session: Session,
    reason: number,
    circumstance: Circumstance,
    object: string,
    username: string,
  ): void {
    const { stats, clock, config } = this.engine;
    if (reason === DENIED_AUTH) stats.aclDeniedAuth++;
    else if (reason === DENIED_COMMAND) stats.aclDeniedCommand++;
    else if (reason === DENIED_KEY) stats.aclDeniedKey++;
    else if (reason === DENIED_CHANNEL) stats.aclDeniedChannel++;
    const event = {
      reason,
      context: contextOf(circumstance),
      object,
      username,
      atMs: clock.nowMs,
      clientLine: clientLine(session, clock.nowMs, 0),
    };
    this.log.add(event, config.values["acllog-max-len"]);
  }

  // Changes

  /** ACL SETUSER: all rules or none; the whole error, or null. `me` is who asks. */
  setUser(name: string, words: readonly string[], me: Session | null): string | null {
    if (hasBlanks(name)) return "ERR Usernames can't contain spaces or null characters";
    const rules = mergeSelectors(words);
    if ("open" in rules) {
      return `ERR Unmatched parenthesis in acl selector starting at '${untilNul(rules.open)}'.`;
    }
    const known = this.user(name);
    const changed = known === null ? this.newUser(name) : known.copy();
    const context = this.ruleContext();
    for (const rule of rules) {
      const problem = applyRule(changed, rule, context);
      if (problem === null) continue;
      return `ERR Error in ACL SETUSER modifier '${untilNul(rule)}': ${problem}`;
    }
    if (known === null) {
      this.byName.set(name, changed);
      return null;
    }
    const before = known.copy();
    known.become(changed);
    this.refresh();
    if (me !== null) setUserGates(me, this.defaultUser);
    this.closeListeners(known, before, me);
    return null;
  }

  /** ACL DELUSER; false where there is none such. */
  deleteUser(name: string, me: Session | null): boolean {
    const user = this.user(name);
    if (user === null) return false;
    this.byName.delete(name);
    this.closeSessions(user, me);
    if (me?.user === user) this.close(me, me);
    return true;
  }

  /** `requirepass`: it replaces the default user's passwords; null lets everybody in. */
  private setRequiredPassword(password: string | null): void {
    const user = this.defaultUser;
    user.passwords = password === null ? [] : [hashOf(password)];
    user.needsNoPassword = password === null;
  }

  private newUser(name: string): User {
    const isOpenToAll = this.engine.config.values["acl-pubsub-default"] === "allchannels";
    return new User(name, this.catalog.idLimit, isOpenToAll);
  }

  private newDefaultUser(): User {
    const user = this.newUser(DEFAULT_USER);
    for (const rule of ["+@all", "~*", "&*", "on", "nopass"]) {
      applyRule(user, rule, this.ruleContext());
    }
    return user;
  }

  private ruleContext(): RuleContext {
    const { config, log } = this.engine;
    return ruleContext(this.catalog, config.values["acl-pubsub-default"], (text) =>
      log.warning(text),
    );
  }

  /** What connected sessions may do follows from their users anew. */
  private refresh(): void {
    for (const session of this.engine.clients.all()) setUserGates(session, this.defaultUser);
  }

  /** The user is no more: so are its sessions. */
  private closeSessions(user: User, me: Session | null): void {
    for (const session of this.engine.clients.all()) {
      if (session.user === user) this.close(session, me);
    }
  }

  private close(session: Session, me: Session | null): void {
    // It is about to go, but must be nobody until it has.
    enterAs(session, this.defaultUser, false, this.defaultUser);
    // One's own connection still gets the reply to this command.
    if (session === me) session.closesAfterReply = true;
    else session.transport?.close();
  }

  /** Closes sessions of a user that listen to what it has lost (ACLKillPubsubClientsIfNeeded). */
  private closeListeners(user: User, before: User, me: Session | null): void {
    const { patterns, channels: named, shardChannels } = this.engine.pubsub;
    const { selectors } = user;
    if (selectors.some(({ allChannels }) => allChannels)) return;
    const permitted = new Set(selectors.flatMap(({ channels }) => channels.map(textOfPattern)));
    const keepsAll = before.selectors.every(
      ({ allChannels, channels }) =>
        !allChannels && channels.every(({ text }) => permitted.has(text)),
    );
    if (keepsAll) return;
    const mayHear = (bytes: Uint8Array, isPattern: boolean): boolean =>
      selectors.some((selector) => selector.permitsChannel(bytes, 0, bytes.length, isPattern));
    for (const session of this.engine.clients.all()) {
      if (session.user !== user) continue;
      const keeps =
        patterns.namesOf(session).every((pattern) => mayHear(pattern, true)) &&
        named.namesOf(session).every((channel) => mayHear(channel, false)) &&
        shardChannels.namesOf(session).every((channel) => mayHear(channel, false));
      if (!keeps) this.close(session, me);
    }
  }

  // Files

  /** The users of the configuration and the ACL file, at the start; null, or why it can't be. */
  loadAtStart(configured: readonly ConfiguredUser[], disk: Disk): string | null {
    const { aclfile } = this.engine.config.values;
    if (aclfile !== "" && configured.length > 0) {
      return (
        "Configuring Redis with users defined in redis.conf and at the same setting an ACL file " +
        "path is invalid. This setup is very likely to lead to configuration errors and security " +
        "holes, please define either an ACL file or declare users directly in your redis.conf, " +
        "but not both."
      );
    }
    for (const user of configured) {
      const problem = this.loadConfigured(user);
      if (problem === null) continue;
      this.engine.log.warning(problem);
      return "Critical error while loading ACLs. Exiting.";
    }
    if (aclfile === "") return null;
    const errors = this.loadFile(disk, null);
    return errors === null ? null : `Aborting Redis startup because of ACL errors: ${errors}`;
  }

  private loadConfigured({ name, rules }: ConfiguredUser): string | null {
    if (hasBlanks(name)) return "Spaces not allowed in ACL usernames";
    const context = this.ruleContext();
    const user = this.user(name) ?? this.newUser(name);
    this.byName.set(name, user);
    // Only the default user is there already.
    if (user === this.defaultUser) applyRule(user, "reset", context);
    for (const rule of rules) {
      const problem = applyRule(user, rule, context);
      if (problem === null) continue;
      return `Error loading ACL rule '${rule}' for the user named '${name}': ${problem}`;
    }
    if (!user.isOn) {
      this.engine.log.notice(
        `The user '${name}' is disabled (there is no 'on' modifier in the user description). ` +
          "Make sure this is not a configuration error.",
      );
    }
    return null;
  }

  /** ACL LOAD: all errors on one line, and nothing changed; or null. */
  loadFile(disk: Disk, me: Session | null): string | null {
    const { aclfile } = this.engine.config.values;
    const path = encoded(aclfile);
    const text = readText(disk, aclfile);
    if (typeof text !== "string") {
      return `Error loading ACLs, opening file '${path}': ${text.problem}`;
    }
    const { users, errors } = readUsers(text, path, this.ruleContext());
    if (errors !== "") {
      return (
        `${errors}WARNING: ACL errors detected, no change to the previously active ACL rules was ` +
        "performed"
      );
    }
    // The default user stays the same object, and so its sessions stay.
    this.defaultUser.become(users.get(DEFAULT_USER) ?? this.newDefaultUser());
    users.set(DEFAULT_USER, this.defaultUser);
    const before = this.users();
    this.byName = users;
    for (const user of before) if (user !== this.defaultUser) this.closeSessions(user, me);
    this.refresh();
    return null;
  }

  /** ACL SAVE; whether the file was written. The log says why not. */
  saveFile(disk: Disk): boolean {
    const lines = this.users().map((user) => `${userLine(user)}\n`);
    try {
      replaceFile(disk, this.engine.config.values.aclfile, bytesOf(lines.join("")));
      return true;
    } catch (error) {
      this.engine.log.warning(`Writing ACL file for ACL SAVE: ${systemErrorText(error)}`);
      return false;
    }
  }
}

export function ruleContext(
  catalog: Catalog,
  pubsubDefault: "allchannels" | "resetchannels",
  warn: (text: string) => void,
): RuleContext {
  return { catalog, allChannelsByDefault: pubsubDefault === "allchannels", warn };
}

/** As much is done for a wrong password as for a right one (ACLCheckUserCredentials). */
function mayEnter(user: User, password: string): boolean {
  if (!user.isOn) return false;
  if (user.needsNoPassword) return true;
  const hash = hashOf(password);
  let isRight = false;
  for (const known of user.passwords) if (sameHash(hash, known)) isRight = true;
  return isRight;
}

function readText(disk: Disk, path: string): string | { readonly problem: string } {
  try {
    const bytes = disk.readFile(path);
    return bytes === null ? { problem: "No such file or directory" } : textOf(bytes);
  } catch (error) {
    return { problem: systemErrorText(error) };
  }
}

function textOfPattern({ text }: { readonly text: string }): string {
  return text;
}

/** As a C string is shown. */
function untilNul(text: string): string {
  const nul = text.indexOf("\0");
  return nul < 0 ? text : text.slice(0, nul);
}
