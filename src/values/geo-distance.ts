/**
 * Distances on the earth in metres, on a sphere as Redis sees it, and the units of clients. The
 * order of the arithmetic is that of geohash_helper.c, so that results are equal to the last bit
 * wherever the mathematics library is the same.
 */
import { equalsWord } from "../base/bytes.ts";

export const EARTH_RADIUS_M = 6372797.560856;
const RADIANS_PER_DEGREE = Math.PI / 180;

export const toRadians = (degrees: number): number => degrees * RADIANS_PER_DEGREE;
export const toDegrees = (radians: number): number => radians / RADIANS_PER_DEGREE;

/** The distance between two latitudes on one meridian. */
export function latitudeDistanceM(latitude1: number, latitude2: number): number {
  return EARTH_RADIUS_M * Math.abs(toRadians(latitude2) - toRadians(latitude1));
}

/** The great-circle distance by the haversine formula. NaN is possible for antipodes. */
export function distanceM(
  longitude1: number,
  latitude1: number,
  longitude2: number,
  latitude2: number,
): number {
  const v = Math.sin((toRadians(longitude2) - toRadians(longitude1)) / 2);
  if (v === 0) return latitudeDistanceM(latitude1, latitude2);
  const from = toRadians(latitude1);
  const to = toRadians(latitude2);
  const u = Math.sin((to - from) / 2);
  const haversine = u * u + Math.cos(from) * Math.cos(to) * v * v;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(haversine));
}

/** The metres in a unit that a client names (m, km, ft, mi in any case), or 0 for another. */
export function unitM(bytes: Uint8Array, start: number, length: number): number {
  if (equalsWord(bytes, start, length, "M")) return 1;
  if (equalsWord(bytes, start, length, "KM")) return 1000;
  if (equalsWord(bytes, start, length, "FT")) return 0.3048;
  if (equalsWord(bytes, start, length, "MI")) return 1609.34;
  return 0;
}
