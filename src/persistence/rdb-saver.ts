/** When the snapshot is written, and what became of it. */
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";

export class RdbSaver {
  lastSaveSeconds: number;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.lastSaveSeconds = Math.floor(engine.clock.nowMs / 1000);
  }

  get refusesWrites(): boolean {
    return false;
  }

  infoFields(): InfoField[] {
    return [
      ["rdb_changes_since_last_save", this.engine.dirty],
      ["rdb_bgsave_in_progress", 0],
      ["rdb_last_save_time", this.lastSaveSeconds],
      ["rdb_last_bgsave_status", "ok"],
      ["rdb_last_bgsave_time_sec", -1],
      ["rdb_current_bgsave_time_sec", -1],
      ["rdb_saves", 0],
      ["rdb_last_cow_size", 0],
      ["rdb_last_load_keys_expired", 0],
      ["rdb_last_load_keys_loaded", 0],
    ];
  }
}
