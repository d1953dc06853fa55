/** The contract of a converter: turns one file or folder into one other file before upload. */
import { SyncError } from "./errors.ts";

/** The facts about a converter that declarations are resolved against. */
export interface ConverterInfo {
  id: string;
  version: string;
  /** Suffix without dot, lower case. */
  input: string;
  output: string;
  /** Applied to every matching file of folder sources without being declared. */
  auto: boolean;
  /** Older names: `Class` or `module:Class`. */
  aliases: string[];
  /** The input is a folder; unknown = only for `zarr`. */
  folder?: boolean;
}

export interface ConvertContext {
  /** Empty folder for intermediate files; removed in every outcome. */
  temp: string;
  options: Record<string, unknown>;
  /** Suggested bare name of the output (input's stem + output suffix). */
  outputName: string;
  log(message: string): void;
}

export interface Converter extends ConverterInfo {
  /** The input is a folder (such as a Zarr store); it is not uploaded itself. */
  folder: boolean;
  /**
   * Writes exactly one output into `outputDir` and returns its path.
   * Throws a SyncError of class data or converter that names the place in the input.
   */
  convert(input: string, outputDir: string, context: ConvertContext): string | Promise<string>;
}

/**
 * Checks a converter definition and returns it.
 * @throws SyncError `converter_invalid` naming the missing or mistyped member
 */
export function defineConverter(definition: Converter): Converter {
  const d = definition as unknown as Record<string, unknown>;
  const kinds = {
    text: (v: unknown) => typeof v === "string" && v !== "",
    flag: (v: unknown) => typeof v === "boolean",
    code: (v: unknown) => typeof v === "function",
  };
  const members = {
    id: kinds.text,
    version: kinds.text,
    input: kinds.text,
    output: kinds.text,
    auto: kinds.flag,
    folder: kinds.flag,
    aliases: Array.isArray,
    convert: kinds.code,
  };
  for (const [member, fits] of Object.entries(members)) {
    if (!fits(d[member])) {
      const message = `converter definition: member "${member}" is missing or mistyped`;
      throw new SyncError("usage", "converter_invalid", message, {
        hint: "See docs/BACKENDS.md for the members of a converter.",
      });
    }
  }
  return definition;
}
