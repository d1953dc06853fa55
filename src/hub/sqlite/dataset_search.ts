/** Turns a search into the condition of a query over `datasets d`. */
import type { SQLInputValue } from "node:sqlite";
import type { DatasetSearch, DatasetSelection } from "../schemas.ts";

export interface Condition {
  sql: string;
  values: SQLInputValue[];
}

const IN_JSON = "(SELECT value FROM json_each(?))";

function all(conditions: Condition[]): Condition {
  return {
    sql: conditions.map((c) => c.sql).join(" AND ") || "1",
    values: conditions.flatMap((c) => c.values),
  };
}

/** Scopes, and attributes: values of one key are alternatives, keys must all match. */
export function selectionCondition(selection: DatasetSelection): Condition {
  const conditions: Condition[] = [];
  if (selection.scope_uuids.length) {
    conditions.push({
      sql: `d.scope_id IN (SELECT id FROM scopes WHERE uid IN ${IN_JSON})`,
      values: [JSON.stringify(selection.scope_uuids)],
    });
  }
  for (const [key, values] of Object.entries(selection.attributes)) {
    if (values.length === 0) continue;
    conditions.push({
      sql: `d.id IN (SELECT dataset_id FROM dataset_attributes WHERE key = ? AND value IN ${IN_JSON})`,
      values: [key, JSON.stringify(values)],
    });
  }
  return all(conditions);
}

/**
 * The whole search. A text that is the uuid of a dataset finds that one only; else each word must begin a word of name,
 * description, notes or keywords, or the text be the alt_uid.
 * @param isUuid whether a text is the uuid of a dataset
 */
export function searchCondition(search: DatasetSearch, isUuid: (text: string) => boolean): Condition {
  const conditions = [selectionCondition(search)];
  const text = search.search_query.trim();
  if (text && isUuid(text.toLowerCase())) {
    conditions.push({ sql: "d.uuid = ?", values: [text.toLowerCase()] });
  } else if (text) {
    const words = prefixQuery(text);
    conditions.push(
      words === null ? { sql: "d.alt_uid = ?", values: [text] } : {
        sql: "(d.alt_uid = ? OR d.id IN (SELECT rowid FROM datasets_fts WHERE datasets_fts MATCH ?))",
        values: [text, words],
      },
    );
  }
  if (search.ranking !== null) conditions.push({ sql: "d.ranking >= ?", values: [search.ranking] });
  if (search.has_notes) conditions.push({ sql: "coalesce(d.notes, '') <> ''", values: [] });
  if (search.start_date) conditions.push({ sql: "d.collected >= ?", values: [search.start_date] });
  if (search.end_date) conditions.push({ sql: "d.collected <= ?", values: [search.end_date] });
  return all(conditions);
}

/** FTS5 query in which each blank-separated word is a prefix; null when a word has nothing to look for. */
function prefixQuery(text: string): string | null {
  const words = text.split(/\s+/);
  if (words.some((word) => !/[\p{L}\p{N}]/u.test(word))) return null;
  return words.map((word) => `"${word.replaceAll('"', '""')}"*`).join(" AND ");
}
