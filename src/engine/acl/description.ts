/** Users as rules that make them again: what ACL LIST shows and files hold. */
import type { Selector } from "./selector.ts";
import type { User } from "./user.ts";

/** The words that ACL GETUSER shows as flags. */
export function userFlags(user: User): string[] {
  const flags = [user.isOn ? "on" : "off"];
  if (user.needsNoPassword) flags.push("nopass");
  flags.push(user.skipsSanitizing ? "skip-sanitize-payload" : "sanitize-payload");
  return flags;
}

export function commandRules({ startsWithAll, rules }: Selector): string {
  return [startsWithAll ? "+@all" : "-@all", ...rules].join(" ");
}

export function keyRules({ allKeys, keys }: Selector): string {
  return allKeys ? "~*" : keys.map(({ rule }) => rule).join(" ");
}

export function channelRules({ allChannels, channels }: Selector): string {
  return allChannels ? "&*" : channels.map(({ text }) => `&${text}`).join(" ");
}

function selectorRules(selector: Selector): string {
  const channels = channelRules(selector);
  return [
    keyRules(selector),
    selector.allChannels ? "" : "resetchannels",
    channels,
    commandRules(selector),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

/** All rules of a user, without the name. */
export function describeUser(user: User): string {
  const [root, ...others] = user.selectors;
  return [
    ...userFlags(user),
    ...user.passwords.map((hash) => `#${hash}`),
    selectorRules(root),
    ...others.map((selector) => `(${selectorRules(selector)})`),
  ].join(" ");
}

/** A line of an ACL file, and of ACL LIST. */
export function userLine(user: User): string {
  return `user ${user.name} ${describeUser(user)}`;
}
