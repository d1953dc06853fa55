/** Which fields can have images, and which images belong to one field. */
import process from "node:process";
import { BLOSC_MAX_BYTES } from "./blosc_frame.ts";
import { stateError } from "./errors.ts";
import type { ImageType } from "./image_type.ts";

/**
 * Whether a field can have a stack of its own.
 * @param others fields that have one
 * @throws WriterStateError `image_field`, `image_too_large`
 */
export function demandField(field: string, type: ImageType, others: Iterable<string>): void {
  demandFieldName(field);
  if (type.rows * type.columns * type.itemBytes > BLOSC_MAX_BYTES) {
    throw stateError(
      "image_too_large",
      `an image of ${type.rows} × ${type.columns} is too large`,
      "Write it in parts.",
    );
  }
  for (const other of others) {
    // On Windows and macOS both would be one folder.
    if (other.toLowerCase() !== field.toLowerCase()) continue;
    throw stateError(
      "image_field",
      `"${field}" and "${other}" differ only in case`,
      "Give the field another name.",
    );
  }
}

/** @throws WriterStateError `image_shape`, `image_dtype` */
export function demandSame(field: string, known: ImageType, given: ImageType): void {
  const differs = (code: string, was: string, is: string) =>
    stateError(
      code,
      `images of "${field}" have been ${was} so far, this one is ${is}`,
      "Give the field another name.",
    );
  if (known.rows !== given.rows || known.columns !== given.columns) {
    throw differs("image_shape", `${known.rows} × ${known.columns}`, `${given.rows} × ${given.columns}`);
  }
  if (known.code !== given.code) throw differs("image_dtype", known.dtype, given.dtype);
}

/** A field names a folder of the store (Zarr core specification 3.1: node names). */
function demandFieldName(field: string): void {
  const allowed = typeof field === "string" && !/^\.*$|^__|^zarr\.json$|^\.z|[/\\\p{Cc}]/u.test(field) &&
    (process.platform !== "win32" || !/[<>:"|?*]|[. ]$/.test(field)) &&
    new TextEncoder().encode(field).length <= 255;
  if (allowed) return;
  throw stateError(
    "image_field",
    `${JSON.stringify(field)} cannot name a stack of images`,
    "Use letters, digits, blanks, - and _.",
  );
}
