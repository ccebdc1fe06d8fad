/** Directives with several arguments of a shape of their own. */
import { bytesOf } from "../../base/bytes.ts";
import { parseDouble, parseMemory } from "../../base/numbers.ts";
import { leadingInteger, memoryText } from "./number-options.ts";
import {
  decoded,
  encoded,
  type Option,
  type OptionTraits,
  rewriteUnlessDefault,
  untilNul,
  WRONG_COUNT,
} from "./option.ts";
import { quotedLine } from "./word-options.ts";

export interface SavePoint {
  readonly seconds: number;
  readonly changes: number;
}

/**
 * `save <seconds> <changes> …`. The first one in the files replaces the default, later ones
 * add to it, and `save ""` empties the list; CONFIG SET always replaces.
 */
export function savePoints(
  initial: string,
  traits: OptionTraits = {},
): Option<readonly SavePoint[]> {
  const refusal = "Invalid save parameters";
  const valueOf = (text: string): SavePoint[] => {
    const numbers = text === "" ? [] : text.split(" ").map(Number);
    return pairs(numbers).map(([seconds, changes]) => ({ seconds, changes }));
  };
  return {
    traits,
    many: true,
    initial: { value: valueOf(initial), text: initial },
    parse(args, context) {
      const clears = args.length === 1 && untilNul(args[0]) === "";
      const numbers = (clears ? [] : args).map(leadingInteger);
      if (numbers.length % 2 === 1) return refusal;
      for (const [at, { number, rest }] of numbers.entries()) {
        if (rest !== "" || number < (at % 2 === 0 ? 1n : 0n)) return refusal;
      }
      const given = numbers.map(({ number }, at) =>
        at % 2 === 0 ? number : BigInt.asIntN(32, number),
      );
      const keeps = context.inFile && context.repeated && !clears && context.previousText !== "";
      const text = [...(keeps ? [context.previousText] : []), ...given].join(" ");
      return { value: valueOf(text), text };
    },
    rewrite(value) {
      if (value.length === 0) return [{ text: '""', forced: true }];
      return value.map(({ seconds, changes }) => ({ text: `${seconds} ${changes}`, forced: true }));
    },
  };
}

function pairs<T>(items: readonly T[]): [T, T][] {
  const result: [T, T][] = [];
  for (let i = 0; i + 1 < items.length; i += 2) result.push([items[i], items[i + 1]]);
  return result;
}

export interface OutputLimit {
  /** 0 means no limit, in bytes. */
  readonly hard: number;
  readonly soft: number;
  /** How long the soft limit may be exceeded. */
  readonly softSeconds: number;
}

export interface OutputLimits {
  readonly normal: OutputLimit;
  readonly replica: OutputLimit;
  readonly pubsub: OutputLimit;
}

const LIMIT_CLASSES = ["normal", "slave", "pubsub"];
/** A class is four words of the text: name, hard and soft limit, seconds. */
const LIMIT_WORDS = 4;

/** `client-output-buffer-limit <class> <hard> <soft> <seconds> …`; other classes keep theirs. */
export function outputLimits(initial: string, traits: OptionTraits = {}): Option<OutputLimits> {
  const valueOf = (text: string): OutputLimits => {
    const words = text.split(" ").map(Number);
    const at = (i: number): OutputLimit => ({
      hard: words[i + 1],
      soft: words[i + 2],
      softSeconds: words[i + 3],
    });
    return { normal: at(0), replica: at(LIMIT_WORDS), pubsub: at(2 * LIMIT_WORDS) };
  };
  return {
    traits,
    many: true,
    initial: { value: valueOf(initial), text: initial },
    parse(args, context) {
      if (args.length % LIMIT_WORDS !== 0) {
        return "Wrong number of arguments in buffer limit configuration.";
      }
      const words = context.previousText.split(" ");
      for (let i = 0; i < args.length; i += LIMIT_WORDS) {
        const name = untilNul(args[i]).toLowerCase();
        const index = LIMIT_CLASSES.indexOf(name === "replica" ? "slave" : name);
        if (index < 0) return "Invalid client class specified in buffer limit configuration.";
        const hard = parseMemory(untilNul(args[i + 1]));
        const soft = parseMemory(untilNul(args[i + 2]));
        const { number, rest } = leadingInteger(args[i + 3]);
        const seconds = BigInt.asIntN(32, number);
        if (hard === null || soft === null || rest !== "" || seconds < 0n) {
          return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        }
        const limits = [hard, soft, seconds].map(String);
        words.splice(index * LIMIT_WORDS + 1, limits.length, ...limits);
      }
      const text = words.join(" ");
      return { value: valueOf(text), text };
    },
    rewrite(_value, text) {
      const words = text.split(" ");
      const initialWords = initial.split(" ");
      return LIMIT_CLASSES.map((name, index) => {
        const from = index * LIMIT_WORDS + 1;
        const limits = words.slice(from, from + 3);
        const sizes = limits.slice(0, 2).map((size) => memoryText(BigInt(size)));
        const forced = limits.join() !== initialWords.slice(from, from + 3).join();
        const shown = name === "slave" ? "replica" : name;
        return { text: [shown, ...sizes, limits[2]].join(" "), forced };
      });
    },
  };
}

