/**
 * A user: who may come in, and what they may do. A change makes a copy, applies the rules to it
 * and takes its content over as a whole, so sessions keep the user they have and a rule that is
 * refused changes nothing.
 */
import { Selector } from "./selector.ts";

export class User {
  readonly name: string;
  isOn = false;
  /** Any password will do. */
  needsNoPassword = false;
  /** Payloads of RESTORE are taken on trust. */
  skipsSanitizing = false;
  /** SHA-256, as 64 lower case hexadecimal digits. */
  passwords: string[] = [];
  /** The rules given directly. */
  root: Selector;
  /** Those in parentheses. */
  others: Selector[] = [];
  private readonly idLimit: number;

  /** A new user may do nothing; only `allChannels` can be given to it from the start. */
  constructor(name: string, idLimit: number, allChannels: boolean) {
    this.name = name;
    this.idLimit = idLimit;
    this.root = new Selector(idLimit, allChannels);
  }

  /** The root first. */
  get selectors(): Selector[] {
    return [this.root, ...this.others];
  }

  /** Nothing is to be checked for this user. */
  get permitsEverything(): boolean {
    return this.selectors.some((selector) => selector.permitsEverything);
  }

  /** Whether a session of this user needs no AUTH. */
  get isOpen(): boolean {
    return this.isOn && this.needsNoPassword;
  }

  /** A selector without permissions, save for the channels it may be given from the start. */
  newSelector(allChannels: boolean): Selector {
    return new Selector(this.idLimit, allChannels);
  }

  copy(): User {
    const copy = new User(this.name, this.idLimit, false);
    copy.become(this);
    return copy;
  }

  /** Takes over everything but the name. */
  become(other: User): void {
    this.isOn = other.isOn;
    this.needsNoPassword = other.needsNoPassword;
    this.skipsSanitizing = other.skipsSanitizing;
    this.passwords = [...other.passwords];
    this.root = other.root.copy();
    this.others = other.others.map((selector) => selector.copy());
  }
}
