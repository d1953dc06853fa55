/** The configuration of a QCoDeS source. */
import { basename, extname } from "node:path";
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { demandQcodes } from "./database.ts";

export const FIELDS: Field[] = [
  {
    name: "database_path",
    type: "file_path",
    required: true,
    description: "QCoDeS database (.db)",
    example: "~/experiments.db",
  },
  {
    name: "set_up",
    type: "string",
    required: true,
    description: "name of the set-up, becomes the attribute set-up of every dataset",
    example: "XLD-2",
  },
  {
    name: "static_attributes",
    type: "dict",
    required: false,
    description: "attributes of every dataset",
    default: {},
    example: { project: "spin qubits" },
  },
  {
    name: "scope_identifier_from",
    type: "string",
    required: false,
    description: "what decides about the scope: the name of the experiment or of the sample",
    default: "experiment",
    choices: ["experiment", "sample"],
  },
];

const configSchema = z.object({
  database_path: z.string(),
  set_up: z.string(),
  static_attributes: z.record(z.string(), z.unknown()).default({}),
  scope_identifier_from: z.enum(["experiment", "sample"]).default("experiment"),
});
export type QcodesConfig = z.infer<typeof configSchema>;

/** @throws ZodError when the configuration was not checked before */
export function qcodesConfig(config: Config): QcodesConfig {
  return configSchema.parse(config);
}

/** @returns one sentence per problem */
export async function validate(config: Config): Promise<string[]> {
  const { database_path: path } = qcodesConfig(config);
  const problem = (what: string) => [`database_path: ${path} ${what}`];
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory) {
      return problem("does not exist");
    }
    return problem(`cannot be read (${e instanceof Error ? e.message : e})`);
  }
  if (!info.isFile) return problem("is not a file");
  if (extname(basename(path)).toLowerCase() !== ".db") return problem("has the wrong suffix: it must be .db");
  try {
    await withReadOnly(path, demandQcodes);
    return [];
  } catch (e) {
    const error = SyncError.from(e);
    if (error.code === "not_a_qcodes_database") return problem("is not a QCoDeS database (no table runs)");
    if (error.code === "sqlite_not_a_database") return problem("is not an SQLite database");
    // A writer at work proves nothing against the database.
    return error.class === "busy" ? [] : [`database_path: ${error.message}`];
  }
}
