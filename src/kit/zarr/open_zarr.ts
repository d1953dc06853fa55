/**
 * Zarr stores of format 2 and 3 in local folders, read only: groups and arrays as nodes whose content is read when it
 * is asked for. Consolidated metadata (`.zmetadata`, or inline) is not needed, since listing a folder is cheap.
 *
 * Formats: Zarr core specification 3.1, Zarr storage specification 2, NumPy and xarray extensions as zarr-python 3
 * writes them.
 */
import { SyncError } from "../errors.ts";
import type { Dtype, Values } from "../labelled.ts";
import { arrayMetadataV2, arrayMetadataV3, type ZarrArrayMetadata } from "./array_metadata.ts";
import { ChunkReader } from "./chunk_reader.ts";
import { FlatReader } from "./flat_reader.ts";
import { StoreFolder } from "./store_folder.ts";
import { damaged, type Place } from "./zarr_error.ts";
import { isJsonObject, type JsonObject, parseZarrJson } from "./zarr_json.ts";

/** Largest metadata document; inline consolidated metadata of large stores takes some MiB. */
const MAX_METADATA_BYTES = 64 * 1024 * 1024;
/** Deepest nesting of groups. */
const MAX_DEPTH = 32;

export type ZarrNode = ZarrGroup | ZarrArray;

export class ZarrArray {
  readonly kind = "array";
  /** Path below the store, "" for a store that is one array. */
  readonly path: string;
  readonly metadata: ZarrArrayMetadata;
  readonly #flat: FlatReader;

  constructor(store: StoreFolder, path: string, metadata: ZarrArrayMetadata) {
    this.path = path;
    this.metadata = metadata;
    this.#flat = new FlatReader(new ChunkReader(store, path, metadata, arrayPlace(store, path)), metadata);
  }

  get shape(): number[] {
    return this.metadata.shape;
  }

  get dtype(): Dtype {
    return this.metadata.type.dtype;
  }

  /**
   * `length` elements from flat C-order position `start`; int64 as BigInt64Array, complex interleaved, float16 as
   * Float32Array, text as strings. Rising ranges decode every chunk once (see {@link FlatReader}).
   * @throws SyncError `zarr_damaged` naming the array and the chunk
   */
  read(start: number, length: number): Promise<Values> {
    return this.#flat.read(start, length);
  }
}

export class ZarrGroup {
  readonly kind = "group";
  /** Path below the store, "" for the root. */
  readonly path: string;
  readonly attributes: JsonObject;
  readonly #store: StoreFolder;

  constructor(store: StoreFolder, path: string, attributes: JsonObject) {
    this.#store = store;
    this.path = path;
    this.attributes = attributes;
  }

  /**
   * The groups and arrays directly inside, by name, in the order of their names. A folder without metadata is a
   * group when there are nodes below it.
   */
  children(): Map<string, ZarrNode> {
    const children = new Map<string, ZarrNode>();
    for (const name of this.#store.folders(this.path)) {
      const node = nodeAt(this.#store, this.#inside(name));
      if (node !== undefined) children.set(name, node);
    }
    return children;
  }

  /** The node at a path below this group such as `runs/a1/image`; undefined when there is none. */
  get(path: string): ZarrNode | undefined {
    return nodeAt(this.#store, this.#inside(path));
  }

  #inside(name: string): string {
    return this.path === "" ? name : `${this.path}/${name}`;
  }
}

/** An opened store. */
export interface ZarrStore {
  name: string;
  root: ZarrNode;
  /** Bytes of its files; stops counting at `enough`. */
  bytesOnDisk(enough: number): number;
}

/**
 * Opens a store.
 * @throws SyncError `zarr_unreadable` (no such folder, no permission), `zarr_no_store` (a folder without metadata),
 * `zarr_damaged`, `zarr_unsupported`, `zarr_unknown_codec`
 */
export function openZarr(path: string): ZarrStore {
  const store = new StoreFolder(path);
  const root = nodeAt(store, "");
  if (root === undefined) {
    throw new SyncError("data", "zarr_no_store", `${store.name}: holds no Zarr metadata`, {
      hint: "A Zarr store has a zarr.json, .zgroup or .zarray at its top.",
    });
  }
  return { name: store.name, root, bytesOnDisk: (enough) => store.bytesOnDisk(enough) };
}

/** Format 3 goes before format 2, as in zarr-python, when a folder has the metadata of both. */
function nodeAt(store: StoreFolder, path: string): ZarrNode | undefined {
  if (path.split("/").length > MAX_DEPTH) throw damaged(store.name, `groups nested deeper than ${MAX_DEPTH}`);
  const v3 = document(store, path, "zarr.json");
  if (v3 !== undefined) {
    if (v3["node_type"] === "array") {
      return new ZarrArray(store, path, arrayMetadataV3(v3, arrayPlace(store, path)));
    }
    if (v3["node_type"] !== "group" || v3["zarr_format"] !== 3n) {
      throw damaged(store.name, `${path || "."}/zarr.json is neither a group nor an array of format 3`);
    }
    const attributes = v3["attributes"];
    return new ZarrGroup(store, path, isJsonObject(attributes) ? attributes : {});
  }
  const array = document(store, path, ".zarray");
  const attributes = document(store, path, ".zattrs") ?? {};
  if (array !== undefined) {
    return new ZarrArray(store, path, arrayMetadataV2(array, attributes, arrayPlace(store, path)));
  }
  if (document(store, path, ".zgroup") !== undefined) return new ZarrGroup(store, path, attributes);
  const inside = store.folders(path).some((name) =>
    nodeAt(store, path ? `${path}/${name}` : name) !== undefined
  );
  return inside ? new ZarrGroup(store, path, attributes) : undefined;
}

function document(store: StoreFolder, path: string, file: string): JsonObject | undefined {
  const key = path === "" ? file : `${path}/${file}`;
  const bytes = store.read(key, { limit: MAX_METADATA_BYTES });
  if (bytes === undefined) return undefined;
  try {
    const value = parseZarrJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw damaged(store.name, `${key}: ${cause instanceof Error ? cause.message : "not JSON"}`, cause);
  }
  throw damaged(store.name, `${key} is not a JSON object`);
}

function arrayPlace(store: StoreFolder, path: string): Place {
  return `${store.name}: array "${path || "/"}"`;
}
