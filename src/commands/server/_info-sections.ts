/**
 * The sections of INFO, in Redis's order; their fields come in Redis's order too. A section that
 * is not there by default is shown by name, by `all` and by `everything`.
 */
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";
import { memoryFields } from "./_info-memory.ts";
import { clientFields, cpuFields, replicationFields, serverFields } from "./_info-server.ts";
import {
  commandFields,
  errorFields,
  keyspaceFields,
  latencyFields,
  statsFields,
} from "./_info-stats.ts";

interface Section {
  readonly title: string;
  readonly isDefault: boolean;
  readonly fields: (engine: Engine) => readonly InfoField[];
}

const SECTIONS: readonly Section[] = [
  { title: "Server", isDefault: true, fields: serverFields },
  { title: "Clients", isDefault: true, fields: clientFields },
  { title: "Memory", isDefault: true, fields: memoryFields },
  {
    title: "Persistence",
    isDefault: true,
    fields: (engine) => engine.persistence.infoFields(),
  },
  { title: "Stats", isDefault: true, fields: statsFields },
  { title: "Replication", isDefault: true, fields: replicationFields },
  { title: "CPU", isDefault: true, fields: cpuFields },
  { title: "Modules", isDefault: true, fields: () => [] },
  { title: "Commandstats", isDefault: false, fields: commandFields },
  { title: "Errorstats", isDefault: true, fields: errorFields },
  { title: "Latencystats", isDefault: false, fields: latencyFields },
  { title: "Cluster", isDefault: true, fields: () => [["cluster_enabled", 0]] },
  { title: "Keyspace", isDefault: true, fields: keyspaceFields },
];

/** The text for sections wanted by name, in lower case. */
export function infoText(engine: Engine, wanted: ReadonlySet<string>): string {
  return SECTIONS.filter((section) => isWanted(section, wanted))
    .map((section) => `# ${section.title}\r\n${section.fields(engine).map(lineOf).join("")}`)
    .join("\r\n");
}

function isWanted({ title, isDefault }: Section, wanted: ReadonlySet<string>): boolean {
  if (wanted.has("all") || wanted.has("everything")) return true;
  if (isDefault && wanted.has("default")) return true;
  const name = title.toLowerCase();
  return wanted.has(name) || (name === "modules" && wanted.has("module_list"));
}

function lineOf([name, value]: InfoField): string {
  return `${name}:${value}\r\n`;
}
