/**
 * Positions, distances and searches: facts by hand, and random ones held against what
 * redis-server computes, to the byte.
 */
import { describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { distanceM, unitM } from "../../../src/values/geo-distance.ts";
import { boundsOf, estimateStep, GeoRanges, GeoShape } from "../../../src/values/geo-search.ts";
import {
  MAX_GEO_TEXT_BYTES,
  writeCoordinate,
  writeDistance,
} from "../../../src/values/geo-text.ts";
import {
  GEOHASH_LENGTH,
  isPosition,
  latitudeOfScore,
  longitudeOfScore,
  scoreOfPosition,
  writeGeohash,
} from "../../../src/values/geohash.ts";
import { findOracle } from "../../support/oracle.ts";
import { scale, seededRandom } from "../../support/random.ts";
import type { ReplyValue, RespClient } from "../../support/resp-client.ts";
import { startServer } from "../../support/server.ts";

const random = seededRandom("geohash");
const scratch = new Uint8Array(MAX_GEO_TEXT_BYTES);

const coordinateText = (value: number) => textOf(scratch, 0, writeCoordinate(scratch, 0, value));
const distanceText = (value: number) => textOf(scratch, 0, writeDistance(scratch, 0, value));
const geohashText = (score: number) => textOf(scratch, 0, writeGeohash(scratch, 0, score));
const unitOf = (unit: string) => unitM(bytesOf(unit), 0, unit.length);

test("the limits of positions are those of web maps", () => {
  expect(isPosition(180, 85.05112878)).toBe(true);
  expect(isPosition(-180, -85.05112878)).toBe(true);
  expect(isPosition(180.0000001, 0)).toBe(false);
  expect(isPosition(-180.0000001, 0)).toBe(false);
  expect(isPosition(0, 85.05112879)).toBe(false);
  expect(isPosition(0, -85.05112879)).toBe(false);
  expect(isPosition(Infinity, 0)).toBe(false);
});

test("a score interleaves both indices, the latitude's lowest", () => {
  expect(scoreOfPosition(-180, -85.05112878)).toBe(0);
  expect(scoreOfPosition(0, 0)).toBe(2 ** 51 + 2 ** 50);
  expect(scoreOfPosition(0, -85.05112878)).toBe(2 ** 51);
  expect(scoreOfPosition(-180, 0)).toBe(2 ** 50);
  expect(scoreOfPosition(180, 85.05112878)).toBe(2 ** 53 + 2 ** 52);
});

test("a standard geohash", () => {
  expect(geohashText(scoreOfPosition(-5.6, 42.6))).toBe("ezs42e44yx0");
  expect(geohashText(0)).toHaveLength(GEOHASH_LENGTH);
});

test("a decoded score encodes to itself", () => {
  for (let i = 0; i < 10_000; i++) {
    const score = random.below(2 ** 26) * 2 ** 26 + random.below(2 ** 26);
    const longitude = longitudeOfScore(score);
    const latitude = latitudeOfScore(score);
    expect(isPosition(longitude, latitude)).toBe(true);
    expect(scoreOfPosition(longitude, latitude)).toBe(score);
  }
});

test("coordinates are exact to 17 digits", () => {
  expect(coordinateText(0)).toBe("0");
  expect(coordinateText(-0)).toBe("0");
  expect(coordinateText(-180)).toBe("-180");
  expect(coordinateText(0.5)).toBe("0.5");
  expect(coordinateText(-0.25)).toBe("-0.25");
  // Ties go to the even digit.
  expect(coordinateText(1 + 2 ** -18)).toBe("1.00000381469726562");
  expect(coordinateText(1 + 3 * 2 ** -18)).toBe("1.00001144409179688");
  expect(() => coordinateText(2 ** -50)).toThrow("2^-49");
});

test("coordinates have the digits of exact arithmetic", () => {
  for (let i = 0; i < 10_000; i++) {
    const parts = random.below(2 ** 24) * 2 ** 25 + random.below(2 ** 25);
    const scaled = BigInt(parts) * 10n ** 17n;
    const half = 2n ** 48n;
    const rest = scaled % 2n ** 49n;
    let digits = scaled / 2n ** 49n;
    if (rest > half || (rest === half && digits % 2n === 1n)) digits++;
    const text = `7.${String(digits).padStart(17, "0")}`.replace(/\.?0*$/, "");
    expect(coordinateText(7 + parts / 2 ** 49)).toBe(text);
  }
});

test("distances have four digits", () => {
  expect(distanceText(0)).toBe("0.0000");
  expect(distanceText(0.00004)).toBe("0.0000");
  expect(distanceText(0.00006)).toBe("0.0001");
  expect(distanceText(0.775)).toBe("0.7750");
  expect(distanceText(166274.15156960033)).toBe("166274.1516");
  expect(distanceText(0.03125)).toBe("0.0312");
  expect(distanceText(0.09375)).toBe("0.0938");
  expect(distanceText(9.99996)).toBe("10.0000");
  expect(distanceText(NaN)).toBe("-922337203685477.5808");
});

test("units", () => {
  expect(["m", "km", "ft", "mi", "M", "kM", "MI"].map(unitOf)).toEqual([
    1, 1000, 0.3048, 1609.34, 1, 1000, 1609.34,
  ]);
  expect(["", "k", "cm", "kms", "inch"].map(unitOf)).toEqual([0, 0, 0, 0, 0]);
});

test("the step follows the radius and the latitude", () => {
  expect(estimateStep(0, 0)).toBe(26);
  expect(estimateStep(1e-300, 0)).toBe(26);
  expect(estimateStep(Infinity, 0)).toBe(1);
  expect(estimateStep(1000, 0)).toBe(14);
  expect(estimateStep(1000, 67)).toBe(13);
  expect(estimateStep(1000, -81)).toBe(12);
});

test("bounds are symmetrical and wider away from the equator", () => {
  const shape = new GeoShape();
  shape.latitude = -60;
  shape.radius = 100;
  shape.unitM = 1000;
  const { west, south, east, north } = boundsOf(shape);
  expect(east).toBe(-west);
  expect(north + 60).toBeCloseTo(-60 - south, 12);
  expect(distanceM(0, south, east, south)).toBeCloseTo(100_000, -1);
  expect(distanceM(0, 0, 0, north + 60)).toBeCloseTo(100_000, 3);
});

/** What GEOSEARCH without an order gives: by ranges, and by score within a range. */
function search(points: readonly Point[], shape: GeoShape): string[] {
  const ranges = new GeoRanges();
  ranges.cover(shape);
  const found: string[] = [];
  for (let i = 0; i < ranges.count; i++) {
    for (const { name, score } of points) {
      if (score < ranges.lows[i] || score >= ranges.highs[i]) continue;
      if (shape.distanceWithin(score) !== -1) found.push(name);
    }
  }
  return found;
}

interface Point {
  readonly name: string;
  readonly score: number;
}

const EDGES: readonly (readonly [number, number])[] = [
  [0, 0],
  [180, 85.05112878],
  [-180, -85.05112878],
  [180, 0],
  [180, -12.345678901],
  [-180, 85.05112878],
  [1e-7, -1e-7],
  [179.9999999, 85.0511287],
  [-0.0000001, 0.0000001],
];

const between = (low: number, high: number) =>
  low + (random.below(2 ** 30) / 2 ** 30) * (high - low);

/** Around the whole earth, or close together, where the arithmetic is at its finest. */
function randomPosition(): readonly [number, number] {
  if (random.chance(0.1)) return random.pick(EDGES);
  if (random.chance(0.3)) return [between(13, 13.01), between(38, 38.01)];
  if (random.chance(0.2)) return [between(-180, 180), between(-85.05112878, 85.05112878)];
  return [between(-180, 180), between(-70, 70)];
}

const oracle = findOracle();

describe.skipIf(oracle === null)("beside redis-server (where it is installed)", () => {
  async function withOracle(use: (client: RespClient) => Promise<void>): Promise<void> {
    if (oracle === null) return;
    await using server = await startServer({ program: oracle, directives: ['save ""'] });
    await server.withClient(use);
  }

  test("scores, positions, hashes and distances are the same", async () => {
    await withOracle(async (client) => {
      const positions = [...EDGES];
      while (positions.length < scale(2000)) positions.push(randomPosition());
      const values = (commands: string[]) =>
        client.pipeline(commands).then((replies) => replies.map((reply) => reply.value));
      await values(positions.map(([lon, lat], i) => `GEOADD k ${lon} ${lat} ${i}`));
      const scores = positions.map(([lon, lat]) => scoreOfPosition(lon, lat));
      const names = scores.map((_, i) => i);

      const zscores = await values(names.map((i) => `ZSCORE k ${i}`));
      expect(scores.map(String)).toEqual(zscores as string[]);
      const places = await values(names.map((i) => `GEOPOS k ${i}`));
      expect(scores.map(placeText) as ReplyValue[]).toEqual(places);
      const hashes = await values(names.map((i) => `GEOHASH k ${i}`));
      expect(scores.map((score) => [geohashText(score)]) as ReplyValue[]).toEqual(hashes);

      const units = ["m", "km", "ft", "mi"] as const;
      const pairs = names.map((i) => [i, random.below(names.length), units[i % 4]] as const);
      const distances = await values(pairs.map(([a, b, unit]) => `GEODIST k ${a} ${b} ${unit}`));
      expect(
        pairs.map(([a, b, unit]) => distanceText(distanceOf(scores[a], scores[b]) / unitOf(unit))),
      ).toEqual(distances as string[]);
    });
  });

  test("scores that no position made are decoded alike", async () => {
    await withOracle(async (client) => {
      const odd = "-1 -0.5 1.75 1e15 -1e15 9e15 1e18 1.7e19 2e19 -9.3e18 -1e30 inf -inf";
      for (const text of odd.split(" ")) {
        await client.do(`ZADD k ${text} m`);
        const score = Number(text.replace("inf", "Infinity"));
        expect([placeText(score)[0]] as ReplyValue).toEqual(await client.value("GEOPOS k m"));
        expect([geohashText(score)] as ReplyValue).toEqual(await client.value("GEOHASH k m"));
      }
    });
  });

  test("searches find the same points in the same order", async () => {
    await withOracle(async (client) => {
      const points: Point[] = [];
      for (let i = 0; i < 600; i++) {
        const [longitude, latitude] = randomPosition();
        const name = String(i).padStart(3, "0");
        points.push({ name, score: scoreOfPosition(longitude, latitude) });
        await client.do(`GEOADD k ${longitude} ${latitude} ${name}`);
      }
      points.sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1));
      for (let i = 0; i < scale(1500); i++) {
        const { shape, words } = randomShape();
        const found = await client.value(`GEOSEARCH k ${words}`);
        expect(`${words}: ${search(points, shape).join(" ")}`).toBe(
          `${words}: ${(found as string[]).join(" ")}`,
        );
      }
    });
  });
});

const placeText = (score: number) => [
  [coordinateText(longitudeOfScore(score)), coordinateText(latitudeOfScore(score))],
];

const distanceOf = (a: number, b: number) =>
  distanceM(longitudeOfScore(a), latitudeOfScore(a), longitudeOfScore(b), latitudeOfScore(b));

/** From millimetres to more than around the earth. */
const randomLength = () => (random.chance(0.03) ? 0 : 10 ** between(-3, 7.8));

function randomShape(): { shape: GeoShape; words: string } {
  const shape = new GeoShape();
  [shape.longitude, shape.latitude] = randomPosition();
  const from = `FROMLONLAT ${shape.longitude} ${shape.latitude}`;
  const unit = random.pick(["m", "km", "ft", "mi"] as const);
  shape.unitM = unitOf(unit);
  shape.isBox = random.chance(0.5);
  if (shape.isBox) {
    shape.width = randomLength() / shape.unitM;
    shape.height = randomLength() / shape.unitM;
    return { shape, words: `${from} BYBOX ${shape.width} ${shape.height} ${unit}` };
  }
  shape.radius = randomLength() / shape.unitM;
  return { shape, words: `${from} BYRADIUS ${shape.radius} ${unit}` };
}
