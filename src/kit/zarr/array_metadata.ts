/** Metadata of Zarr arrays: `.zarray` (format 2) and `zarr.json` (format 3) to one checked form. */
import type { ArrayMetadata, CodecMetadata } from "zarrita";
import { z } from "zod";
import { CODECS, MAX_CHUNK_BYTES } from "./checked_codecs.ts";
import { type ElementType, elementTypeV2, elementTypeV3 } from "./element_type.ts";
import { fillScalar, type Scalar } from "./fill_value.ts";
import { damaged, type Place, unknownCodec, unsupported } from "./zarr_error.ts";
import { isJsonObject, type JsonObject, type JsonValue, withPlainNumbers } from "./zarr_json.ts";

export interface ZarrArrayMetadata {
  format: 2 | 3;
  shape: number[];
  /** Shape of the pieces that are decoded at once (inside shards: the inner chunks). */
  chunkShape: number[];
  type: ElementType;
  fill: Scalar;
  /** The fill value as it stands in the metadata; undefined or null when there is none. */
  rawFill: JsonValue | undefined;
  /** Names of the dimensions; undefined for those without. */
  dims: (string | undefined)[];
  attributes: JsonObject;
  /** What zarrita needs; its element type and codecs. */
  decoding: ArrayMetadata;
  /** The index of each shard is at its start instead of its end. */
  indexAtStart: boolean;
}

const extent = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const extents = z.array(extent).max(32, "more than 32 dimensions");
const separator = z.enum([".", "/"]);
const v2Codec = z.looseObject({ id: z.string() });
const arrayV2 = z.object({
  zarr_format: z.literal(2),
  shape: extents,
  chunks: extents,
  dtype: z.unknown(),
  compressor: v2Codec.nullish(),
  filters: z.array(v2Codec).nullish(),
  order: z.enum(["C", "F"]).default("C"),
  dimension_separator: separator.default("."),
});
/** Extension points are a name, or a name with a configuration. */
const extension = z.union([
  z.string().transform((name) => ({ name, configuration: {} })),
  z.object({ name: z.string(), configuration: z.record(z.string(), z.unknown()).default({}) }),
]);
const arrayV3 = z.object({
  zarr_format: z.literal(3),
  node_type: z.literal("array"),
  shape: extents,
  data_type: z.unknown(),
  chunk_grid: z.object({ name: z.literal("regular"), configuration: z.object({ chunk_shape: extents }) }),
  chunk_key_encoding: extension.pipe(z.object({
    name: z.enum(["default", "v2"]),
    configuration: z.object({ separator: separator.optional() }),
  })),
  codecs: z.array(extension).min(1),
  dimension_names: z.array(z.string().nullable()).nullish(),
  storage_transformers: z.array(z.unknown()).max(0, "storage transformers are not supported").optional(),
});
const sharding = z.object({
  chunk_shape: extents,
  codecs: z.array(extension).min(1),
  index_codecs: z.array(extension).min(1),
  index_location: z.enum(["start", "end"]).default("end"),
});

/**
 * Reads a format-2 array.
 * @throws SyncError `zarr_damaged`, `zarr_unsupported`, `zarr_unknown_codec`
 */
export function arrayMetadataV2(doc: JsonObject, attributes: JsonObject, place: Place): ZarrArrayMetadata {
  const meta = parse(arrayV2, withPlainNumbers(doc), place);
  const { type, bigEndian } = elementTypeV2(meta.dtype, place);
  const codecs: CodecMetadata[] = [];
  if (meta.order === "F" && meta.shape.length > 1) codecs.push(transposeAll(meta.shape.length));
  const chain = [...meta.filters ?? [], ...meta.compressor ? [meta.compressor] : []];
  for (const { id, ...configuration } of chain) codecs.push({ name: `numcodecs.${id}`, configuration });
  // Elements become bytes before the first codec that works on bytes; codecs are sorted by kind when they are run.
  if (type.itemBytes !== undefined) {
    codecs.push({ name: "bytes", configuration: { endian: bigEndian ? "big" : "little" } });
  }
  return checked({
    format: 2,
    shape: meta.shape,
    chunkShape: meta.chunks,
    type,
    rawFill: doc["fill_value"],
    ...dimsAndAttributes(undefined, attributes, meta.shape.length),
    codecs,
    grid: meta.chunks,
    keys: { name: "v2", configuration: { separator: meta.dimension_separator } },
    indexAtStart: false,
  }, place);
}

