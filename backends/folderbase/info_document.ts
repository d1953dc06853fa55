/** The info file as a YAML document: found, read and parsed without trusting it. */
import { join } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { SyncError } from "../../src/kit/errors.ts";
import { isInside } from "../../src/kit/folder_walk.ts";
import { YamlValues } from "./yaml_values.ts";

/** Name of the file that marks a dataset (D1). */
export const INFO_FILE = "_QH_dataset_info.yaml";

const MAX_BYTES = 1024 * 1024;

/** A parsed info file. */
export interface InfoDocument {
  path: string;
  /** Modification time, ms since 1970 UTC. */
  mtime: number;
  values: YamlValues;
  /** Null when the file is empty: everything takes its default. */
  map: YAMLMap | null;
}

/**
 * Reads the info file of a dataset folder.
 * @param root root folder of the source; a link that leads out of it is not followed (D4)
 * @returns null when there is none
 * @throws SyncError data `info_file_invalid`, with line and column where the text is at fault
 */
export function readInfoFile(folder: string, root: string): InfoDocument | null {
  const path = join(folder, INFO_FILE);
  const info = statInfoFile(path, root);
  if (!info) return null;
  if (info.size > MAX_BYTES) throw infoFileInvalid(path, `it is larger than ${MAX_BYTES} bytes`);
  return { path, mtime: info.mtime?.getTime() ?? 0, ...parseInfoText(path, Deno.readFileSync(path)) };
}

/** The error for an info file that cannot be used; `reason` continues "<path>: ". */
export function infoFileInvalid(path: string, reason: string, cause?: unknown): SyncError {
  return new SyncError("data", "info_file_invalid", `${path}: ${reason}`, {
    hint:
      `Correct ${INFO_FILE}: a map of keys in YAML, saved as UTF-8. Its files are uploaded once it is readable.`,
    cause,
  });
}

function statInfoFile(path: string, root: string): Deno.FileInfo | null {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return null;
    throw infoFileInvalid(path, e instanceof Error ? e.message : String(e), e);
  }
  if (info.isDirectory) return null;
  if (info.isSymlink) {
    try {
      if (!isInside(Deno.realPathSync(root), Deno.realPathSync(path))) {
        throw infoFileInvalid(path, "it is a link that leads out of the source's folder");
      }
      info = Deno.statSync(path);
    } catch (e) {
      throw e instanceof SyncError ? e : infoFileInvalid(path, "it is a link that leads nowhere", e);
    }
  }
  // Anything else, such as a pipe, could block for ever when opened.
  if (!info.isFile) throw infoFileInvalid(path, "it is no regular file");
  return info;
}

/**
 * Parses the bytes of an info file: YAML 1.2 in UTF-8, with or without BOM. Aliases stay unexpanded.
 * @throws SyncError data `info_file_invalid`
 */
export function parseInfoText(path: string, bytes: Uint8Array): Pick<InfoDocument, "values" | "map"> {
  const text = decodeUtf8(path, bytes);
  try {
    return parseYaml(path, text);
  } catch (e) {
    // Whatever else the parser throws, such as a stack that is too deep, is the text's fault.
    throw e instanceof SyncError ? e : infoFileInvalid(path, e instanceof Error ? e.message : String(e), e);
  }
}

function parseYaml(path: string, text: string): Pick<InfoDocument, "values" | "map"> {
  const lines = new LineCounter();
  // Keys are checked for doubles later: the parser's own check takes quadratic time.
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: false,
    intAsBigInt: true,
    prettyErrors: false,
    logLevel: "error",
  });
  const fault = (offset: number, reason: string, cause?: unknown) => {
    const { line, col } = lines.linePos(offset);
    const place = `line ${Math.max(1, line)}, column ${Math.max(1, col)}`;
    return infoFileInvalid(path, `${place}: ${reason}`, cause);
  };
  const [error] = document.errors;
  if (error) throw fault(error.pos[0], error.message, error);
  const values = new YamlValues(document, (alias) => {
    throw fault(alias.range?.[0] ?? 0, `there is no anchor "${alias.source}" before it`);
  });
  const { contents } = document;
  if (contents === null || (isScalar(contents) && contents.value === null)) return { values, map: null };
  if (!isMap(contents)) throw fault(contents.range[0], "a map of keys is expected");
  return { values, map: contents };
}

function decodeUtf8(path: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (e) {
    const readable = new TextDecoder().decode(bytes);
    const before = readable.slice(0, Math.max(0, readable.indexOf("\ufffd"))).split("\n");
    const place = `line ${before.length}, column ${before.at(-1)!.length + 1}`;
    throw infoFileInvalid(path, `${place}: the text is not UTF-8`, e);
  }
}
