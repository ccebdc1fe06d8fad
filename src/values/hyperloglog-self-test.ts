/**
 * PFSELFTEST: what Redis's own command tries. The dense registers must hold what is written to
 * them and leave their neighbours alone; then ten million elements go into a dense and a sparse
 * HyperLogLog, which must agree and be near the truth at each power of ten.
 */
import { DENSE_REGISTER_BYTES, denseRegister, setDenseRegister } from "./_hyperloglog-dense.ts";
import { placeOf, REGISTERS } from "./_hyperloglog-hash.ts";
import { HyperLogLog } from "./hyperloglog.ts";
import type { HyperLogLogLimits } from "./hyperloglog.ts";
import type { Home } from "./home.ts";

const ROUNDS = 1000;
const ELEMENTS = 10_000_000;
/** Beyond this many standard errors an estimate is wrong, not unlucky. */
const STANDARD_ERRORS = 6;
const STANDARD_ERROR = 1.04 / Math.sqrt(REGISTERS);

/** Returns what failed, or "". `randomWord` gives 32 bits at a time. */
export function selfTestHyperLogLog(
  newHome: () => Home,
  limits: HyperLogLogLimits,
  randomWord: () => number,
): string {
  const problem = testRegisters(randomWord);
  return problem === "" ? testEstimates(newHome, limits, randomWord) : problem;
}

function testRegisters(randomWord: () => number): string {
  const packed = new Uint8Array(DENSE_REGISTER_BYTES);
  const plain = new Uint8Array(REGISTERS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let index = 0; index < REGISTERS; index++) {
      plain[index] = randomWord() & 63;
      setDenseRegister(packed, 0, index, plain[index]);
    }
    for (let index = 0; index < REGISTERS; index++) {
      const found = denseRegister(packed, 0, index);
      if (found !== plain[index]) {
        return `TESTFAILED Register ${index} should be ${plain[index]} but is ${found}`;
      }
    }
  }
  return "";
}

function testEstimates(
  newHome: () => Home,
  limits: HyperLogLogLimits,
  randomWord: () => number,
): string {
  const dense = new HyperLogLog(newHome(), limits);
  dense.create();
  dense.toDense();
  const sparse = new HyperLogLog(newHome(), limits);
  sparse.create();
  const seed = [randomWord(), randomWord()] as const;
  const words = Int32Array.of(seed[0], seed[1]);
  const element = new Uint8Array(words.buffer);
  let checkpoint = 1;
  for (let count = 1; count <= ELEMENTS; count++) {
    words[0] = seed[0] ^ count;
    const place = placeOf(element, 0, element.length);
    dense.raise(place);
    sparse.raise(place);
    if (count !== checkpoint) continue;
    const problem = checkEstimates(dense, sparse, count, limits);
    if (problem !== "") return problem;
    checkpoint *= 10;
  }
  return "";
}

function checkEstimates(
  dense: HyperLogLog,
  sparse: HyperLogLog,
  count: number,
  limits: HyperLogLogLimits,
): string {
  if (count < limits.maxSparseBytes / 2 && !sparse.isSparse) {
    return "TESTFAILED sparse encoding not used";
  }
  if (!dense.refreshEstimate() || !sparse.refreshEstimate()) return "TESTFAILED corrupt registers";
  const estimated = Number(dense.storedEstimate);
  if (estimated !== Number(sparse.storedEstimate)) return "TESTFAILED dense/sparse disagree";
  const error = Math.abs(count - estimated);
  // Two of ten elements in one register are not that unlikely.
  const largest = count === 10 ? 1 : Math.ceil(STANDARD_ERROR * STANDARD_ERRORS * count);
  if (error <= largest) return "";
  return `TESTFAILED Too big error. card:${count} abserr:${error}`;
}
