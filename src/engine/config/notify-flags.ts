/**
 * The classes of `notify-keyspace-events`, as bits; the numbers are those of Redis's module
 * interface. A class of event is published when its bit is set together with KEYSPACE or
 * KEYEVENT.
 */
import { type Option, type OptionTraits, untilNul } from "./option.ts";
import { quotedLine } from "./word-options.ts";

export const NOTIFY_KEYSPACE = 1 << 0;
export const NOTIFY_KEYEVENT = 1 << 1;
export const NOTIFY_GENERIC = 1 << 2;
export const NOTIFY_STRING = 1 << 3;
export const NOTIFY_LIST = 1 << 4;
export const NOTIFY_SET = 1 << 5;
export const NOTIFY_HASH = 1 << 6;
export const NOTIFY_ZSET = 1 << 7;
export const NOTIFY_EXPIRED = 1 << 8;
export const NOTIFY_EVICTED = 1 << 9;
export const NOTIFY_STREAM = 1 << 10;
export const NOTIFY_KEY_MISS = 1 << 11;
export const NOTIFY_MODULE = 1 << 13;
export const NOTIFY_NEW = 1 << 14;

/** The classes that 'A' stands for, in the order in which they are shown. */
const ALL_CLASSES: readonly (readonly [string, number])[] = [
  ["g", NOTIFY_GENERIC],
  ["$", NOTIFY_STRING],
  ["l", NOTIFY_LIST],
  ["s", NOTIFY_SET],
  ["h", NOTIFY_HASH],
  ["z", NOTIFY_ZSET],
  ["x", NOTIFY_EXPIRED],
  ["e", NOTIFY_EVICTED],
  ["t", NOTIFY_STREAM],
  ["d", NOTIFY_MODULE],
];
const OUTSIDE_ALL: readonly (readonly [string, number])[] = [
  ["K", NOTIFY_KEYSPACE],
  ["E", NOTIFY_KEYEVENT],
  ["m", NOTIFY_KEY_MISS],
];
const NOTIFY_ALL = ALL_CLASSES.reduce((bits, [, bit]) => bits | bit, 0);
const BITS = new Map([...ALL_CLASSES, ...OUTSIDE_ALL, ["A", NOTIFY_ALL], ["n", NOTIFY_NEW]]);

export function notifyEvents(traits: OptionTraits = {}): Option<number> {
  return {
    traits,
    many: false,
    initial: { value: 0, text: "" },
    parse(args) {
      let flags = 0;
      for (const letter of untilNul(args[0])) {
        const bits = BITS.get(letter);
        if (bits === undefined) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
        flags |= bits;
      }
      return { value: flags, text: notifyText(flags) };
    },
    rewrite(value, text) {
      // The shown text hides 'n' behind 'A'; the file must not lose it.
      const hidesNew = (value & NOTIFY_NEW) !== 0 && !text.includes("n");
      return [quotedLine(hidesNew ? `${text}n` : text, value !== 0)];
    },
  };
}

/** The flags as CONFIG GET shows them, for example "AKE" or "glK". */
export function notifyText(flags: number): string {
  const lettersOf = (classes: typeof ALL_CLASSES): string =>
    classes.map(([letter, bit]) => ((flags & bit) === 0 ? "" : letter)).join("");
  const isAll = (flags & NOTIFY_ALL) === NOTIFY_ALL;
  const classes = isAll ? "A" : lettersOf([...ALL_CLASSES, ["n", NOTIFY_NEW]]);
  return classes + lettersOf(OUTSIDE_ALL);
}
