/** The commands as ACL rules name them: one, a subcommand, or a category. */
import { CATEGORIES, categoriesOf } from "../acl-categories.ts";
import type { CommandTable } from "../command-table.ts";
import type { Command } from "../command.ts";

export class Catalog {
  /** Above every command's id. */
  readonly idLimit: number;
  private readonly table: CommandTable;
  private readonly members = new Map<string, Command[]>(CATEGORIES.map((name) => [name, []]));

  constructor(table: CommandTable) {
    this.table = table;
    let lastId = 0;
    for (const command of table.all()) {
      lastId = Math.max(lastId, command.id);
      for (const category of categoriesOf(command)) this.members.get(category)?.push(command);
    }
    this.idLimit = lastId + 1;
  }

  /** `get`, or `client|list`, in any case. */
  find(name: string): Command | null {
    return this.table.byName(name);
  }

  /** The commands and subcommands of a category, in any case; null where there is none such. */
  category(name: string): readonly Command[] | null {
    return this.members.get(name.toLowerCase()) ?? null;
  }
}
