/** Finding a directive by any of its names, in any case. */
import { bytesOf } from "../../base/bytes.ts";
import { type DirectiveName, DIRECTIVES } from "./directives.ts";
import type { Option } from "./option.ts";

export interface NamedOption {
  /** The name that was looked for, in lower case: an alias stays an alias. */
  readonly name: string;
  readonly nameBytes: Uint8Array;
  readonly directive: DirectiveName;
  readonly isAlias: boolean;
  readonly option: Option<unknown>;
}

/** All names in listing order, each directive's aliases right behind it. */
export const NAMED_OPTIONS: readonly NamedOption[] = namedOptions();

const BY_NAME = new Map(NAMED_OPTIONS.map((named) => [named.name, named]));

export function findOption(name: string): NamedOption | undefined {
  return BY_NAME.get(name.toLowerCase());
}

function namedOptions(): NamedOption[] {
  const found: NamedOption[] = [];
  for (const directive of Object.keys(DIRECTIVES) as DirectiveName[]) {
    const option: Option<unknown> = DIRECTIVES[directive];
    for (const name of [directive, ...(option.traits.aliases ?? [])]) {
      const isAlias = name !== directive;
      found.push({ name, nameBytes: bytesOf(name), directive, isAlias, option });
    }
  }
  return found;
}
