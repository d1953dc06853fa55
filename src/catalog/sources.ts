/** Sources: the configured places data come from. */
import { z } from "zod";
import type { CatalogDatabase, Row } from "./database.ts";
import { type Reason, reasonJson } from "./reason.ts";

export const SOURCE_STATES = ["syncing", "scanning", "error", "stopped"] as const;
export type SourceState = typeof SOURCE_STATES[number];

export interface SourceRow {
  id: number;
  name: string;
  backend: string;
  config: Record<string, unknown>;
  default_scope: string | null;
  autoassign: boolean;
  owner: string | null;
  state: SourceState;
  reason: Reason | null;
  /** Where incremental discovery of a database backend stands. */
  cursor: unknown;
  /** False until the first scan was completed: its items go to the back-fill lane. */
  scanned: boolean;
  unmatched_count: number;
  updated: number;
}

const schema = z.object({
  id: z.number(),
  name: z.string(),
  backend: z.string(),
  config: z.string().transform((s) => z.record(z.string(), z.unknown()).parse(JSON.parse(s))),
  default_scope: z.string().nullable(),
  autoassign: z.number().transform(Boolean),
  owner: z.string().nullable(),
  state: z.enum(SOURCE_STATES),
  reason: reasonJson,
  cursor: z.string().nullable().transform((s): unknown => s === null ? undefined : JSON.parse(s)),
  scanned: z.number().transform(Boolean),
  unmatched_count: z.number(),
  updated: z.number(),
});

export interface Counters {
  total: number;
  synchronized: number;
  failed: number;
  unmapped: number;
}

export class SourceStore {
  constructor(private readonly db: CatalogDatabase) {}

  list(): SourceRow[] {
    return this.db.all("SELECT * FROM sources ORDER BY id").map(parse);
  }

  byName(name: string): SourceRow | undefined {
    const row = this.db.get("SELECT * FROM sources WHERE name = ?", name);
    return row && parse(row);
  }

  byId(id: number): SourceRow | undefined {
    const row = this.db.get("SELECT * FROM sources WHERE id = ?", id);
    return row && parse(row);
  }

  add(
    source: Pick<SourceRow, "name" | "backend" | "config" | "default_scope" | "autoassign" | "owner">,
    now: number,
  ): number {
    return this.db.insert(
      "INSERT INTO sources (name, backend, config, default_scope, autoassign, owner, updated) VALUES (?,?,?,?,?,?,?)",
      source.name,
      source.backend,
      JSON.stringify(source.config),
      source.default_scope,
      Number(source.autoassign),
      source.owner,
      now,
    );
  }

  /**
   * Changes what a user may change; a new configuration starts discovery from the beginning, unless `sameData` says that
   * it leads to what the old one led to.
   */
  update(
    id: number,
    patch: Partial<
      Pick<SourceRow, "name" | "config" | "default_scope" | "autoassign"> & { sameData: boolean }
    >,
    now: number,
  ): void {
    this.db.transaction(() => {
      if (patch.name !== undefined) this.db.run("UPDATE sources SET name = ? WHERE id = ?", patch.name, id);
      if (patch.config !== undefined) {
        this.db.run(
          "UPDATE sources SET cursor = CASE WHEN config = ?1 OR ?3 THEN cursor END, config = ?1 WHERE id = ?2",
          JSON.stringify(patch.config),
          id,
          Number(patch.sameData ?? false),
        );
      }
      if (patch.default_scope !== undefined) {
        this.db.run("UPDATE sources SET default_scope = ? WHERE id = ?", patch.default_scope, id);
      }
      if (patch.autoassign !== undefined) {
        this.db.run("UPDATE sources SET autoassign = ? WHERE id = ?", Number(patch.autoassign), id);
      }
      this.db.run("UPDATE sources SET updated = ? WHERE id = ?", now, id);
    });
  }

  /** Sets the state unless the user stopped the source: `stopped` is never overwritten by the engine (L16). */
  setState(id: number, state: SourceState, reason: Reason | null, now: number, byUser = false): void {
    this.db.run(
      `UPDATE sources SET state = ?1, reason = ?2, updated = ?3 WHERE id = ?4 AND (?5 = 1 OR state <> 'stopped')
       AND (state <> ?1 OR reason IS NOT ?2)`,
      state,
      reason && JSON.stringify(reason),
      now,
      id,
      Number(byUser),
    );
  }

  setOwner(id: number, owner: string | null, now: number): void {
    this.db.run(
      "UPDATE sources SET owner = ?1, updated = ?3 WHERE id = ?2 AND owner IS NOT ?1",
      owner,
      id,
      now,
    );
  }

  setCursor(id: number, cursor: unknown): void {
    this.db.run("UPDATE sources SET cursor = ? WHERE id = ?", JSON.stringify(cursor ?? null), id);
  }

  setScanned(id: number): void {
    this.db.run("UPDATE sources SET scanned = 1 WHERE id = ?", id);
  }

  remove(id: number): void {
    this.db.run("DELETE FROM sources WHERE id = ?", id);
  }

  /** Exact at any time (L17). */
  counters(id: number): Counters {
    // By state first: this reads an index alone.
    const row = this.db.get(
      `SELECT coalesce(sum(n), 0) AS total,
        coalesce(sum(n) FILTER (WHERE state IN ('done','deleted_locally')), 0) AS synchronized,
        coalesce(sum(n) FILTER (WHERE state IN ('retry_wait','quarantined','vanished')), 0) AS failed,
        coalesce(sum(n) FILTER (WHERE state = 'unmapped'), 0) AS unmapped
       FROM (SELECT state, count(*) AS n FROM items WHERE source_id = ? GROUP BY state)`,
      id,
    );
    return z.object({ total: z.number(), synchronized: z.number(), failed: z.number(), unmapped: z.number() })
      .parse({ ...row });
  }

  /** Replaces the list of what belongs to no item (D15); a list that is as before is not written again. */
  setUnmatched(id: number, count: number, paths: readonly { path: string; reason: string }[]): void {
    this.db.transaction(() => {
      this.db.run(
        "UPDATE sources SET unmatched_count = ?1 WHERE id = ?2 AND unmatched_count <> ?1",
        count,
        id,
      );
      const wanted = new Map(paths.map((p) => [p.path, p.reason]));
      for (const { path, reason } of this.unmatched(id)) {
        if (wanted.get(path) === reason) wanted.delete(path);
        else if (!wanted.has(path)) {
          this.db.run("DELETE FROM unmatched WHERE source_id = ? AND path = ?", id, path);
        }
      }
      for (const [path, reason] of wanted) {
        this.db.run("INSERT OR REPLACE INTO unmatched VALUES (?,?,?)", id, path, reason);
      }
    });
  }

  unmatched(id: number): { path: string; reason: string }[] {
    return this.db.all("SELECT path, reason FROM unmatched WHERE source_id = ? ORDER BY path", id)
      .map((r) => ({ path: String(r.path), reason: String(r.reason) }));
  }
}

function parse(row: Row): SourceRow {
  return schema.parse({ ...row });
}
