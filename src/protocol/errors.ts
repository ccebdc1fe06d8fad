/** Every error text that a client can receive, word for word Redis's: clients match on them. */

export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const NOT_A_HYPERLOGLOG = "WRONGTYPE Key is not a valid HyperLogLog string value.";
export const CORRUPT_HYPERLOGLOG = "INVALIDOBJ Corrupted HLL object detected";
export const SYNTAX = "ERR syntax error";
export const NO_SUCH_KEY = "ERR no such key";
export const NOT_AN_INTEGER = "ERR value is not an integer or out of range";
export const NOT_AN_INT32 =
  "ERR value is out of range, value must between -2147483648 and 2147483647";
export const NOT_A_FLOAT = "ERR value is not a valid float";
export const NOT_POSITIVE = "ERR value is out of range, must be positive";
export const OUT_OF_RANGE = "ERR value is out of range";
export const OVERFLOW = "ERR increment or decrement would overflow";
export const DECREMENT_OVERFLOW = "ERR decrement would overflow";
export const OFFSET_OUT_OF_RANGE = "ERR offset is out of range";
export const SAME_OBJECT = "ERR source and destination objects are the same";
export const BUSY_KEY = "BUSYKEY Target key name already exists.";
export const BAD_DUMP_PAYLOAD = "ERR DUMP payload version or checksum are wrong";
export const BAD_RESTORE_DATA = "ERR Bad data format";
export const NEGATIVE_RESTORE_TTL = "ERR Invalid TTL value, must be >= 0";
export const NEGATIVE_IDLE_TIME = "ERR Invalid IDLETIME value, must be >= 0";
export const RESTORE_FREQUENCY_RANGE = "ERR Invalid FREQ value, must be >= 0 and <= 255";
export const INVALID_CURSOR = "ERR invalid cursor";
export const BAD_BIT = "ERR bit is not an integer or out of range";
export const BAD_BIT_OFFSET = "ERR bit offset is not an integer or out of range";
export const BAD_BITFIELD_TYPE =
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 " +
  "is.";
export const INDEX_OUT_OF_RANGE = "ERR index out of range";
export const UNKNOWN_UNIT = "ERR unsupported unit provided. please use M, KM, FT, MI";
export const NO_SUCH_POSITION = "ERR could not decode requested zset member";
export const BAD_SCORE_RANGE = "ERR min or max is not a float";
export const BAD_MEMBER_RANGE = "ERR min or max not valid string range item";
export const NOT_FINITE = "ERR value is NaN or Infinity";
export const HASH_VALUE_NOT_AN_INTEGER = "ERR hash value is not an integer";
export const HASH_VALUE_NOT_A_FLOAT = "ERR hash value is not a float";
export const BAD_STREAM_ID = "ERR Invalid stream ID specified as stream command argument";
export const STREAM_ID_ZERO = "ERR The ID specified in XADD must be greater than 0-0";
export const STREAM_ID_TOO_SMALL =
  "ERR The ID specified in XADD is equal or smaller than the target stream top item";
export const STREAM_IDS_EXHAUSTED =
  "ERR The stream has exhausted the last possible ID, unable to add more items";
export const STREAM_ENTRY_TOO_LARGE = "ERR Elements are too large to be stored";
export const TRIM_TWICE =
  "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
export const TRIM_LENGTH_NEGATIVE = "ERR The MAXLEN argument must be >= 0.";
export const TRIM_LIMIT_NEGATIVE = "ERR The LIMIT argument must be >= 0.";
export const TRIM_LIMIT_ALONE =
  "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
export const TRIM_MISSING = "ERR syntax error, XTRIM must be called with a trimming strategy";
export const TRIM_LIMIT_EXACT =
  "ERR syntax error, LIMIT cannot be used without the special ~ option";
export const BAD_RANGE_START = "ERR invalid start ID for the interval";
export const BAD_RANGE_END = "ERR invalid end ID for the interval";
export const ENTRIES_ADDED_NEGATIVE = "ERR entries_added must be positive";
export const ENTRIES_ADDED_TOO_SMALL =
  "ERR The entries_added specified in XSETID is smaller than the target stream length";
