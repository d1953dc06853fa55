/** Writing `_QH_dataset_info.yaml` from a measurement script in TypeScript. */
import { join } from "node:path";
import { stringify } from "yaml";
import { SyncError } from "../../src/kit/errors.ts";
import { parseTime } from "../../src/kit/time.ts";
import { INFO_FILE } from "./info_document.ts";

export type AttributeValue = string | number | bigint | boolean;

export interface DatasetInfoInput {
  /** Default: the folder's name. */
  dataset_name?: string;
  /** When it was measured: a Date, or `YYYY-MM-DDTHH:MM:SS` (local time unless a zone is given). */
  collected?: Date | string;
  description?: string;
  /** Names and single values; nested ones are refused. */
  attributes?: Record<string, AttributeValue>;
  tags?: string[];
  /** Shell patterns of files that are not uploaded. */
  skip?: string[];
  /** `{csv_to_hdf5_converter: "csv_to_hdf5"}`, or with options, or the original module and class. */
  converters?: Record<
    string,
    string | { converter: string; options?: Record<string, unknown> } | { module: string; class: string }
  >;
}

/**
 * Makes `folder` (which has to exist) a dataset, replacing an older info file. It appears at once in full.
 * @returns path of the written file
 * @throws SyncError usage `dataset_info_invalid` naming the key that cannot be written
 */
export async function writeDatasetInfo(folder: string, info: DatasetInfoInput): Promise<string> {
  const text = stringify({
    version: "0.1",
    dataset_name: info.dataset_name,
    collected: collectedText(info.collected),
    description: info.description,
    attributes: checkAttributes(info.attributes),
    tags: info.tags,
    skip: info.skip,
    converters: checkConverters(info.converters),
  });
  const path = join(folder, INFO_FILE);
  const temporary = join(folder, `.${INFO_FILE}.${crypto.randomUUID()}`);
  try {
    await Deno.writeTextFile(temporary, text, { createNew: true });
    await Deno.rename(temporary, path);
  } catch (e) {
    await Deno.remove(temporary).catch(() => {});
    throw e;
  }
  return path;
}

function collectedText(collected: Date | string | undefined): string | undefined {
  if (collected instanceof Date) {
    if (Number.isNaN(collected.getTime())) throw invalid("collected", "is no valid date");
    return collected.toISOString();
  }
  if (collected !== undefined && !parseTime(collected, "UTC")) {
    throw invalid("collected", "should look like 2024-03-05T14:07:09");
  }
  return collected;
}

function checkAttributes(attributes: DatasetInfoInput["attributes"]) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (!["string", "number", "bigint", "boolean"].includes(typeof value)) {
      throw invalid(`attributes.${name}`, "should be text, a number or a boolean, not a nested value");
    }
  }
  return attributes;
}

function checkConverters(converters: DatasetInfoInput["converters"]) {
  for (const key of Object.keys(converters ?? {})) {
    if (!/^\w+_to_\w+_converter$/.test(key)) {
      throw invalid(`converters.${key}`, "should be named <from>_to_<into>_converter");
    }
  }
  return converters;
}

function invalid(key: string, reason: string): SyncError {
  return new SyncError("usage", "dataset_info_invalid", `${key} ${reason}`, {
    hint: "Correct the value given to writeDatasetInfo.",
  });
}
