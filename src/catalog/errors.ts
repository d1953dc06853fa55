/** The error inbox: failures of the agent and of discovery, newest first; equal consecutive ones are folded (L18). */
import type { ErrorData } from "../kit/errors.ts";
import { redact } from "../kit/redact.ts";
import type { CatalogDatabase, Row } from "./database.ts";

export interface ErrorRow {
  id: number;
  source_id: number | null;
  iteration: number;
  exception: string;
  context: string | null;
  traceback: string | null;
  timestamp: number;
  viewed: boolean;
  count: number;
}

/** Newest entries kept per source. */
const KEPT = 1000;

export class ErrorStore {
  constructor(private readonly db: CatalogDatabase) {}

  /** Writes a failure; `source` null = the agent itself. */
  add(source: number | null, error: ErrorData, iteration: number, now: number): void {
    const exception = redact(`${error.code}: ${error.message}`);
    this.db.transaction(() => {
      const last = this.db.get(
        "SELECT id, exception FROM errors WHERE source_id IS ? ORDER BY id DESC LIMIT 1",
        source,
      );
      if (last?.exception === exception) {
        this.db.run(
          "UPDATE errors SET count = count + 1, timestamp = ?, iteration = ?, viewed = 0 WHERE id = ?",
          now,
          iteration,
          Number(last.id),
        );
        return;
      }
      this.db.run(
        "INSERT INTO errors (source_id, iteration, exception, context, traceback, timestamp) VALUES (?,?,?,?,?,?)",
        source,
        iteration,
        exception,
        redact(error.hint) || null,
        error.stack === undefined ? null : redact(error.stack),
        now,
      );
      this.db.run(
        `DELETE FROM errors WHERE source_id IS ?1 AND id <=
         (SELECT id FROM errors WHERE source_id IS ?1 ORDER BY id DESC LIMIT 1 OFFSET ${KEPT})`,
        source,
      );
    });
  }

  /** `source` undefined = of all. */
  list(
    source: number | null | undefined,
    filter: { viewed?: boolean; skip?: number; limit?: number } = {},
  ): ErrorRow[] {
    return this.db.all(
      `SELECT * FROM errors WHERE (?1 = 0 OR source_id IS ?2) AND (?3 IS NULL OR viewed = ?3)
       ORDER BY id DESC LIMIT ?4 OFFSET ?5`,
      Number(source !== undefined),
      source ?? null,
      filter.viewed === undefined ? null : Number(filter.viewed),
      filter.limit ?? 100,
      filter.skip ?? 0,
    ).map(parse);
  }

  /** Marks one error of a source (null = the agent's own). @returns it as it is now, undefined when there is none */
  setViewed(source: number | null, id: number, viewed: boolean): ErrorRow | undefined {
    this.db.run("UPDATE errors SET viewed = ? WHERE id = ? AND source_id IS ?", Number(viewed), id, source);
    const row = this.db.get("SELECT * FROM errors WHERE id = ? AND source_id IS ?", id, source);
    return row && parse(row);
  }

  /** Marks all errors of a source (null = the agent's own). @returns how many were unread */
  markAllViewed(source: number | null): number {
    return this.db.run("UPDATE errors SET viewed = 1 WHERE viewed = 0 AND source_id IS ?", source);
  }
}

function parse(r: Row): ErrorRow {
  return {
    id: Number(r.id),
    source_id: r.source_id === null ? null : Number(r.source_id),
    iteration: Number(r.iteration),
    exception: String(r.exception),
    context: r.context === null ? null : String(r.context),
    traceback: r.traceback === null ? null : String(r.traceback),
    timestamp: Number(r.timestamp),
    viewed: Boolean(r.viewed),
    count: Number(r.count),
  };
}
