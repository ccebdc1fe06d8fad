/**
 * How long calls of one command took: counts over logarithmic buckets, sixteen to each
 * doubling (at most 6 % off), from 1 ns to about 17 s. 2 KiB, made at the first call.
 */
const SUB_BITS = 4;
const SUB_BUCKETS = 1 << SUB_BITS;
const BUCKETS = 35 * SUB_BUCKETS;

export class LatencyHistogram {
  readonly counts = new Float64Array(BUCKETS);
  total = 0;

  record(durationNs: number, times: number): void {
    this.counts[bucketOf(durationNs)] += times;
    this.total += times;
  }

  /** The duration in nanoseconds that this part (0 to 100) of all calls stayed within. */
  percentileNs(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.total));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.counts[bucket];
      if (seen >= wanted) return upperEnd(bucket);
    }
    return 0;
  }

  /** How many calls took at most `limitNs`. */
  countWithin(limitNs: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS && upperEnd(bucket) <= limitNs; bucket++) {
      seen += this.counts[bucket];
    }
    return seen;
  }
}

function bucketOf(durationNs: number): number {
  if (durationNs >= SUB_BUCKETS && durationNs < 2 ** 31) {
    const whole = durationNs | 0;
    const power = 31 - Math.clz32(whole);
    return power * SUB_BUCKETS + ((whole >>> (power - SUB_BITS)) & (SUB_BUCKETS - 1));
  }
  const value = Math.max(1, Math.min(durationNs, 1.7e10));
  const exponent = Math.floor(Math.log2(value));
  const fraction = value / 2 ** exponent - 1;
  return Math.min(exponent * SUB_BUCKETS + Math.floor(fraction * SUB_BUCKETS), BUCKETS - 1);
}

function upperEnd(bucket: number): number {
  const exponent = bucket >> SUB_BITS;
  const step = bucket & (SUB_BUCKETS - 1);
  return Math.floor(2 ** exponent * (1 + (step + 1) / SUB_BUCKETS));
}
