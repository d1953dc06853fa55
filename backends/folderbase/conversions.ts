/** Which converters a dataset asks for, and on which of its files and stores they run (K3–K6). */
import { z } from "zod";
import type { ConverterInfo } from "../../src/kit/define_converter.ts";
import type { ConversionRequest, DraftLog, Skip } from "../../src/kit/drafts.ts";
import type { WalkedEntry } from "../../src/kit/folder_walk.ts";
import { compareNames } from "../../src/kit/logical_name.ts";
import { INFO_FILE } from "./info_document.ts";
import type { PlainValue } from "./yaml_values.ts";

const KEY = /^(\w+?)_to_(\w+)_converter$/u;

/** The three forms of a declaration: an id, the original module and class, an id with options. */
const Declaration = z.union([
  z.string().min(1).transform((id) => ({ names: [id], options: undefined })),
  z.object({ converter: z.string().min(1), options: z.record(z.string(), z.unknown()).optional() })
    .transform(({ converter, options }) => ({ names: [converter], options })),
  z.object({ module: z.string().min(1), class: z.string().min(1) })
    .transform((d) => ({ names: [d.class, `${d.module}:${d.class}`], options: undefined })),
]);

/** A converter that was found, with the options it is to run with. */
export interface ChosenConverter {
  converter: ConverterInfo;
  options?: Record<string, unknown>;
}

export interface ChosenConverters {
  /** In id order, each converter once. */
  chosen: ChosenConverter[];
  skips: Skip[];
  logs: DraftLog[];
}

/**
 * Resolves the declarations of an info file and adds the converters that run by themselves.
 * @param auto false, or the list of ids: which converters with `auto` may run undeclared (K5)
 */
export function chooseConverters(
  declarations: [key: string, declaration: PlainValue][],
  installed: ConverterInfo[],
  auto: boolean | string[],
): ChosenConverters {
  const chosen = new Map<string, ChosenConverter>();
  const skips: Skip[] = [];
  const logs: DraftLog[] = [];
  const log = (code: string, message: string) => logs.push({ code, message: `${INFO_FILE}: ${message}` });

  for (const [key, value] of declarations) {
    const types = KEY.exec(key);
    if (!types) {
      log("converter_key_invalid", `converter "${key}" should be named <from>_to_<into>_converter`);
      continue;
    }
    const parsed = Declaration.safeParse(value);
    if (!parsed.success) {
      log("converter_declaration_invalid", `"${key}" needs a converter's id, or both module and class`);
      continue;
    }
    const { names, options } = parsed.data;
    const converter = findConverter(names, types[1]!, types[2]!, installed);
    if (!converter) {
      log("converter_not_installed", `"${key}": no installed converter is named ${names.join(" or ")}`);
      skips.push({ path: `converters.${key}`, reason: "converter_not_installed", rule: "K4" });
    } else if (!chosen.has(converter.id)) {
      chosen.set(converter.id, { converter, ...(options ? { options } : {}) });
    }
  }
  for (const converter of installed) {
    const allowed = Array.isArray(auto) ? auto.includes(converter.id) : auto;
    if (converter.auto && allowed && !chosen.has(converter.id)) chosen.set(converter.id, { converter });
  }
  const sorted = [...chosen.values()].sort((a, b) => compareNames(a.converter.id, b.converter.id));
  return { chosen: sorted, skips, logs };
}

/** By id, then alias `module:Class`, then alias `Class`, then the only one with these types (K3). */
function findConverter(
  names: string[],
  input: string,
  output: string,
  installed: ConverterInfo[],
): ConverterInfo | undefined {
  const [name, qualified] = names;
  const byTypes = installed.filter((c) =>
    c.input === input.toLowerCase() && c.output === output.toLowerCase()
  );
  return installed.find((c) => c.id === name) ??
    installed.find((c) => qualified !== undefined && c.aliases.includes(qualified)) ??
    installed.find((c) => name !== undefined && c.aliases.includes(name)) ??
    (byTypes.length === 1 ? byTypes[0] : undefined);
}

/** True for converters whose input is a folder. */
function takesFolder(converter: ConverterInfo): boolean {
  return converter.folder ?? converter.input === "zarr";
}

/** Whether a folder of this name is one thing, given the converters in use: `*.zarr`, and their inputs. */
export function isStoreName(name: string, chosen: ChosenConverter[]): boolean {
  return hasSuffix(name, "zarr") ||
    chosen.some(({ converter }) => takesFolder(converter) && hasSuffix(name, converter.input));
}

/** The conversions of a dataset, by input name and converter id; stores that none takes are skipped. */
export function planConversions(
  files: WalkedEntry[],
  stores: WalkedEntry[],
  chosen: ChosenConverter[],
): { conversions: ConversionRequest[]; skips: Skip[] } {
  const skips: Skip[] = [];
  const requests = (entry: WalkedEntry, folder: boolean): ConversionRequest[] =>
    chosen.filter(({ converter: c }) => takesFolder(c) === folder && hasSuffix(entry.name, c.input))
      .map(({ converter, options }) => ({
        converter: converter.id,
        input: entry.path,
        name: entry.name,
        ...(options ? { options } : {}),
      }));
  const conversions = files.flatMap((file) => requests(file, false));
  for (const store of stores) {
    const ofStore = requests(store, true);
    conversions.push(...ofStore);
    if (ofStore.length === 0) skips.push({ path: store.name, reason: "zarr_without_converter" });
  }
  // A stable sort: the converters of one input stay in id order.
  return { conversions: conversions.sort((a, b) => compareNames(a.name, b.name)), skips };
}

function hasSuffix(name: string, suffix: string): boolean {
  return name.toLowerCase().endsWith(`.${suffix}`);
}
