/** Datasets of the platform as people read them. */
import type { Dataset, Scope } from "../platform/client.ts";
import { readableSize, readableTime } from "./readable.ts";
import { keyValues, table } from "./table.ts";

/**
 * A dataset as `--json` prints it: its scope under both spellings of its id, and without download links, which open
 * a file to whoever has them.
 */
export function datasetObject(dataset: Dataset) {
  const files = dataset.files.map(({ S3_link: _link, S3_validity: _until, ...file }) => file);
  return { ...dataset, scope: scopeObject(dataset.scope), files };
}

/** Servers write a scope's id as `uid` or `uuid`; so do scripts. */
export function scopeObject(scope: Scope) {
  return { ...scope, uuid: scope.uid };
}

export function datasetTable(datasets: readonly Dataset[], width: number | undefined): string {
  return table(datasets, [
    { title: "UUID", value: (d) => d.uuid },
    { title: "COLLECTED", value: (d) => readableTime(d.collected) },
    { title: "SCOPE", value: (d) => d.scope.name, flexible: true },
    { title: "FILES", value: (d) => new Set(d.files.map((f) => f.name)).size },
    { title: "NAME", value: (d) => (d.ranking > 0 ? "★ " : "") + d.name, flexible: true },
  ], width);
}

export function datasetDetail(d: Dataset): string {
  const card = keyValues([
    ["name", d.name],
    ["uuid", d.uuid],
    ["alt uid", d.alt_uid],
    ["scope", d.scope.name],
    ["collected", readableTime(d.collected)],
    ["creator", d.creator],
    ["description", d.description],
    ["notes", d.notes],
    ["keywords", d.keywords.join(", ")],
    ["ranking", d.ranking === 0 ? null : d.ranking],
    ["attributes", Object.entries(d.attributes).map(([k, v]) => `${k} = ${v}`).join("\n")],
  ]);
  const versions = Map.groupBy(d.files, (f) => f.name);
  const newest = [...versions.values()].map((all) =>
    all.reduce((a, b) => a.version_id > b.version_id ? a : b)
  );
  if (newest.length === 0) return `${card}\nNo files.\n`;
  return `${card}\n` + table(newest, [
    { title: "FILE", value: (f) => f.name },
    { title: "TYPE", value: (f) => f.type },
    { title: "SIZE", value: (f) => readableSize(f.size) },
    { title: "VERSIONS", value: (f) => versions.get(f.name)?.length ?? 0 },
    { title: "NEWEST", value: (f) => readableTime(new Date(f.version_id).toISOString()) },
    { title: "STATUS", value: (f) => f.status },
  ]);
}
