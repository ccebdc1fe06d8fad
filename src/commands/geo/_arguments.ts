/** Arguments and replies that the geo commands share, and how COMMAND DOCS describes them. */
import { parseDouble } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { invalidPosition, NOT_A_FLOAT, UNKNOWN_UNIT } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { unitM } from "../../values/geo-distance.ts";
import { MAX_GEO_TEXT_BYTES, writeCoordinate, writeDistance } from "../../values/geo-text.ts";
import { isPosition, latitudeOfScore, longitudeOfScore } from "../../values/geohash.ts";

export const UNIT_ARGUMENT: ArgumentDoc = {
  name: "unit",
  type: "oneof",
  parts: [
    { name: "m", type: "pure-token", token: "M" },
    { name: "km", type: "pure-token", token: "KM" },
    { name: "ft", type: "pure-token", token: "FT" },
    { name: "mi", type: "pure-token", token: "MI" },
  ],
};

export const POSITION_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "longitude", type: "double" },
  { name: "latitude", type: "double" },
];

export const ORDER_ARGUMENT: ArgumentDoc = {
  name: "order",
  type: "oneof",
  optional: true,
  parts: [
    { name: "asc", type: "pure-token", token: "ASC" },
    { name: "desc", type: "pure-token", token: "DESC" },
  ],
};

export const COUNT_ARGUMENT: ArgumentDoc = {
  name: "count",
  type: "block",
  optional: true,
  parts: [
    { name: "count", type: "integer", token: "COUNT" },
    { name: "any", type: "pure-token", token: "ANY", optional: true },
  ],
};

export const WITH_ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "withcoord", type: "pure-token", token: "WITHCOORD", optional: true },
  { name: "withdist", type: "pure-token", token: "WITHDIST", optional: true },
  { name: "withhash", type: "pure-token", token: "WITHHASH", optional: true },
];

/** The argument as a float; a problem, and NaN, where it is none. */
export function readFloat(call: Call, index: number, problem = NOT_A_FLOAT): number {
  const { bytes, starts, lengths } = call.args;
  const value = parseDouble(bytes, starts[index], lengths[index]);
  if (value !== value) call.refuse(problem);
  return value;
}

/** The metres in the unit that the argument names. */
export function readUnit(call: Call, index: number): number {
  const { bytes, starts, lengths } = call.args;
  const metres = unitM(bytes, starts[index], lengths[index]);
  if (metres === 0) call.refuse(UNKNOWN_UNIT);
  return metres;
}

/** What `readPosition` read; one object serves all calls. */
export const position = { longitude: 0, latitude: 0 };

/** Reads a longitude and, in the next argument, a latitude into `position`. */
export function readPosition(call: Call, index: number): void {
  const longitude = readFloat(call, index);
  const latitude = readFloat(call, index + 1);
  if (!call.hasProblem && !isPosition(longitude, latitude)) {
    call.refuse(invalidPosition(longitude, latitude));
  }
  position.longitude = longitude;
  position.latitude = latitude;
}

const scratch = new Uint8Array(MAX_GEO_TEXT_BYTES);

export function replyPosition(reply: ReplyWriter, score: number): void {
  reply.array(2);
  reply.doubleDigits(scratch, 0, writeCoordinate(scratch, 0, longitudeOfScore(score)));
  reply.doubleDigits(scratch, 0, writeCoordinate(scratch, 0, latitudeOfScore(score)));
}

/** In RESP3 a bulk string too. */
export function replyDistance(reply: ReplyWriter, distance: number): void {
  reply.bulk(scratch, 0, writeDistance(scratch, 0, distance));
}