export const LAST_ID_BELOW_DELETED =
  "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
export const LAST_ID_TOO_SMALL =
  "ERR The ID specified in XSETID is smaller than the target stream top item";
export const GROUP_IN_XREAD =
  "ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.";
export const NOACK_IN_XREAD =
  "ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.";
export const NEW_ID_IN_XREAD =
  "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> " +
  "option.";
export const LAST_ID_IN_XREADGROUP =
  "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of " +
  "this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would " +
  "just return an empty result set.";
export const GROUP_MISSING = "ERR Missing GROUP option for XREADGROUP";
export const ENTRIES_READ_NEGATIVE = "ERR value for ENTRIESREAD must be positive or -1";
export const XGROUP_NEEDS_KEY =
  "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use " +
  "the MKSTREAM option to create an empty stream automatically.";
export const GROUP_EXISTS = "BUSYGROUP Consumer Group name already exists";
export const CLAIM_COUNT_NOT_POSITIVE = "ERR COUNT must be > 0";
export const NAN_OR_INFINITY = "ERR increment would produce NaN or Infinity";
export const EXPIRE_NEGATIVE = "ERR invalid expire time, must be >= 0";
export const FIELDS_MISSING =
  "ERR Mandatory argument FIELDS is missing or not at the right position";
export const FIELDS_TO_EXPIRE_NOT_POSITIVE = "ERR Parameter `numFields` should be greater than 0";
export const FIELDS_NOT_POSITIVE = "ERR Number of fields must be a positive integer";
export const FIELDS_MISCOUNTED = "ERR The `numfields` parameter must match the number of arguments";
export const STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
export const TIMEOUT_NOT_A_FLOAT = "ERR timeout is not a float or out of range";
export const TIMEOUT_NOT_AN_INTEGER = "ERR timeout is not an integer or out of range";
export const TIMEOUT_NEGATIVE = "ERR timeout is negative";
export const TIMEOUT_OUT_OF_RANGE = "ERR timeout is out of range";
export const UNBLOCKED = "UNBLOCKED client unblocked via CLIENT UNBLOCK";
export const INVALID_DB_INDEX = "ERR DB index is out of range";
export const NOT_AUTHENTICATED = "NOAUTH Authentication required.";
export const NO_HELLO_AUTH =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO " +
  "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the " +
  "RESP protocol version at the same time";
export const AUTH_WITHOUT_PASSWORD =
  "ERR AUTH <password> called without any password configured for the default user. Are you " +
  "sure your configuration is correct?";
export const BAD_CLIENT_NAME =
  "ERR Client names cannot contain spaces, newlines or special characters.";
export const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
export const NO_ACL_FILE =
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users " +
  "via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis " +
  "configuration file set) in order to store users in the Redis configuration.";
export const ACL_SAVE_FAILED =
  "ERR There was an error trying to save the ACLs. Please check the server logs for more " +
  "information";
export const LOADING = "LOADING Redis is loading the dataset in memory";
export const OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
export const READ_ONLY_REPLICA = "READONLY You can't write against a read only replica.";
export const PRIMARY_DOWN =
  "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";
export const ROLE_CHANGED =
  "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";
export const INVALID_PRIMARY_PORT = "ERR Invalid master port";
export const REPLICAOF_BY_REPLICA = "ERR Command is not valid when client is a replica.";
export const TOO_FEW_REPLICAS = "NOREPLICAS Not enough good replicas to write.";
export const WAIT_ON_REPLICA =
  "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a " +
  "replica is configured to be writable (which is not the default) writes to replicas are just " +
  "local and are not propagated.";
export const WAITAOF_ON_REPLICA =
  "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas " +
  "are just local and are not propagated.";
export const WAITAOF_WITHOUT_AOF =
  "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
