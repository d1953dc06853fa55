/** The configuration of a Quantify source. */
import { basename, dirname } from "node:path";
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";
import { parseContainerName } from "./container_name.ts";

export const FIELDS: Field[] = [
  {
    name: "quantify_directory",
    type: "dir_path",
    required: true,
    description: "Quantify's data folder: the one that holds a folder for each day.",
    example: "~/quantify-data",
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
  {
    name: "upload_raw",
    type: "boolean",
    required: false,
    default: false,
    description: "Upload the original bytes of converted files, too, as raw.<name>.",
  },
];

const configSchema = z.object({
  quantify_directory: z.string(),
  set_up: z.string(),
  is_server_folder: z.boolean().default(false),
  upload_raw: z.boolean().default(false),
});
export type QuantifyConfig = z.infer<typeof configSchema>;

/** @throws ZodError when the configuration was not checked before */
export function quantifyConfig(config: Config): QuantifyConfig {
  return configSchema.parse(config);
}

const DAY = /^\d{8}$/;

/** @returns one sentence per problem */
export function validate(config: Config): string[] {
  const { quantify_directory: root } = quantifyConfig(config);
  const problem = (what: string) => [`quantify_directory: "${root}" ${what}`];
  if (parseContainerName(basename(root))) {
    return problem(
      `looks like one measurement, choose the folder above its day folder: "${dirname(dirname(root))}"`,
    );
  }
  try {
    if (!Deno.statSync(root).isDirectory) return problem("is not a directory");
    if (isDayFolder(root)) return problem(`looks like the day folder, choose its parent: "${dirname(root)}"`);
    return [];
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return problem("does not exist");
    return problem(e instanceof Deno.errors.NotADirectory ? "is not a directory" : "is not readable");
  }
}

/** Holds measurements itself and no day folders, or is named like one and holds none. */
function isDayFolder(root: string): boolean {
  let isDay = false;
  for (const { name, isDirectory } of Deno.readDirSync(root)) {
    if (!isDirectory) continue;
    if (DAY.test(name)) return false;
    isDay ||= parseContainerName(name) !== undefined;
  }
  return isDay || DAY.test(basename(root));
}
