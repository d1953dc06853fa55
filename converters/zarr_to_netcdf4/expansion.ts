/** Protection against a store of a few bytes that would fill the disk. */
import { SyncError } from "../../src/kit/errors.ts";
import type { ZarrNode, ZarrStore } from "../../src/kit/zarr/open_zarr.ts";

const GIB = 2 ** 30;
/** No measurement file of ours is larger. */
const MOST = 1024 * GIB;
/** Codecs shrink arrays of one value about this much. */
const RATIO = 10_000;
/** What a text takes in memory, at least. */
const TEXT_BYTES = 128;

/**
 * Missing chunks cost nothing in a store, but are written out in netCDF. Refuses more than 1 TiB, and more than
 * 10,000 times the store's bytes (plus 1 GiB).
 * @throws SyncError `zarr_expands_too_much`
 */
export function checkExpansion(store: ZarrStore): void {
  const expanded = expandedBytes(store.root);
  if (expanded <= GIB) return;
  if (expanded <= MOST) {
    const onDisk = store.bytesOnDisk((expanded - GIB) / RATIO);
    if (expanded <= GIB + RATIO * onDisk) return;
  }
  throw new SyncError(
    "data",
    "zarr_expands_too_much",
    `${store.name}: its arrays would take ${
      Math.ceil(expanded / GIB)
    } GiB as netCDF, mostly of chunks that are missing`,
    { hint: "Upload the store as a zip (zarr_to_zip), or shrink the arrays to their written part." },
  );
}

function expandedBytes(node: ZarrNode): number {
  if (node.kind === "group") {
    return [...node.children().values()].reduce((sum, child) => sum + expandedBytes(child), 0);
  }
  return node.shape.reduce((a, b) => a * b, node.metadata.type.itemBytes ?? TEXT_BYTES);
}