/** MONITOR makes its connection a kind of replica. */
export const LISTENER_WITHOUT_KEYS = "ERR Replica can't interact with the keyspace";
/** Pedis's own: a reply that does not fit 2 GiB. */
export const REPLY_TOO_LARGE = "ERR the reply is larger than 2 GiB";
export const MIGRATE_KEY_AND_KEYS =
  "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string";
export const TARGET_NOT_REACHED = "IOERR error or timeout connecting to the client";
export const TARGET_NOT_WRITTEN = "IOERR error or timeout writing to target instance";
export const TARGET_NOT_READ = "IOERR error or timeout reading to target instance";
/** Pedis's own: what runs as part of something larger can't wait for another server. */
export const MIGRATE_CANNOT_WAIT = "ERR MIGRATE is not possible within a transaction or a script";
export const MAX_CLIENTS = "ERR max number of clients reached";

export const PROTECTED_MODE =
  "DENIED Redis is running in protected mode because protected mode is enabled and no password " +
  "is set for the default user. In this mode connections are only accepted from the loopback " +
  "interface. If you want to connect from external computers to Redis you may adopt one of the " +
  "following solutions: 1) Just disable protected mode sending the command 'CONFIG SET " +
  "protected-mode no' from the loopback interface by connecting to Redis from the same host " +
  "the server is running, however MAKE SURE Redis is not publicly accessible from internet if " +
  "you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just " +
  "disable the protected mode by editing the Redis configuration file, and setting the " +
  "protected mode option to 'no', and then restarting the server. 3) If you started the server " +
  "manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an " +
  "authentication password for the default user. NOTE: You only need to do one of the above " +
  "things in order for the server to start accepting connections from the outside.";

/** As a C string is printed: up to its first NUL byte. */
function shown(text: string, limit: number): string {
  const nul = text.indexOf("\0");
  return text.slice(0, nul < 0 ? limit : Math.min(nul, limit));
}

export function unknownCommand(name: string, args: readonly string[]): string {
  let beginning = "";
  for (const arg of args) {
    if (beginning.length >= 128) break;
    beginning += `'${shown(arg, 128 - beginning.length)}' `;
  }
  return `ERR unknown command '${shown(name, 128)}', with args beginning with: ${beginning}`;
}

export function unknownSubcommand(container: string, name: string): string {
  return `ERR unknown subcommand '${shown(name, 128)}'. Try ${container.toUpperCase()} HELP.`;
}

/** Where a container looks at its arguments itself (DEBUG). */
export function unknownSubcommandOrArity(container: string, name: string): string {
  return (
    `ERR unknown subcommand or wrong number of arguments for '${shown(name, 128)}'. ` +
    `Try ${container.toUpperCase()} HELP.`
  );
}

/** XREAD and XREADGROUP; `symbol` is the special ID that each has. */
export function unbalancedStreams(commandName: string, symbol: string): string {
  return (
    `ERR Unbalanced '${commandName}' list of streams: for each stream key an ID or '${symbol}' ` +
    "must be specified."
  );
}

/** `option` of XCLAIM or XAUTOCLAIM is no integer. */
export function badClaimOption(option: string, commandName: string): string {
  return `ERR Invalid ${option} argument for ${commandName}`;
}

export function unknownClaimOption(option: string): string {
  return `ERR Unrecognized XCLAIM option '${shown(option, Infinity)}'`;
}

/** XREADGROUP says where it missed the group (`context`). */
export function noKeyOrGroup(key: string, group: string, context = ""): string {
  const [keyName, groupName] = [shown(key, Infinity), shown(group, Infinity)];
  return `NOGROUP No such key '${keyName}' or consumer group '${groupName}'${context}`;
}

export function noGroup(group: string, key: string): string {
  const name = shown(group, Infinity);
  return `NOGROUP No such consumer group '${name}' for key name '${shown(key, Infinity)}'`;
}

/** PFDEBUG, which knows its subcommands itself. */
export function unknownHyperLogLogDebug(name: string): string {
  return `ERR Unknown PFDEBUG subcommand '${shown(name, Infinity)}'`;
}

