/** The configuration of a Labber source, and where Labber puts its logs. */
import { basename, join } from "node:path";
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";

/** Relative path of a log: `<YYYY>/<MM>/Data_<MMDD>/<log>.hdf5`. */
export const LOG_PATH = /^\d{4}\/(?:0[1-9]|1[0-2])\/Data_\d{4}\/[^/]+\.hdf5$/;

/** The file that Labber keeps in its data folder; logs are read without it. */
export const DATABASE_FILE = "Database.hdf5";

export const FIELDS: Field[] = [
  {
    name: "labber_directory",
    type: "dir_path",
    required: true,
    description: "Labber's data folder: the one that holds a folder for each year.",
    example: "~/Labber/Data",
  },
  {
    name: "set_up",
    type: "string",
    required: true,
    description: "Name of the set-up, becomes the attribute set-up of every dataset.",
    example: "XLD-2",
  },
  {
    name: "is_server_folder",
    type: "boolean",
    required: false,
    default: false,
    description: "True when the folder lies on a file server: it is then looked through regularly.",
  },
];

const configSchema = z.object({
  labber_directory: z.string(),
  set_up: z.string(),
  is_server_folder: z.boolean().default(false),
});
export type LabberConfig = z.infer<typeof configSchema>;

/** @throws ZodError when the configuration was not checked before */
export function labberConfig(config: Config): LabberConfig {
  return configSchema.parse(config);
}

/** @returns one sentence per problem */
export function validate(config: Config): string[] {
  const { labber_directory: root } = labberConfig(config);
  const problem = (what: string) => [`labber_directory: "${root}" ${what}`];
  try {
    if (!Deno.statSync(root).isDirectory) return problem("is not a directory");
    const inner = innerFolder(root);
    return inner ? problem(`looks like the ${inner.what} folder, choose its parent: "${inner.parent}"`) : [];
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return problem("does not exist");
    return problem(e instanceof Deno.errors.NotADirectory ? "is not a directory" : "is not readable");
  }
}

const YEAR = /^\d{4}$/;
const MONTH = /^\d{2}$/;
const DAY = /^Data_\d{4}$/;

/** The folder below Labber's data folder that was given instead of it; undefined when it can be the data folder itself. */
function innerFolder(root: string): { what: string; parent: string } | undefined {
  const entries = [...Deno.readDirSync(root)];
  const holds = (name: RegExp) => entries.some((entry) => entry.isDirectory && name.test(entry.name));
  if (holds(YEAR) || entries.some((entry) => entry.name === DATABASE_FILE)) return undefined;
  if (DAY.test(basename(root))) return { what: "day", parent: join(root, "../../..") };
  if (holds(DAY)) return { what: "month", parent: join(root, "../..") };
  return holds(MONTH) ? { what: "year", parent: join(root, "..") } : undefined;
}

/** Whether Labber's own list of logs is where it belongs. */
export function hasDatabase(root: string): boolean {
  try {
    return Deno.statSync(join(root, DATABASE_FILE)).isFile;
  } catch {
    return false;
  }
}