/** `oom-score-adj-values <primary> <replica> <child>`. */
export function scores(
  initial: readonly number[],
  traits: OptionTraits = {},
): Option<readonly number[]> {
  const initialText = initial.join(" ");
  return {
    traits,
    many: true,
    initial: { value: initial, text: initialText },
    parse(args) {
      if (args.length !== initial.length) return WRONG_COUNT;
      const value: number[] = [];
      for (const { number, rest } of args.map(leadingInteger)) {
        if (rest !== "" || number < -2000n || number > 2000n) {
          return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
        }
        value.push(Number(number));
      }
      return { value, text: value.join(" ") };
    },
    rewrite: (_value, text) => rewriteUnlessDefault(text, initialText),
  };
}

const MAX_ADDRESSES = 16;

/** `bind <address> …`: "*" is every address; behind a '-' one that is missing is no error. */
export function addresses(
  initial: readonly string[],
  traits: OptionTraits = {},
): Option<readonly string[]> {
  const initialText = initial.join(" ");
  return {
    traits,
    many: true,
    initial: { value: initial, text: initialText },
    parse(args) {
      if (args.length > MAX_ADDRESSES) return "Too many bind addresses specified.";
      const value = args.length === 1 && args[0] === "" ? [] : args.map(untilNul);
      return { value, text: value.join(" ") };
    },
    rewrite(value, text) {
      if (text === initialText) return [];
      return [{ text: value.length === 0 ? '""' : text, forced: true }];
    },
  };
}

export interface PrimaryAddress {
  readonly host: string;
  readonly port: number;
}

/** `replicaof <host> <port>` or `replicaof no one`. */
export function primaryAddress(traits: OptionTraits = {}): Option<PrimaryAddress | null> {
  return {
    traits,
    many: true,
    initial: { value: null, text: "" },
    parse(args) {
      if (args.length !== 2) return WRONG_COUNT;
      const [host, last] = args.map(untilNul);
      if (host.toLowerCase() === "no" && last.toLowerCase() === "one") {
        return { value: null, text: "" };
      }
      const { number, rest } = leadingInteger(last);
      if (rest !== "" || number < 0n || number > 65535n) return "Invalid master port";
      return { value: { host, port: Number(number) }, text: `${host} ${number}` };
    },
    rewrite: (value, text) => (value === null ? [] : [{ text, forced: true }]),
  };
}

/** `latency-tracking-info-percentiles <percentile> …`. */
export function percentiles(
  initial: readonly number[],
  traits: OptionTraits = {},
): Option<readonly number[]> {
  const textOf = (value: readonly number[]): string => value.map(percentileText).join(" ");
  return {
    traits,
    many: true,
    initial: { value: initial, text: textOf(initial) },
    parse(args) {
      const given = args.length === 1 && args[0] === "" ? [] : args;
      const value: number[] = [];
      for (const arg of given) {
        const percentile = parseDouble(bytesOf(arg), 0, arg.length);
        if (Number.isNaN(percentile)) return "Invalid latency-tracking-info-percentiles parameters";
        if (percentile > 100 || percentile < 0) {
          return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
        }
        value.push(percentile);
      }
      return { value, text: textOf(value) };
    },
    rewrite: (_value, text) => [{ text: text === "" ? '""' : text, forced: true }],
  };
}

/** C's %f without the zeros at the end. */
function percentileText(percentile: number): string {
  return percentile.toFixed(6).replace(/\.?0+$/, "");
}

/** `dir`: parsing it changes the working directory, and the value is always absolute. */
export function directory(traits: OptionTraits = {}): Option<string> {
  return {
    traits,
    many: false,
    initial: { value: "", text: "" },
    parse(args, { host }) {
      const refusal = host.changeDirectory(decoded(untilNul(args[0])));
      if (refusal !== null) return refusal;
      const value = host.workingDirectory();
      return { value, text: encoded(value) };
    },
    undo(previous, host) {
      host.changeDirectory(previous);
    },
    rewrite: (_value, text) => [quotedLine(text, true)],
  };
}
