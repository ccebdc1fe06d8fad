/**
 * Which scores (geohash.ts) a circle or a box around a point can hold, and which points lie in
 * it. The grid's step is chosen so that the cell of the centre and its eight neighbours cover the
 * shape; each is one range of scores, from `low` to below `high`. Neighbours that the shape does
 * not reach are left out. The order of the ranges is Redis's, because replies come in it.
 *
 * As in Redis the cover is an estimate: near the poles a point may be missed.
 */
import {
  distanceM,
  EARTH_RADIUS_M,
  latitudeDistanceM,
  toDegrees,
  toRadians,
} from "./geo-distance.ts";
import { latitudeOfScore, longitudeOfScore } from "./geohash.ts";
import {
  interleaveHigh,
  interleaveLow,
  latitudeEdge,
  latitudeIndex,
  longitudeEdge,
  longitudeIndex,
  MAX_STEP,
  neighbourIndex,
  scoreOfWords,
} from "./_geo-cells.ts";

/** Half the circumference of the projected earth, which one step divides into two. */
const MERCATOR_MAX_M = 20037726.37;
const MAX_RANGES = 9;

/** Where the cells lie from the centre, in the order in which they are searched. */
const EAST = [0, 0, 0, 1, -1, 1, -1, 1, -1] as const;
const NORTH = [0, 1, -1, 0, 0, 1, 1, -1, -1] as const;

/** A circle with `radius`, or a box with `width` and `height`; all in units of `unitM` metres. */
export class GeoShape {
  isBox = false;
  longitude = 0;
  latitude = 0;
  radius = 0;
  width = 0;
  height = 0;
  unitM = 1;

  /**
   * The distance in metres from the centre to the position of a score, or -1 where it lies
   * outside of the shape.
   */
  distanceWithin(score: number): number {
    const longitude = longitudeOfScore(score);
    const latitude = latitudeOfScore(score);
    if (this.isBox) {
      if (latitudeDistanceM(latitude, this.latitude) > (this.height * this.unitM) / 2) return -1;
      const across = distanceM(longitude, latitude, this.longitude, latitude);
      if (across > (this.width * this.unitM) / 2) return -1;
    }
    const distance = distanceM(this.longitude, this.latitude, longitude, latitude);
    return !this.isBox && distance > this.radius * this.unitM ? -1 : distance;
  }

  /** The distance that reaches every point of the shape from its centre. */
  reachM(): number {
    if (!this.isBox) return this.radius * this.unitM;
    const x = this.width / 2;
    const y = this.height / 2;
    return Math.sqrt(x * x + y * y) * this.unitM;
  }
}

/** The ranges of scores to be searched for a shape; made once and filled for each search. */
export class GeoRanges {
  count = 0;
  readonly lows = new Float64Array(MAX_RANGES);
  readonly highs = new Float64Array(MAX_RANGES);

  /** Finds the ranges for a shape. */
  cover(shape: GeoShape): void {
    const bounds = boundsOf(shape);
    let step = estimateStep(shape.reachM(), shape.latitude);
    if (step > 1 && !reaches(bounds, shape, step)) step--;
    const x = longitudeIndex(shape.longitude, step);
    const y = latitudeIndex(shape.latitude, step);
    const reach = step >= 2 ? neededReach(bounds, x, y, step) : EVERYWHERE;
    this.count = 0;
    let lastX = -1;
    let lastY = -1;
    for (let i = 0; i < MAX_RANGES; i++) {
      if (!isNeeded(reach, EAST[i], NORTH[i])) continue;
      const cellX = neighbourIndex(x, EAST[i], step);
      const cellY = neighbourIndex(y, NORTH[i], step);
      // With few cells neighbours to both sides are the same one.
      if (cellX === lastX && cellY === lastY) continue;
      this.add(cellX, cellY, step);
      if (i > 0) {
        lastX = cellX;
        lastY = cellY;
      }
    }
  }

  private add(x: number, y: number, step: number): void {
    const scale = 2 ** (2 * (MAX_STEP - step));
    const high = interleaveHigh(x, y);
    const low = interleaveLow(x, y);
    this.lows[this.count] = scoreOfWords(high, low) * scale;
    this.highs[this.count] = scoreOfWords(high, low + 1) * scale;
    this.count++;
  }
}

/** Edges in degrees; those of longitude may lie beyond ±180. */
interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** The bounding box of a shape; its width is measured at its edge away from the equator. */
export function boundsOf(shape: GeoShape): Bounds {
  const { longitude, latitude } = shape;
  const height = shape.unitM * (shape.isBox ? shape.height / 2 : shape.radius);
  const width = shape.unitM * (shape.isBox ? shape.width / 2 : shape.radius);
  const up = toDegrees(height / EARTH_RADIUS_M);
  const edge = latitude < 0 ? latitude - up : latitude + up;
  const aside = toDegrees(width / EARTH_RADIUS_M / Math.cos(toRadians(edge)));
  return {
    west: longitude - aside,
    south: latitude - up,
    east: longitude + aside,
    north: latitude + up,
  };
}

/** The finest step at which nine cells should cover a circle at this latitude. */
export function estimateStep(radiusM: number, latitude: number): number {
  if (radiusM === 0) return MAX_STEP;
  let step = -1;
  for (let reachM = radiusM; reachM < MERCATOR_MAX_M; reachM *= 2) step++;
  // Cells are narrower towards the poles.
  if (latitude > 66 || latitude < -66) step--;
  if (latitude > 80 || latitude < -80) step--;
  return Math.min(Math.max(step, 1), MAX_STEP);
}

/** Whether the neighbours of the centre's cell reach all edges. */
function reaches(bounds: Bounds, shape: GeoShape, step: number): boolean {
  const x = longitudeIndex(shape.longitude, step);
  const y = latitudeIndex(shape.latitude, step);
  return !(
    latitudeEdge(neighbourIndex(y, 1, step) + 1, step) < bounds.north ||
    latitudeEdge(neighbourIndex(y, -1, step), step) > bounds.south ||
    longitudeEdge(neighbourIndex(x, 1, step) + 1, step) < bounds.east ||
    longitudeEdge(neighbourIndex(x, -1, step), step) > bounds.west
  );
}

/** Bits of the sides on which neighbours are needed. */
const NORTH_SIDE = 1;
const SOUTH_SIDE = 2;
const EAST_SIDE = 4;
const WEST_SIDE = 8;
const EVERYWHERE = NORTH_SIDE | SOUTH_SIDE | EAST_SIDE | WEST_SIDE;

/** The sides on which the shape leaves the cell, or ends with it. */
function neededReach(bounds: Bounds, x: number, y: number, step: number): number {
  let sides = EVERYWHERE;
  if (latitudeEdge(y, step) < bounds.south) sides &= ~SOUTH_SIDE;
  if (latitudeEdge(y + 1, step) > bounds.north) sides &= ~NORTH_SIDE;
  if (longitudeEdge(x, step) < bounds.west) sides &= ~WEST_SIDE;
  if (longitudeEdge(x + 1, step) > bounds.east) sides &= ~EAST_SIDE;
  return sides;
}

function isNeeded(sides: number, east: number, north: number): boolean {
  return (
    (north <= 0 || (sides & NORTH_SIDE) !== 0) &&
    (north >= 0 || (sides & SOUTH_SIDE) !== 0) &&
    (east <= 0 || (sides & EAST_SIDE) !== 0) &&
    (east >= 0 || (sides & WEST_SIDE) !== 0)
  );
}
