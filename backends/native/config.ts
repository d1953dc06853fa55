/** The configuration of the native source: usually none, for the database has its place. */
import { existsSync } from "node:fs";
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { nativeDatabaseOf, nativeFolders, nativePlaces } from "../../src/kit/native_places.ts";

export const FIELDS: Field[] = [
  {
    name: "data_directory",
    type: "dir_path",
    required: false,
    description: "Data folder of qdrive, which holds sql/etiket_db.sql; default: where qdrive puts it",
    example: "~/.local/share/quantum_machines/etiket",
  },
];

const configSchema = z.object({ data_directory: z.string().optional() });

export interface NativeConfig {
  database: string;
  /** A folder that the user named: files that were recorded before it was moved are looked for in it. */
  movedTo: string | undefined;
}

/** @throws SyncError `native_database_missing` (class source) when there is none at the usual places either */
export function nativeConfig(config: Config): NativeConfig {
  const { data_directory: given } = configSchema.parse(config);
  const folder = given ?? nativeFolders()[0];
  if (folder !== undefined) return { database: nativeDatabaseOf(folder), movedTo: given };
  throw new SyncError("source", "native_database_missing", missing(nativePlaces()), {
    hint: "Start qdrive once, or give the folder: --set data_directory=FOLDER.",
  });
}

const missing = (folders: string[]) =>
  `there is no native database (sql/etiket_db.sql) in ${folders.join(" or in ")}`;

/** @returns one sentence per problem */
export function validate(config: Config): string[] {
  const { data_directory: given } = configSchema.parse(config);
  if (given === undefined) return nativeFolders().length > 0 ? [] : [missing(nativePlaces())];
  return existsSync(nativeDatabaseOf(given)) ? [] : [`data_directory: ${missing([given])}`];
}
