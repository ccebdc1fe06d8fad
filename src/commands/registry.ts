/**
 * Every command of the server. A family's file exports its commands as constants; to add one to
 * a family is one edit there. A new family's file is named here once.
 */
import { Command } from "../engine/command.ts";
import * as aclCommand from "./acl/acl.ts";
import * as bitfields from "./bitmaps/bitfield.ts";
import * as bits from "./bitmaps/bits.ts";
import * as connection from "./connection/basic.ts";
import * as client from "./connection/client.ts";
import * as monitor from "./connection/monitor.ts";
import * as positions from "./geo/positions.ts";
import * as radius from "./geo/radius.ts";
import * as geoSearch from "./geo/search.ts";
import * as hashExpiry from "./hashes/expiry.ts";
import * as hashFields from "./hashes/fields.ts";
import * as hashNumbers from "./hashes/numbers.ts";
import * as hashWalks from "./hashes/walks.ts";
import * as hyperLogLogs from "./hyperloglog/hyperloglog.ts";
import * as keyBasics from "./keys/basic.ts";
import * as databases from "./keys/databases.ts";
import * as dumping from "./keys/dump.ts";
import * as expiry from "./keys/expire.ts";
import * as migrating from "./keys/migrate.ts";
import * as object from "./keys/object.ts";
import * as restoring from "./keys/restore.ts";
import * as scanning from "./keys/scan.ts";
import * as listBlocking from "./lists/blocking.ts";
import * as listElements from "./lists/elements.ts";
import * as listEnds from "./lists/ends.ts";
import * as listMoves from "./lists/moves.ts";
import * as messages from "./pubsub/messages.ts";
import * as subscriptions from "./pubsub/subscriptions.ts";
import * as roles from "./replication/roles.ts";
import * as replicationStream from "./replication/stream.ts";
import * as waiting from "./replication/waiting.ts";
import * as serverBasics from "./server/basic.ts";
import * as commandInfo from "./server/command.ts";
import * as config from "./server/config.ts";
import * as debug from "./server/debug.ts";
import * as info from "./server/info.ts";
import * as latency from "./server/latency.ts";
import * as memory from "./server/memory.ts";
import * as rewriting from "./server/rewrite.ts";
import * as saving from "./server/save.ts";
import * as shutdown from "./server/shutdown.ts";
import * as slowlog from "./server/slowlog.ts";
import * as setAlgebra from "./sets/algebra.ts";
import * as setMembers from "./sets/members.ts";
import * as randomMembers from "./sets/random.ts";
import * as sortedSetAlgebra from "./sorted-sets/algebra.ts";
import * as sortedSetBlocking from "./sorted-sets/blocking.ts";
import * as sortedSetMembers from "./sorted-sets/members.ts";
import * as sortedSetPops from "./sorted-sets/pops.ts";
import * as randomScored from "./sorted-sets/random.ts";
import * as rangeEdits from "./sorted-sets/range-edits.ts";
import * as sortedSetRanges from "./sorted-sets/ranges.ts";
import * as sorting from "./sorting/sort.ts";
import * as streamChanges from "./streams/changes.ts";
import * as streamClaiming from "./streams/claiming.ts";
import * as streamGroupReading from "./streams/group-reading.ts";
import * as streamGroups from "./streams/groups.ts";
import * as streamInfo from "./streams/info.ts";
import * as streamPending from "./streams/pending.ts";
import * as streamRanges from "./streams/ranges.ts";
import * as streamReading from "./streams/reading.ts";
import * as stringBasics from "./strings/basic.ts";
import * as counters from "./strings/counters.ts";
import * as lcs from "./strings/lcs.ts";
import * as manyStrings from "./strings/many.ts";
import * as stringRanges from "./strings/ranges.ts";
import * as transactions from "./transactions/transactions.ts";

const FAMILIES: readonly object[] = [
  aclCommand,
  bitfields,
  bits,
  connection,
  client,
  monitor,
  positions,
  radius,
  geoSearch,
  hashExpiry,
  hashFields,
  hashNumbers,
  hashWalks,
  hyperLogLogs,
  keyBasics,
  databases,
  dumping,
  expiry,
  migrating,
  object,
  restoring,
  scanning,
  listBlocking,
  listElements,
  listEnds,
  listMoves,
  messages,
  subscriptions,
  roles,
  replicationStream,
  waiting,
  serverBasics,
  commandInfo,
  config,
  debug,
  info,
  latency,
  memory,
  rewriting,
  saving,
  shutdown,
  slowlog,
  setAlgebra,
  setMembers,
  randomMembers,
  sortedSetAlgebra,
  sortedSetBlocking,
  sortedSetMembers,
  sortedSetPops,
  randomScored,
  rangeEdits,
  sortedSetRanges,
  sorting,
  streamChanges,
  streamClaiming,
  streamGroupReading,
  streamGroups,
  streamInfo,
  streamPending,
  streamRanges,
  streamReading,
  stringBasics,
  counters,
  lcs,
  manyStrings,
  stringRanges,
  transactions,
];

export function allCommands(): Command[] {
  const commands: Command[] = [];
  for (const family of FAMILIES) {
    for (const exported of Object.values(family)) {
      // A container is exported; its subcommands hang on it.
      if (exported instanceof Command && exported.parent === null) commands.push(exported);
    }
  }
  return commands;
}
