/** The configuration of a resonance source: a folder of beamtimes, or one database. */
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { withReadOnly } from "../../src/kit/sqlite/with_read_only.ts";
import { demandBeamtime } from "./beamtime_database.ts";

export const FIELDS: Field[] = [
  {
    name: "data_directory",
    type: "dir_path",
    required: false,
    description: "folder of beamtimes: every database (*.db) below it is read; give this or database_path",
    example: "~/beamtimes",
  },
  {
    name: "database_path",
    type: "file_path",
    required: false,
    description: "one beamtime database (.db); its images lie in the .zarr folder of the same name beside it",
  },
  {
    name: "set_up",
    type: "string",
    required: false,
    description: "name of the beamline, becomes the attribute set-up of every dataset",
    example: "BL 11.0.1.2",
  },
  {
    name: "is_server_folder",
    type: "boolean",
    required: false,
    description: "the data lie on a file server; they are looked at in the same way",
    default: false,
    example: false,
  },
];

const configSchema = z.object({
  data_directory: z.string().optional(),
  database_path: z.string().optional(),
  set_up: z.string().optional(),
});
export type ResonanceConfig = z.infer<typeof configSchema>;

/** @throws ZodError when the configuration was not checked before */
export function resonanceConfig(config: Config): ResonanceConfig {
  return configSchema.parse(config);
}

/** @returns one sentence per problem */
export async function validate(config: Config): Promise<string[]> {
  const { data_directory: folder, database_path: path } = resonanceConfig(config);
  if (folder !== undefined && path !== undefined) {
    return ["both data_directory and database_path are given: give exactly one of them"];
  }
  if (folder !== undefined) return problemsOfPlace("data_directory", folder, "folder");
  if (path === undefined) {
    return ["neither data_directory nor database_path is given: give exactly one of them"];
  }
  const problems = problemsOfPlace("database_path", path, "file");
  return problems.length > 0 ? problems : await problemsOfDatabase(path);
}

function problemsOfPlace(field: string, path: string, kind: "folder" | "file"): string[] {
  try {
    const info = Deno.statSync(path);
    return (kind === "folder" ? info.isDirectory : info.isFile) ? [] : [`${field}: ${path} is not a ${kind}`];
  } catch (e) {
    if (e instanceof Deno.errors.NotFound || e instanceof Deno.errors.NotADirectory) {
      return [`${field}: ${path} does not exist`];
    }
    return [`${field}: ${path} cannot be read (${e instanceof Error ? e.message : e})`];
  }
}

async function problemsOfDatabase(path: string): Promise<string[]> {
  try {
    await withReadOnly(path, demandBeamtime);
    return [];
  } catch (e) {
    const error = SyncError.from(e);
    // A writer at work proves nothing against the database.
    if (error.class === "busy") return [];
    const isOther = error.class === "data" && error.code !== "is_master_index";
    return [`database_path: ${isOther ? `${path} is not a beamtime database` : error.message}`];
  }
}
