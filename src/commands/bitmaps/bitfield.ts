/**
 * BITFIELD: integers of any width up to 64 bits at any bit of a string. All operations are read
 * and checked first; then the string is grown once, as far as a write reaches, and they run in
 * order. Arithmetic is exact, by BigInt.
 */
import { parseSafeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  KEY_VARIABLE_FLAGS,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { NOTIFY_NONE, NOTIFY_STRING } from "../../engine/key-events.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { TYPE_STRING } from "../../memory/entry.ts";
import type { Arguments } from "../../protocol/arguments.ts";
import { BAD_BITFIELD_TYPE, SYNTAX } from "../../protocol/errors.ts";
import { readField, writeField } from "../../values/bits.ts";
import { bitOffset } from "./_offset.ts";

type Overflow = "WRAP" | "SAT" | "FAIL";

interface Operation {
  readonly kind: "GET" | "SET" | "INCRBY";
  readonly isSigned: boolean;
  readonly width: number;
  readonly offset: number;
  readonly amount: bigint;
  readonly overflow: Overflow;
}

const SIGNED = 105;
const UNSIGNED = 117;

const ENCODING_OFFSET: readonly ArgumentDoc[] = [
  { name: "encoding", type: "string" },
  { name: "offset", type: "integer" },
];

export const bitfield = command({
  name: "bitfield",
  group: "bitmap",
  since: "3.2.0",
  summary: "Reads, sets and adds to integers of any width within a string.",
  complexity: "O(1) for each subcommand specified",
  arity: -2,
  flags: WRITE | DENYOOM,
  categories: ["bitmap"],
  keys: [
    {
      ...keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS, 1),
      notes: "This command allows both access and modification of the key",
    },
  ],
  findKeys(args, offset, found) {
    const flags = onlyReads(args, offset + 2) ? KEY_RO : KEY_RW | KEY_UPDATE;
    found.add(offset + 1, flags | KEY_ACCESS);
    return true;
  },
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "operation",
      type: "oneof",
      multiple: true,
      optional: true,
      parts: [
        { name: "encoding_offset", type: "block", token: "GET", parts: ENCODING_OFFSET },
        {
          name: "write",
          type: "block",
          parts: [
            {
              name: "wrap_sat_fail",
              type: "oneof",
              token: "OVERFLOW",
              optional: true,
              parts: [
                { name: "wrap", type: "pure-token", token: "WRAP" },
                { name: "sat", type: "pure-token", token: "SAT" },
                { name: "fail", type: "pure-token", token: "FAIL" },
              ],
            },
            {
              name: "write_operation",
              type: "oneof",
              parts: [
                {
                  name: "encoding_offset_value",
                  type: "block",
                  token: "SET",
                  parts: [...ENCODING_OFFSET, { name: "value", type: "integer" }],
                },
                {
                  name: "encoding_offset_increment",
                  type: "block",
                  token: "INCRBY",
                  parts: [...ENCODING_OFFSET, { name: "increment", type: "integer" }],
                },
              ],
            },
          ],
        },
      ],
    },
  ],
  run: (call) => runOperations(call, true),
});

export const bitfieldRo = command({
  name: "bitfield_ro",
  group: "bitmap",
  since: "6.0.0",
  summary: "Reads integers of any width within a string.",
  complexity: "O(1) for each subcommand specified",
  arity: -2,
  flags: READONLY | FAST,
  categories: ["bitmap"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "encoding_offset",
      type: "block",
      token: "GET",
      optional: true,
      multiple: true,
      multipleToken: true,
      parts: ENCODING_OFFSET,
    },
  ],
  run: (call) => runOperations(call, false),
});

function runOperations(call: Call, mayWrite: boolean): void {
  const operations = readOperations(call);
  if (call.refused()) return;
  const writing = operations.filter(({ kind }) => kind !== "GET");
  if (writing.length > 0 && !mayWrite) {
    call.fail("ERR BITFIELD_RO only supports the GET subcommand");
    return;
  }
  const ref = writing.length > 0 ? call.writeKey(1) : call.readKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  let lastBit = -1;
  for (const { offset, width } of writing) lastBit = Math.max(lastBit, offset + width - 1);
  const entry = new EditedString(call, ref, Math.floor(lastBit / 8) + 1);
  call.reply.array(operations.length);
  let changes = 0;
  for (const operation of operations) if (runOne(call, entry, operation)) changes++;
  if (!entry.isChanged) return;
  // Made or grown for an operation that then failed: Redis tells nobody.
  call.changed(changes === 0 ? NOTIFY_NONE : NOTIFY_STRING, "setbit", 1);
  if (changes > 1) call.changedMany(changes - 1);
}

/** A string that is made, grown or turned raw only once something in it must change. */
class EditedString {
  isChanged = false;
  /** Made or grown before the first operation. */
  readonly isResized: boolean;
  private readonly call: Call;
  private ref: Ref;