export function wrongArity(fullName: string): string {
  return `ERR wrong number of arguments for '${fullName}' command`;
}

/** A RESP2 client that has subscribed wants something else. */
export function onlyForSubscribers(name: string): string {
  return (
    `ERR Can't execute '${name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET ` +
    "are allowed in this context"
  );
}

/** Something that expects one reply per command wants to subscribe. */
export function needsReplies(name: string): string {
  return `ERR ${name.toUpperCase()} isn't allowed for a DENY BLOCKING client`;
}

export function protectedCommand(name: string): string {
  const option = `enable-${name}-command`;
  return (
    `ERR ${name.toUpperCase()} command not allowed. If the ${option} option is set to ` +
    `"local", you can run it from a local connection, otherwise you need to set this option ` +
    "in the configuration file, and then restart the server."
  );
}

/** What went wrong is in the log. */
export const FAILED = "ERR";
export const ALREADY_REWRITING = "ERR Background append only file rewriting already in progress";
export const CANNOT_REWRITE =
  "ERR Can't execute an AOF background rewriting. Please check the server logs for more " +
  "information.";
export const ALREADY_SAVING = "ERR Background save already in progress";
export const OTHER_CHILD_IS_ACTIVE =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in " +
  "order to schedule a BGSAVE whenever possible.";
export const CANNOT_SHUT_DOWN = "ERR Errors trying to SHUTDOWN. Check logs.";
export const SHUTDOWN_MAY_BLOCK =
  "ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client";
export const MISCONFIGURED_RDB =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to " +
  "disk. Commands that may modify the data set are disabled, because this instance is " +
  "configured to report errors during writes if RDB snapshotting fails " +
  "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB " +
  "error.";

export function misconfiguredAof(reason: string): string {
  return `MISCONF Errors writing to the AOF file: ${reason}`;
}

export function invalidExpire(command: string): string {
  return `ERR invalid expire time in '${command}' command`;
}

/** An integer outside of what the command takes. */
export function rangeProblem(least: bigint, most: bigint): string {
  return `ERR value is out of range, value must between ${least} and ${most}`;
}

/** GEOSEARCH and GEOSEARCHSTORE, by the name that the client wrote. */
export function neitherOf(options: string, command: string): string {
  return `ERR exactly one of ${options} can be specified for ${shown(command, Infinity)}`;
}

/** As printf's "%f" writes the two: six digits after the point, half to even. */
export function invalidPosition(longitude: number, latitude: number): string {
  return `ERR invalid longitude,latitude pair ${fixed(longitude)},${fixed(latitude)}`;
}

function fixed(value: number): string {
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const magnitude = Math.abs(value);
  if (magnitude >= 2 ** 53) return `${sign}${BigInt(magnitude)}.000000`;
  // Only multiples of 2^-7 lie in the middle between two such numbers; toFixed rounds them up.
  const isTie = Number.isInteger(magnitude * 128) && !Number.isInteger(magnitude * 64);
  if (!isTie) return sign + magnitude.toFixed(6);
  const digits = magnitude.toFixed(7).slice(0, -1);
  return sign + (Number(digits.at(-1)) % 2 === 0 ? digits : magnitude.toFixed(6));
}

export const NOT_IN_TRANSACTION = "ERR Command not allowed inside a transaction";
export const TRANSACTION_ABORTED = "EXECABORT Transaction discarded because of previous errors.";

/** EXEC itself was rejected: the transaction is over all the same. */
export function transactionDiscarded(error: string): string {
  const reason = error.startsWith("ERR ") ? error.slice(4) : error;
  return `EXECABORT Transaction discarded because of: ${reason}`;
}

/** SORT's BY and GET, whose keys an ACL can't know beforehand. */
export function sortOptionDenied(option: string): string {
  return `ERR ${option} option of SORT denied due to insufficient ACL permissions.`;
}

/** `error` as the target of MIGRATE sent it. */
export function targetRefused(error: string): string {
  return `ERR Target instance replied with error: ${error}`;
}