/** Reads a format-3 array; throws as {@link arrayMetadataV2}. */
export function arrayMetadataV3(doc: JsonObject, place: Place): ZarrArrayMetadata {
  const meta = parse(arrayV3, withPlainNumbers(doc), place);
  const type = elementTypeV3(meta.data_type, place);
  const grid = meta.chunk_grid.configuration.chunk_shape;
  const shard = meta.codecs.find((c) => c.name === "sharding_indexed");
  let codecs: CodecMetadata[] = meta.codecs, chunkShape = grid, indexAtStart = false;
  if (shard !== undefined) {
    if (codecs.length > 1) throw unsupported(place, "codecs around shards are not supported");
    const inner = parse(sharding, shard.configuration, place);
    ({ codecs, chunk_shape: chunkShape } = inner);
    indexAtStart = inner.index_location === "start";
    if (grid.length !== chunkShape.length || grid.some((n, i) => n % (chunkShape[i] || NaN) !== 0)) {
      throw damaged(place, `shards of ${grid} can not hold whole chunks of ${chunkShape}`);
    }
    if (inner.index_codecs.some((c) => c.name !== "bytes" && c.name !== "crc32c")) {
      throw unsupported(place, "a shard index with other codecs than bytes and crc32c is not supported");
    }
    if (grid.reduce((a, n, i) => a * (n / (chunkShape[i] ?? 1)), 16) > MAX_CHUNK_BYTES) {
      throw unsupported(place, `shards of ${grid} with chunks of ${chunkShape} are too large`);
    }
    shard.configuration = { ...inner };
  }
  const attributes = doc["attributes"];
  return checked({
    format: 3,
    shape: meta.shape,
    chunkShape,
    type,
    rawFill: doc["fill_value"],
    ...dimsAndAttributes(meta.dimension_names, isJsonObject(attributes) ? attributes : {}, meta.shape.length),
    codecs,
    shard,
    grid,
    keys: meta.chunk_key_encoding,
    indexAtStart,
  }, place);
}

interface Draft extends Omit<ZarrArrayMetadata, "fill" | "decoding"> {
  codecs: CodecMetadata[];
  shard?: CodecMetadata;
  grid: number[];
  keys: ArrayMetadata["chunk_key_encoding"];
}

/** The checks that both formats share, and the form that zarrita takes. */
function checked({ codecs, shard, grid, keys, ...draft }: Draft, place: Place): ZarrArrayMetadata {
  const { shape, chunkShape, type } = draft;
  if (grid.length !== shape.length || grid.some((n, i) => n === 0 && shape[i] !== 0)) {
    throw damaged(place, `chunks of ${grid} do not fit the shape ${shape}`);
  }
  for (const { name, configuration } of codecs) {
    if (!CODECS.some((known) => name === known || name === `numcodecs.${known}`)) {
      throw unknownCodec(place, name);
    }
    if (
      name.endsWith("delta") && configuration.astype !== undefined &&
      configuration.astype !== configuration.dtype
    ) {
      throw unsupported(place, "the codec delta with a change of type is not supported");
    }
  }
  checkTransposition(codecs, shape.length, place);
  const chunkBytes = chunkShape.reduce((a, b) => a * b, type.itemBytes ?? 16);
  if (!(chunkBytes <= MAX_CHUNK_BYTES)) {
    throw unsupported(place, `chunks of ${chunkBytes} bytes are too large`);
  }
  if (!Number.isSafeInteger(shape.reduce((a, b) => a * b, type.itemBytes ?? 16))) {
    throw damaged(place, `the shape ${shape} is too large to be true`);
  }
  const fill = fillScalar(type, draft.rawFill, place);
  const inner = codecs.map((codec) =>
    codec.name === "bytes" && type.pairs
      ? { ...codec, configuration: { ...codec.configuration, elements_per_item: 2 } }
      : codec
  );
  return {
    ...draft,
    fill,
    decoding: {
      zarr_format: 3,
      node_type: "array",
      shape,
      data_type: type.decodedAs,
      chunk_grid: { name: "regular", configuration: { chunk_shape: grid } },
      chunk_key_encoding: keys,
      codecs: shard ? [{ ...shard, configuration: { ...shard.configuration, codecs: inner } }] : inner,
      // Complex fill values are put in afterwards, as zarrita knows no complex numbers.
      fill_value: Array.isArray(fill) ? 0 : fill,
      attributes: {},
    },
  };
}

function parse<T>(schema: z.ZodType<T>, doc: unknown, place: Place): T {
  const parsed = schema.safeParse(doc);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(place, `metadata: ${issue?.path.join(".") || "document"}: ${issue?.message ?? "invalid"}`);
}

function transposeAll(rank: number): CodecMetadata {
  return {
    name: "transpose",
    configuration: { order: Array.from({ length: rank }, (_, i) => rank - 1 - i) },
  };
}

function checkTransposition(codecs: CodecMetadata[], rank: number, place: Place): void {
  const transpositions = codecs.filter((c) => c.name === "transpose");
  if (transpositions.length > 1) throw unsupported(place, "more than one transposition is not supported");
  const order = transpositions[0]?.configuration.order;
  if (order === undefined || order === "C" || order === "F") return;
  const axes = z.array(z.number()).length(rank).safeParse(order);
  if (!axes.success || !axes.data.toSorted((a, b) => a - b).every((axis, i) => axis === i)) {
    throw damaged(place, `the transposition ${JSON.stringify(order)} is no order of ${rank} axes`);
  }
}

/** xarray keeps the names in an attribute in format 2; migrated format-3 stores may still have it. */
function dimsAndAttributes(
  names: (string | null)[] | null | undefined,
  attributes: JsonObject,
  rank: number,
): Pick<ZarrArrayMetadata, "dims" | "attributes"> {
  const { _ARRAY_DIMENSIONS: list, ...rest } = attributes;
  const all: JsonValue[] = names ?? (Array.isArray(list) ? list : []);
  const dims = Array.from({ length: rank }, (_, i) => {
    const name = all.length === rank ? all[i] : undefined;
    return typeof name === "string" && name !== "" ? name : undefined;
  });
  return { dims, attributes: rest };
}
