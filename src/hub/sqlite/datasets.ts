import { z } from "zod";
import type { DatasetCatalogue } from "../catalogue.ts";
import { HubError } from "../hub_error.ts";
import type {
  DatasetCreate,
  DatasetRecord,
  DatasetSearch,
  DatasetSelection,
  DatasetUpdate,
  FileRecord,
  Page,
  Scope,
} from "../schemas.ts";
import type { Database } from "./database.ts";
import { searchCondition, selectionCondition } from "./dataset_search.ts";
import { DatasetRow, FILE_COLUMNS, FileRow, Id, SCOPE_COLUMNS, ScopeRow } from "./rows.ts";
import type { SqliteScopes } from "./scopes.ts";

const IN_JSON = "(SELECT value FROM json_each(?))";
const AttributeRow = z.object({ dataset_id: z.number(), key: z.string(), value: z.string() });

export class SqliteDatasets implements DatasetCatalogue {
  constructor(
    private readonly db: Database,
    private readonly scopes: SqliteScopes,
    private readonly now: () => string,
  ) {}

  create(dataset: DatasetCreate): void {
    this.db.write("durable", () => {
      const scopeId = this.scopes.idOf(dataset.scope_uuid);
      if (this.#idOf(dataset.uuid) !== null) throw new HubError(400, `dataset ${dataset.uuid} exists`);
      this.#requireFreeAltUid(dataset.alt_uid, dataset.uuid, scopeId);
      const now = this.now();
      const { lastId } = this.db.run(
        `INSERT INTO datasets (uuid, alt_uid, scope_id, collected, name, creator, description, notes, keywords,
           ranking, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        dataset.uuid,
        dataset.alt_uid,
        scopeId,
        dataset.collected,
        dataset.name,
        dataset.creator,
        dataset.description,
        dataset.notes,
        JSON.stringify(dataset.keywords),
        dataset.ranking,
        now,
        now,
      );
      this.#insertAttributes(lastId, dataset.attributes);
    });
  }

  readByUuid(uuid: string, scope?: string): DatasetRecord {
    return this.#only(this.#find("uuid = ?", uuid, scope), `dataset ${uuid}`);
  }

  readByAltUid(altUid: string, scope: string): DatasetRecord {
    return this.#only(this.#find("alt_uid = ?", altUid, scope), `dataset with alt_uid "${altUid}"`);
  }

  readByEither(uuidOrAltUid: string, scope?: string): DatasetRecord {
    const byUuid = this.#find("uuid = ?", uuidOrAltUid.toLowerCase(), scope);
    const found = byUuid.length ? byUuid : this.#find("alt_uid = ?", uuidOrAltUid, scope);
    return this.#only(found, `dataset "${uuidOrAltUid}"`);
  }

  update(uuid: string, changes: DatasetUpdate): void {
    this.db.write("durable", () => {
      const row = this.#row(uuid);
      const { attributes, keywords } = changes;
      if ((changes.alt_uid ?? row.alt_uid) !== row.alt_uid) {
        this.#requireFreeAltUid(changes.alt_uid ?? null, uuid, row.scope_id);
      }
      this.db.run(
        `UPDATE datasets SET alt_uid = coalesce(?, alt_uid), name = coalesce(?, name),
           description = coalesce(?, description), notes = coalesce(?, notes), keywords = coalesce(?, keywords),
           ranking = coalesce(?, ranking), modified = ? WHERE id = ?`,
        changes.alt_uid ?? null,
        changes.name ?? null,
        changes.description ?? null,
        changes.notes ?? null,
        keywords ? JSON.stringify(keywords) : null,
        changes.ranking ?? null,
        this.now(),
        row.id,
      );
      // An empty set leaves the attributes alone; any other replaces them all.
      if (attributes && Object.keys(attributes).length) {
        this.db.run("DELETE FROM dataset_attributes WHERE dataset_id = ?", row.id);
        this.#insertAttributes(row.id, attributes);
      }
    });
  }

  move(uuid: string, scope: string): void {
    this.db.write("durable", () => {
      const row = this.#row(uuid);
      const scopeId = this.scopes.idOf(scope);
      if (scopeId === row.scope_id) return;
      this.#requireFreeAltUid(row.alt_uid, uuid, scopeId);
      this.db.run("UPDATE datasets SET scope_id = ?, modified = ? WHERE id = ?", scopeId, this.now(), row.id);
    });
  }

  remove(uuid: string): string[] {
    return this.db.write("durable", () => {
      const { id } = this.#row(uuid);
      const files = this.db.all(
        z.object({ uuid: z.string() }),
        "SELECT DISTINCT uuid FROM files WHERE dataset_id = ?",
        id,
      );
      for (const file of files) this.db.run("INSERT OR IGNORE INTO removed_files VALUES (?)", file.uuid);
      this.db.run("DELETE FROM datasets WHERE id = ?", id);
      return files.map((file) => file.uuid);
    });
  }

  search(search: DatasetSearch, page: Page): DatasetRecord[] {
    const { sql, values } = this.#searchCondition(search);
    const text = search.search_query.trim();
    // Without a text the order is that of an index, so that a first page costs the same in a hub of any size.
    const first = text ? "d.alt_uid IS ? DESC," : "";
    return this.#load(this.db.all(
      DatasetRow,
      `SELECT d.* FROM datasets d WHERE ${sql} ORDER BY ${first} d.collected DESC, d.uuid LIMIT ? OFFSET ?`,
      ...values,
      ...(text ? [text] : []),
      page.limit,
      page.offset,
    ));
  }

  attributes(selection: DatasetSelection): Record<string, string[]> {
    const { sql, values } = selectionCondition(selection);
    const rows = this.db.all(
      z.object({ key: z.string(), value: z.string() }),
      `SELECT DISTINCT a.key, a.value FROM dataset_attributes a JOIN datasets d ON d.id = a.dataset_id
       WHERE ${sql} ORDER BY a.key, a.value`,
      ...values,
    );
    return Object.fromEntries(
      [...Map.groupBy(rows, (row) => row.key)].map(([key, group]) => [key, group.map((row) => row.value)]),
    );
  }

  distinctDates(search: DatasetSearch): string[] {
    const { sql, values } = this.#searchCondition(search);
    const rows = this.db.all(
      z.object({ collected: z.string() }),
      // To the minute: no time zone has finer offsets today, and there are far fewer minutes than datasets.
      `SELECT DISTINCT substr(d.collected, 1, 16) || 'Z' AS collected FROM datasets d WHERE ${sql}
       ORDER BY collected DESC`,
      ...values,
    );
    const day = new Intl.DateTimeFormat("sv-SE", { timeZone: search.time_zone, dateStyle: "short" });
    return [...new Set(rows.map((row) => day.format(new Date(row.collected))))];
  }

  #searchCondition(search: DatasetSearch) {
    return searchCondition(search, (text) => this.#idOf(text) !== null);
  }

  #idOf(uuid: string): number | null {
    return this.db.get(Id, "SELECT id FROM datasets WHERE uuid = ?", uuid)?.id ?? null;
  }

  #row(uuid: string): DatasetRow {
    const row = this.db.get(DatasetRow, "SELECT * FROM datasets WHERE uuid = ?", uuid);
    if (!row) throw new HubError(404, `dataset ${uuid} does not exist`);
    return row;
  }

  #requireFreeAltUid(altUid: string | null, uuid: string, scopeId: number): void {
    if (altUid === null) return;
    if (altUid.toLowerCase() === uuid) throw new HubError(400, "alt_uid is equal to the uuid");
    if (this.db.get(Id, "SELECT id FROM datasets WHERE alt_uid = ? AND scope_id = ?", altUid, scopeId)) {
      throw new HubError(400, `a dataset with alt_uid "${altUid}" exists in that scope`);
    }
  }

  #insertAttributes(datasetId: number, attributes: Record<string, string>): void {
    for (const [key, value] of Object.entries(attributes)) {
      this.db.run(
        "INSERT INTO dataset_attributes (dataset_id, key, value) VALUES (?, ?, ?)",
        datasetId,
        key,
        value,
      );
    }
  }

  #find(condition: string, value: string, scope?: string): DatasetRow[] {
    const sql = `SELECT * FROM datasets WHERE ${condition}`;
    return scope === undefined
      ? this.db.all(DatasetRow, sql, value)
      : this.db.all(DatasetRow, `${sql} AND scope_id = ?`, value, this.scopes.idOf(scope));
  }

  #only(rows: DatasetRow[], what: string): DatasetRecord {
    if (rows.length > 1) throw new HubError(406, `${what} is in more than one scope: name the scope`);
    const [dataset] = this.#load(rows);
    if (!dataset) throw new HubError(404, `${what} does not exist`);
    return dataset;
  }

  /** Completes rows with scope, attributes and files, in three queries for any number of them. */
  #load(rows: DatasetRow[]): DatasetRecord[] {
    const ids = JSON.stringify(rows.map((row) => row.id));
    const scopes = new Map<number, Scope>(
      this.db.all(
        ScopeRow,
        `SELECT ${SCOPE_COLUMNS} FROM scopes WHERE id IN ${IN_JSON}`,
        JSON.stringify(
          rows.map((row) => row.scope_id),
        ),
      ).map((row) => [row.id, row.scope]),
    );
    const attributes = Map.groupBy(
      this.db.all(
        AttributeRow,
        `SELECT dataset_id, key, value FROM dataset_attributes WHERE dataset_id IN ${IN_JSON} ORDER BY id`,
        ids,
      ),
      (row) => row.dataset_id,
    );
    const files = Map.groupBy(
      this.db.all(
        FileRow,
        `SELECT ${FILE_COLUMNS} FROM files WHERE dataset_id IN ${IN_JSON} ORDER BY id`,
        ids,
      ),
      (row) => row.dataset_id,
    );
    return rows.map(({ id, scope_id, ...row }) => {
      const scope = scopes.get(scope_id);
      if (!scope) throw new Error(`dataset ${row.uuid} has no scope`);
      return {
        ...row,
        scope,
        attributes: Object.fromEntries((attributes.get(id) ?? []).map((a) => [a.key, a.value])),
        files: (files.get(id) ?? []).map((f): FileRecord => f.file),
      };
    });
  }
}
