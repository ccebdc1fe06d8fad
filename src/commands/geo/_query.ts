/**
 * What a search is asked for: GEOSEARCH, GEORADIUS and their kin differ in where the centre stands
 * and in a few options, as their `SearchForm` says. The arguments are checked in Redis's order
 * (georadiusGeneric, geo.c), which shows in errors: options are read one after the other, and the
 * member that is the centre is looked up on the way.
 */
import type { Call } from "../../engine/call.ts";
import { neitherOf, NO_SUCH_POSITION, SYNTAX } from "../../protocol/errors.ts";
import { GeoShape } from "../../values/geo-search.ts";
import { latitudeOfScore, longitudeOfScore } from "../../values/geohash.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";
import { position, readFloat, readPosition, readUnit } from "./_arguments.ts";

/** How one of the commands is written. */
export interface SearchForm {
  /** The arguments with the key that is searched and, else 0, the one that is stored to. */
  readonly source: number;
  readonly destination: number;
  /** What stands behind the key; "options": centre and shape are options. */
  readonly centre: "position" | "member" | "options";
  /** Whether STORE and STOREDIST name a key. */
  readonly mayStore: boolean;
}

export type Order = "none" | "ascending" | "descending";

/** What was read; one object serves all calls. */
export class GeoQuery {
  readonly shape = new GeoShape();
  centre: "nowhere" | "member" | "position" = "nowhere";
  outline: "none" | "circle" | "box" = "none";
  withDistance = false;
  withHash = false;
  withPosition = false;
  order: Order = "none";
  /** 0: as many as there are. */
  count = 0;
  /** As soon as `count` are found the search may end. */
  takesAny = false;
  /** The argument with the key to store to, or 0. */
  destination = 0;
  storesDistance = false;

  reset(): void {
    this.centre = "nowhere";
    this.outline = "none";
    this.withDistance = false;
    this.withHash = false;
    this.withPosition = false;
    this.order = "none";
    this.count = 0;
    this.takesAny = false;
    this.destination = 0;
    this.storesDistance = false;
  }
}

/** Reads all arguments behind the keys; problems are left with the call. */
export function readQuery(call: Call, form: SearchForm, set: SortedSetValue, into: GeoQuery): void {
  into.reset();
  into.destination = form.destination;
  let next = form.source + 1;
  if (form.centre !== "options") {
    into.centre = form.centre;
    into.outline = "circle";
    const radiusAt = next + (form.centre === "position" ? 2 : 1);
    if (form.centre === "position") readCentre(call, next, into);
    else if (set.size > 0) centreOnMember(call, next, set, into);
    // Around a member of no set not even the radius is looked at.
    if (form.centre === "position" || set.size > 0) readCircle(call, radiusAt, into);
    next = radiusAt + 2;
  }
  while (next < call.count && !call.hasProblem) next = readOption(call, next, form, set, into);
  if (!call.hasProblem) checkTogether(call, form, into);
}

/** Reads the option in argument `index`; returns where the next one is. */
function readOption(
  call: Call,
  index: number,
  form: SearchForm,
  set: SortedSetValue,
  into: GeoQuery,
): number {
  const more = call.count - index - 1;
  if (call.is(index, "WITHDIST")) into.withDistance = true;
  else if (call.is(index, "WITHHASH")) into.withHash = true;
  else if (call.is(index, "WITHCOORD")) into.withPosition = true;
  else if (call.is(index, "ANY")) into.takesAny = true;
  else if (call.is(index, "ASC")) into.order = "ascending";
  else if (call.is(index, "DESC")) into.order = "descending";
  else if (more >= 1 && call.is(index, "COUNT")) return readCount(call, index + 1, into);
  else if (form.centre === "options") return readSearchOption(call, index, form, set, into);
  else if (more >= 1 && form.mayStore && isStoreOption(call, index)) {
    into.destination = index + 1;
    into.storesDistance = call.is(index, "STOREDIST");
    return index + 2;
  } else call.refuse(SYNTAX);
  return index + 1;
}

function isStoreOption(call: Call, index: number): boolean {
  return call.is(index, "STORE") || call.is(index, "STOREDIST");
}

/** What only GEOSEARCH and GEOSEARCHSTORE know. */
function readSearchOption(
  call: Call,
  index: number,
  form: SearchForm,
  set: SortedSetValue,
  into: GeoQuery,
): number {
  const more = call.count - index - 1;
  if (form.destination > 0 && call.is(index, "STOREDIST")) {
    into.storesDistance = true;
    return index + 1;
  }
  if (more >= 1 && into.centre !== "position" && call.is(index, "FROMMEMBER")) {
    into.centre = "member";
    if (set.size > 0) centreOnMember(call, index + 1, set, into);
    return index + 2;
  }
  if (more >= 2 && into.centre !== "member" && call.is(index, "FROMLONLAT")) {
    into.centre = "position";
    readCentre(call, index + 1, into);
    return index + 3;
  }
  if (more >= 2 && into.outline !== "box" && call.is(index, "BYRADIUS")) {
    into.outline = "circle";
    readCircle(call, index + 1, into);
    return index + 3;
  }
  if (more >= 3 && into.outline !== "circle" && call.is(index, "BYBOX")) {
    into.outline = "box";
    readBox(call, index + 1, into);
    return index + 4;
  }
  call.refuse(SYNTAX);
  return index;
}

function readCount(call: Call, index: number, into: GeoQuery): number {
  const count = Number(call.int64(index));
  if (count <= 0) call.refuse("ERR COUNT must be > 0");
  into.count = count;
  return index + 1;
}

function readCentre(call: Call, index: number, { shape }: GeoQuery): void {
  readPosition(call, index);
  shape.longitude = position.longitude;
  shape.latitude = position.latitude;
}

function centreOnMember(call: Call, index: number, set: SortedSetValue, { shape }: GeoQuery): void {
  const { bytes, starts, lengths } = call.args;
  const score = set.scoreOf(bytes, starts[index], lengths[index]);
  if (score !== score) {
    call.refuse(NO_SUCH_POSITION);
    return;
  }
  shape.longitude = longitudeOfScore(score);
  shape.latitude = latitudeOfScore(score);
}

/** `radius unit` */
function readCircle(call: Call, index: number, { shape }: GeoQuery): void {
  shape.isBox = false;
  shape.radius = readFloat(call, index, "ERR need numeric radius");
  if (shape.radius < 0) call.refuse("ERR radius cannot be negative");
  shape.unitM = readUnit(call, index + 1);
}

/** `width height unit` */
function readBox(call: Call, index: number, { shape }: GeoQuery): void {
  shape.isBox = true;
  shape.width = readFloat(call, index, "ERR need numeric width");
  shape.height = readFloat(call, index + 1, "ERR need numeric height");
  if (shape.width < 0 || shape.height < 0) {
    call.refuse("ERR height or width cannot be negative");
  }
  shape.unitM = readUnit(call, index + 2);
}

/** What options mean together. */
function checkTogether(call: Call, form: SearchForm, query: GeoQuery): void {
  if (query.destination > 0 && (query.withDistance || query.withHash || query.withPosition)) {
    const what = form.destination > 0 ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    call.refuse(`ERR ${what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options`);
  }
  if (query.centre === "nowhere") {
    call.refuse(neitherOf("FROMMEMBER or FROMLONLAT", call.text(0)));
  }
  if (query.outline === "none") call.refuse(neitherOf("BYRADIUS and BYBOX", call.text(0)));
  if (query.takesAny && query.count === 0) {
    call.refuse("ERR the ANY argument requires COUNT argument");
  }
}
