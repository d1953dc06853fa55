/** Writes text arrays as variable-length UTF-8 strings, large ones piece by piece. */
import { sizeOf, type SlabSource } from "../labelled.ts";
import { chunkShape, type Slab, slabs } from "./chunk_layout.ts";
import { change, type OpenNetcdf } from "./netcdf_file.ts";
import { netcdfText } from "./netcdf_names.ts";
import { invalidDataset } from "./stored_types.ts";

/** Arrays of fewer texts are written at once and stored contiguously. */
const WHOLE = 16 * 1024;
/** What a text counts for when chunks and pieces are measured: a piece has at most 65,536. */
const TEXT_BYTES = 128;
const POINTER_BYTES = 4;

/**
 * Creates a dataset of strings and fills it from `source`, which is read in rising, contiguous ranges.
 * @throws SyncError `netcdf_invalid_dataset` when the source gives something else than texts
 */
export async function writeTextDataset(
  file: OpenNetcdf,
  path: string,
  shape: readonly number[],
  source: SlabSource,
): Promise<void> {
  const what = `${file.name}: variable ${path}`;
  const size = sizeOf(shape);
  const read = async (start: number, length: number): Promise<string[]> => {
    const values = length > 0 ? await source(start, length) : [];
    if (!Array.isArray(values) || values.length !== length) {
      throw invalidDataset(
        `${what}: expected ${length} texts, not ${values.length} of ${values.constructor.name}`,
      );
    }
    return values.map(netcdfText);
  };
  if (size < WHOLE) {
    const texts = await read(0, size);
    change(what, () => createDataset(file, path, texts, shape));
    return;
  }
  const chunks = chunkShape(shape, TEXT_BYTES);
  // The library writes all values at creation, so the dataset is made empty and then grows.
  change(what, () => createDataset(file, path, [], shape.map(() => 0), { maxshape: shape, chunks }));
  change(what, () => file.module.resize_dataset(file.id, path, shape.map(BigInt)));
  for (const piece of slabs(shape, chunks, TEXT_BYTES)) {
    const texts = await read(piece.start, piece.length);
    change(what, () => writePiece(file, path, piece, texts));
  }
}

function createDataset(
  file: OpenNetcdf,
  path: string,
  texts: string[],
  shape: readonly number[],
  grown?: { maxshape: readonly number[]; chunks: readonly number[] },
): void {
  const metadata = {
    ...file.typeOf("S"),
    shape: shape.map(BigInt),
    maxshape: grown?.maxshape.map(BigInt) ?? null,
    ...(grown ? { chunks: grown.chunks.map(BigInt), compression: 0, compression_opts: [] } : {}),
    track_order: true,
  };
  file.module.create_vlen_str_dataset(file.id, path, texts, metadata);
}

/** Hands over C strings: pointers into the library's memory, then the texts, each with a zero behind it. */
function writePiece({ module, id }: OpenNetcdf, path: string, piece: Slab, texts: string[]): void {
  // At most three bytes for a UTF-16 unit.
  const room = texts.reduce((sum, text) => sum + 3 * text.length + 1, POINTER_BYTES * texts.length);
  const start = module._malloc(room);
  if (start === 0) throw new RangeError(`no memory for ${room} bytes`);
  try {
    const pointers = new DataView(module.HEAPU8.buffer, start, POINTER_BYTES * texts.length);
    const encoder = new TextEncoder();
    let at = start + POINTER_BYTES * texts.length;
    for (const [i, text] of texts.entries()) {
      pointers.setUint32(POINTER_BYTES * i, at, true);
      at += encoder.encodeInto(text, module.HEAPU8.subarray(at, at + 3 * text.length)).written;
      module.HEAPU8[at++] = 0;
    }
    const count = piece.count.map(BigInt), stride = count.map(() => 1n);
    module.set_dataset_data(id, path, count, piece.offset.map(BigInt), stride, BigInt(start));
  } finally {
    module._free(start);
  }
}