  constructor(call: Call, ref: Ref, wantedBytes: number) {
    this.call = call;
    this.ref = ref;
    if (ref !== NULL_REF) {
      if (call.database.stringOf(ref).length < wantedBytes) this.grow(wantedBytes);
    } else if (wantedBytes > 0) {
      this.ref = call.storeRaw(1, ref, new Uint8Array(wantedBytes));
      this.isChanged = true;
    }
    this.isResized = this.isChanged;
  }

  read(offset: number, width: number): bigint {
    if (this.ref === NULL_REF) return 0n;
    const text = this.call.database.stringOf(this.ref);
    return readField(text.bytes, text.start, text.length, offset, width);
  }

  write(offset: number, width: number, value: bigint): void {
    const { database } = this.call;
    if (!this.isChanged) this.grow(database.stringOf(this.ref).length);
    const text = database.stringOf(this.ref);
    writeField(text.bytes, text.start, offset, width, value);
  }

  private grow(length: number): void {
    this.ref = this.call.database.resizeString(this.ref, length);
    this.isChanged = true;
  }
}

/**
 * Runs one operation and replies. Returns whether it counts as a change: once the string was
 * made or grown, every write does, also one of the value that stands (redis/src/bitops.c).
 */
function runOne(call: Call, entry: EditedString, operation: Operation): boolean {
  const { kind, isSigned, width, offset, amount } = operation;
  const stored = entry.read(offset, width);
  const before = isSigned ? BigInt.asIntN(width, stored) : stored;
  if (kind === "GET") {
    call.reply.int64(before);
    return false;
  }
  const exact = kind === "SET" ? amount : before + amount;
  const after = fitted(kind === "SET" && !isSigned ? BigInt.asUintN(64, exact) : exact, operation);
  if (after === null) {
    call.reply.nil();
    return false;
  }
  if (after !== before) entry.write(offset, width, after);
  call.reply.int64(kind === "SET" ? before : after);
  return entry.isResized || after !== before;
}

/** The value brought into the field's range as the overflow rule says; null: it fails. */
function fitted(value: bigint, { isSigned, width, overflow }: Operation): bigint | null {
  const bits = BigInt(width);
  const highest = isSigned ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const lowest = isSigned ? -(1n << (bits - 1n)) : 0n;
  if (value >= lowest && value <= highest) return value;
  if (overflow === "FAIL") return null;
  if (overflow === "SAT") return value > highest ? highest : lowest;
  return isSigned ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
}

function readOperations(call: Call): Operation[] {
  const operations: Operation[] = [];
  let overflow: Overflow = "WRAP";
  let i = 2;
  while (i < call.count && !call.hasProblem) {
    const left = call.count - i - 1;
    if (call.is(i, "OVERFLOW") && left >= 1) {
      overflow = readOverflow(call, i + 1);
      i += 2;
      continue;
    }
    const kind = kindAt(call.args, i);
    const size = kind === "GET" ? 2 : 3;
    if (kind === null || left < size) {
      call.refuse(SYNTAX);
      break;
    }
    const isSigned = call.args.bytes[call.args.starts[i + 1]] === SIGNED;
    const width = readWidth(call, i + 1);
    const offset = call.hasProblem ? 0 : bitOffset(call, i + 2, width);
    const amount = kind === "GET" || call.hasProblem ? 0 : call.int64(i + 3);
    if (call.hasProblem) break;
    operations.push({ kind, isSigned, width, offset, amount: BigInt(amount), overflow });
    i += size + 1;
  }
  return operations;
}

function kindAt(args: Arguments, index: number): Operation["kind"] | null {
  if (args.is(index, "GET")) return "GET";
  if (args.is(index, "SET")) return "SET";
  return args.is(index, "INCRBY") ? "INCRBY" : null;
}

/** Whether the arguments from `first` on only get; what cannot be read might write. */
function onlyReads(args: Arguments, first: number): boolean {
  let i = first;
  while (i < args.count) {
    const left = args.count - i - 1;
    if (args.is(i, "OVERFLOW") && left >= 1) i += 2;
    else if (args.is(i, "GET") && left >= 2) i += 3;
    else return false;
  }
  return true;
}

function readOverflow(call: Call, index: number): Overflow {
  if (call.is(index, "SAT")) return "SAT";
  if (call.is(index, "FAIL")) return "FAIL";
  if (!call.is(index, "WRAP")) call.refuse("ERR Invalid OVERFLOW type specified");
  return "WRAP";
}

/** `i1` to `i64`, `u1` to `u63`. */
function readWidth(call: Call, index: number): number {
  const { bytes, starts, lengths } = call.args;
  const sign = bytes[starts[index]];
  const width = parseSafeInteger(bytes, starts[index] + 1, lengths[index] - 1);
  const isKnown = lengths[index] > 1 && (sign === SIGNED || sign === UNSIGNED);
  if (isKnown && width >= 1 && width <= (sign === SIGNED ? 64 : 63)) return width;
  call.refuse(BAD_BITFIELD_TYPE);
  return 1;
}
