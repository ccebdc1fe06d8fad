/** All cases, in the order in which they are measured. */
import type { Contest } from "../support/contest.ts";
import type { Comparison } from "../support/report.ts";
import type { Scale } from "../support/turns.ts";
import { BACKGROUND_SAVES, measureBackgroundSave } from "./background.ts";
import { CONTENTS } from "./contents.ts";
import { FILE_FORMS, measureLoading } from "./loading.ts";
import { measureSave } from "./save.ts";

interface Case {
  readonly name: string;
  readonly run: (contest: Contest, scale: Scale) => Promise<readonly Comparison[]>;
}

export const DURABILITY_CASES: readonly Case[] = [
  ...FILE_FORMS.flatMap((form) =>
    CONTENTS.map((content) => ({
      name: `load-${form.name}-${content.name}`,
      run: (contest: Contest, scale: Scale) => measureLoading(form, content, contest, scale),
    })),
  ),
  ...CONTENTS.map((content) => ({
    name: `save-${content.name}`,
    run: (contest: Contest, scale: Scale) => measureSave(content, contest, scale),
  })),
  ...BACKGROUND_SAVES.map((kind) => ({
    name: kind.name,
    run: (contest: Contest, scale: Scale) => measureBackgroundSave(kind, contest, scale),
  })),
];
