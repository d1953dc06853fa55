/** A throwaway folder for databases, and what is in them. */
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { openZarr } from "../../../src/kit/zarr/open_zarr.ts";

export class WriterFolder implements Disposable {
  readonly #folder = Deno.makeTempDirSync({ prefix: "resonance_" });

  path(name: string): string {
    return join(this.#folder, name);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

/** Rows as another program sees them now. */
export function rows(path: string, sql: string): Record<string, unknown>[] {
  using db = new DatabaseSync(path, { readOnly: true });
  return db.prepare(sql).all().map((row) => ({ ...row }));
}

/** A whole array of a store. */
export async function zarrArray(store: string, path: string) {
  const { root } = openZarr(store);
  const node = root.kind === "group" ? root.get(path) : undefined;
  if (node?.kind !== "array") throw new Error(`${store}: no array ${path}`);
  const size = node.shape.reduce((a, b) => a * b, 1);
  return {
    shape: node.shape,
    dtype: node.dtype,
    values: Array.from(await node.read(0, size) as ArrayLike<unknown>),
  };
}

/** Tables, indexes and keys in a form that does not depend on blanks. */
export function schemaOf(path: string): string[] {
  const version = rows(path, "PRAGMA user_version")[0]?.user_version;
  const parts = rows(path, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
    .map(({ type, name, tbl_name, sql }) =>
      [type, name, tbl_name, String(sql).replace(/\s+/g, " ").replace(/ \)/g, ")")].join(" | ")
    );
  return [`version ${version}`, ...parts];
}
