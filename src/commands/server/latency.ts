/** LATENCY: spikes by event, and how long each command takes. */
import type { Call } from "../../engine/call.ts";
import { ADMIN, command, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";
import type { Command } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import type { LatencyHistogram } from "../../engine/latency-histogram.ts";
import { doctorReport } from "./_latency-doctor.ts";
import { graphOf } from "./_latency-graph.ts";

const SUBCOMMAND = {
  group: "server",
  since: "2.8.13",
  complexity: "O(1)",
  flags: ADMIN | NOSCRIPT | LOADING | STALE,
  tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
} as const;

/** Buckets end at powers of two microseconds (1,024 ns each, as Redis counts them). */
const FIRST_BUCKET_NS = 1024;
/** Redis's histograms keep two digits and name a bucket by the largest value that falls in it. */
const ROUNDED_UP = 129 / 128;

const latest = command({
  ...SUBCOMMAND,
  name: "latest",
  summary: "Returns the last and the worst spike of each event.",
  arity: 2,
  run(call) {
    const { reply } = call;
    const { events } = call.engine.latency;
    reply.array(events.size);
    for (const [name, event] of events) {
      const last = event.spikes[event.spikes.length - 1];
      reply.array(4);
      reply.bulkText(name);
      reply.integer(last.atSeconds);
      reply.integer(last.latencyMs);
      reply.integer(event.maxMs);
    }
  },
});

const history = command({
  ...SUBCOMMAND,
  name: "history",
  summary: "Returns the times and lengths of an event's spikes.",
  arity: 3,
  args: [{ name: "event", type: "string" }],
  run(call) {
    const spikes = call.engine.latency.events.get(call.text(2))?.spikes ?? [];
    call.reply.array(spikes.length);
    for (const spike of spikes) {
      call.reply.array(2);
      call.reply.integer(spike.atSeconds);
      call.reply.integer(spike.latencyMs);
    }
  },
});

const graph = command({
  ...SUBCOMMAND,
  name: "graph",
  summary: "Draws an event's spikes as text.",
  arity: 3,
  args: [{ name: "event", type: "string" }],
  run(call) {
    const name = call.text(2);
    const event = call.engine.latency.events.get(name);
    if (event === undefined) call.fail(`ERR No samples available for event '${name}'`);
    else call.reply.verbatim(graphOf(name, event, Math.floor(call.nowMs / 1000)));
  },
});

const doctor = command({
  ...SUBCOMMAND,
  name: "doctor",
  summary: "Describes the spikes in words and says what may help.",
  arity: 2,
  run: (call) => call.reply.verbatim(doctorReport(call.engine)),
});

const reset = command({
  ...SUBCOMMAND,
  name: "reset",
  summary: "Forgets the spikes of some or all events.",
  arity: -2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  args: [{ name: "event", type: "string", optional: true, multiple: true }],
  run(call) {
    const names: string[] = [];
    for (let i = 2; i < call.count; i++) names.push(call.text(i));
    call.reply.integer(call.engine.latency.reset(names));
  },
});

const histogram = command({
  ...SUBCOMMAND,
  name: "histogram",
  since: "7.0.0",
  summary: "Returns the distribution of the durations of commands.",
  complexity: "O(N) where N is the number of commands with latency information being retrieved.",
  arity: -2,
  args: [{ name: "command", type: "string", optional: true, multiple: true }],
  run(call) {
    const { histograms } = call.engine.timing;
    const chosen: [Command, LatencyHistogram][] = [];
    for (const wanted of wantedCommands(call)) {
      const found = histograms.get(wanted);
      if (found !== undefined) chosen.push([wanted, found]);
    }
    call.reply.map(chosen.length);
    for (const [named, counts] of chosen) replyHistogram(call, named, counts);
  },
});

const help = command({
  ...SUBCOMMAND,
  name: "help",
  summary: "Describes the subcommands.",
  arity: 2,
  flags: LOADING | STALE,
  tips: [],
  run: (call) =>
    replyHelp(call, "LATENCY", [
      "DOCTOR",
      "    Return a human readable latency analysis report.",
      "GRAPH <event>",
      "    Return an ASCII latency graph for the <event> class.",
      "HISTORY <event>",
      "    Return time-latency samples for the <event> class.",
      "LATEST",
      "    Return the latest latency samples for all events.",
      "RESET [<event> ...]",
      "    Reset latency data of one or more <event> classes.",
      "    (default: reset all data for all event classes)",
      "HISTOGRAM [COMMAND ...]",
      "    Return a cumulative distribution of latencies in the format of a histogram for the " +
        "specified command names.",
      "    If no commands are specified then all histograms are replied.",
    ]),
});

export const latency = command({
  name: "latency",
  group: "server",
  since: "2.8.13",
  summary: "Shows where time is lost.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [doctor, graph, help, histogram, history, latest, reset],
});

/** The named commands, a container standing for its subcommands; without names, all. */
function wantedCommands(call: Call): Command[] {
  const { table } = call.engine;
  if (call.count === 2) return table.all();
  const wanted: Command[] = [];
  for (let i = 2; i < call.count; i++) {
    const named = table.byName(call.text(i));
    if (named === null) continue;
    if (named.subcommands.length > 0) wanted.push(...named.subcommands);
    else wanted.push(named);
  }
  return wanted;
}

function replyHistogram(call: Call, named: Command, counts: LatencyHistogram): void {
  const { reply } = call;
  reply.bulkText(named.fullName);
  reply.map(2);
  reply.bulkText("calls");
  reply.integer(counts.total);
  reply.bulkText("histogram_usec");
  const mark = reply.beginDeferred();
  let buckets = 0;
  let before = 0;
  for (let limitNs = FIRST_BUCKET_NS; before < counts.total; limitNs *= 2) {
    const within = counts.countWithin(limitNs);
    if (within === before && before > 0) continue;
    if (within === 0) continue;
    reply.integer(Math.floor((limitNs * ROUNDED_UP) / 1000));
    reply.integer(within);
    before = within;
    buckets++;
  }
  reply.endDeferredMap(mark, buckets);
}
