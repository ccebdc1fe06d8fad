/** The subcommands of CLIENT about client-side caching; the work is done in engine/tracking.ts. */
import type { Call } from "../../engine/call.ts";
import type { TrackingOptions } from "../../engine/client-tracking.ts";
import { command, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";
import { SYNTAX } from "../../protocol/errors.ts";

const SUBCOMMAND = {
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: NOSCRIPT | LOADING | STALE,
  categories: ["connection"],
} as const;

const FIRST_OPTION = 3;

export const caching = command({
  ...SUBCOMMAND,
  name: "caching",
  since: "6.0.0",
  summary: "Says whether the keys of the next request are to be tracked.",
  arity: 3,
  args: [
    {
      name: "mode",
      type: "oneof",
      parts: [
        { name: "yes", type: "pure-token", token: "YES" },
        { name: "no", type: "pure-token", token: "NO" },
      ],
    },
  ],
  run: sayWhetherToCache,
});

export const getredir = command({
  ...SUBCOMMAND,
  name: "getredir",
  since: "6.0.0",
  summary: "Returns the number of the connection that tracking redirects to.",
  run: (call) => call.reply.integer(call.session.tracking?.redirectId ?? -1),
});

export const tracking = command({
  ...SUBCOMMAND,
  name: "tracking",
  since: "6.0.0",
  summary: "Turns messages about changed keys, for caches of clients, on or off.",
  complexity: "O(1). Some options may introduce additional complexity.",
  arity: -3,
  args: [
    {
      name: "status",
      type: "oneof",
      parts: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
      ],
    },
    { name: "client-id", type: "integer", token: "REDIRECT", optional: true },
    {
      name: "prefix",
      type: "string",
      token: "PREFIX",
      optional: true,
      multiple: true,
      multipleToken: true,
    },
    { name: "bcast", type: "pure-token", token: "BCAST", optional: true },
    { name: "optin", type: "pure-token", token: "OPTIN", optional: true },
    { name: "optout", type: "pure-token", token: "OPTOUT", optional: true },
    { name: "noloop", type: "pure-token", token: "NOLOOP", optional: true },
  ],
  run: turnTracking,
});

export const trackinginfo = command({
  ...SUBCOMMAND,
  name: "trackinginfo",
  since: "6.2.0",
  summary: "Describes the connection's tracking.",
  run: describe,
});

function turnTracking(call: Call): void {
  const { session, engine } = call;
  const options = readOptions(call);
  if (options === null) return;
  if (call.is(2, "ON")) {
    const problem = disagreement(call, options) ?? overlap(call, options);
    if (problem !== null) {
      call.fail(problem);
      return;
    }
    engine.tracking.enable(session, options);
  } else if (call.is(2, "OFF")) {
    engine.tracking.disable(session);
  } else {
    call.syntaxError();
    return;
  }
  call.reply.ok();
}

/** Null: an error has been replied. */
function readOptions(call: Call): TrackingOptions | null {
  const prefixes: string[] = [];
  const given = new Set<string>();
  let redirectId = 0;
  for (let i = FIRST_OPTION; i < call.count; i++) {
    const hasMore = i + 1 < call.count;
    const word = call.text(i).toUpperCase();
    if (word === "REDIRECT" && hasMore) {
      if (redirectId !== 0) {
        call.refuse("ERR A client can only redirect to a single other client");
      }
      redirectId = readClientId(call, ++i);
    } else if (word === "PREFIX" && hasMore) {
      prefixes.push(call.text(++i));
    } else if (word === "BCAST" || word === "OPTIN" || word === "OPTOUT" || word === "NOLOOP") {
      given.add(word);
    } else {
      call.refuse(SYNTAX);
    }
    if (call.refused()) return null;
  }
  return {
    redirectId,
    isBroadcast: given.has("BCAST"),
    isOptIn: given.has("OPTIN"),
    isOptOut: given.has("OPTOUT"),
    isNoLoop: given.has("NOLOOP"),
    prefixes,
  };
}

/** The number of a client that is there now, though it may leave later. */
function readClientId(call: Call, index: number): number {
  const id = Number(call.int64(index));
  if (call.engine.clients.byId(id) === null) {
    call.refuse("ERR The client ID you want redirect to does not exist");
  }
  return id;
}

/** Why the options do not go together, or not with those that are set already. */
function disagreement(call: Call, options: TrackingOptions): string | null {
  const { isBroadcast, isOptIn, isOptOut } = options;
  const current = call.session.tracking;
  if (!isBroadcast && options.prefixes.length > 0) {
    return "ERR PREFIX option requires BCAST mode to be enabled";
  }
  if (current !== null && current.isBroadcast !== isBroadcast) {
    return (
      "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and " +
      "then re-enabling it with a different mode."
    );
  }
  if (isBroadcast && (isOptIn || isOptOut)) {
    return "ERR OPTIN and OPTOUT are not compatible with BCAST";
  }
  if (isOptIn && isOptOut) return "ERR You can't specify both OPTIN mode and OPTOUT mode";
  if (current !== null && ((isOptIn && current.isOptOut) || (isOptOut && current.isOptIn))) {
    return (
      "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and " +
      "then re-enabling it with a different mode."
    );
  }
  return null;
}

/** Two prefixes of a client must not begin the same key. */
function overlap(call: Call, { prefixes }: TrackingOptions): string | null {
  const existing = call.session.tracking?.prefixes ?? [];
  for (const [i, prefix] of prefixes.entries()) {
    const old = existing.find((other) => doOverlap(prefix, other));
    if (old !== undefined) return overlapping(prefix, `an existing prefix '${old}'`);
    const given = prefixes.slice(i + 1).find((other) => doOverlap(prefix, other));
    if (given !== undefined) return overlapping(prefix, `another provided prefix '${given}'`);
  }
  return null;
}

function doOverlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function overlapping(prefix: string, what: string): string {
  return (
    `ERR Prefix '${prefix}' overlaps with ${what}. ` +
    "Prefixes for a single client must not overlap."
  );
}

function sayWhetherToCache(call: Call): void {
  const current = call.session.tracking;
  if (current === null) {
    call.fail(
      "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or " +
        "OPTOUT mode enabled",
    );
  } else if (!call.is(2, "YES") && !call.is(2, "NO")) {
    call.syntaxError();
  } else if (call.is(2, "YES") && !current.isOptIn) {
    call.fail("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
  } else if (call.is(2, "NO") && !current.isOptOut) {
    call.fail("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
  } else {
    current.isCaching = true;
    call.reply.ok();
  }
}

function describe(call: Call): void {
  const { reply } = call;
  const current = call.session.tracking;
  const flags = [current === null ? "off" : "on"];
  if (current !== null) {
    const { isCaching } = current;
    if (current.isBroadcast) flags.push("bcast");
    if (current.isOptIn) flags.push("optin", ...(isCaching ? ["caching-yes"] : []));
    if (current.isOptOut) flags.push("optout", ...(isCaching ? ["caching-no"] : []));
    if (current.isNoLoop) flags.push("noloop");
    if (current.isRedirectBroken) flags.push("broken_redirect");
  }
  reply.map(3);
  reply.bulkText("flags");
  reply.set(flags.length);
  for (const flag of flags) reply.bulkText(flag);
  reply.bulkText("redirect");
  reply.integer(current?.redirectId ?? -1);
  reply.bulkText("prefixes");
  const prefixes = current?.prefixes ?? [];
  reply.array(prefixes.length);
  for (const prefix of prefixes) reply.bulkText(prefix);
}
