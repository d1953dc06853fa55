/** The hub's own look at an uploaded object, before a version counts as secured. */
import type { Catalogue } from "./catalogue.ts";
import { HubError } from "./hub_error.ts";
import type { Objects } from "./objects.ts";
import type { FileValidate } from "./schemas.ts";

/**
 * Sets a version `secured` if its object is there, durable, and of the size and md5 that the client says. A store that
 * can not tell the md5 of an object that came in parts has checked the parts instead ({@link Objects}).
 * For HDF5_NETCDF the client may send the content md5, which the hub can not check: it keeps its own hashes beside it.
 * @throws HubError 400 when the object is missing or differs, 403 immutable and already uploaded, 404 unknown, 409
 * replaced meanwhile; the status is unchanged then
 */
export async function validateUpload(
  request: FileValidate,
  { files }: Pick<Catalogue, "files">,
  objects: Objects,
): Promise<void> {
  const key = { uuid: request.uuid, version_id: request.version_id };
  const what = `file ${key.uuid} version ${key.version_id}`;
  const record = await files.version(key);
  if (!record) throw new HubError(404, `${what} does not exist`);
  if (record.immutable && record.status === "secured") {
    throw new HubError(403, `${what} is immutable and already uploaded`);
  }
  const stored = await objects.inspect(key);
  if (!stored) throw new HubError(400, `nothing has been uploaded for ${what}`);
  // What replaces a mutable version may be longer or shorter than what was announced once.
  if (stored.size !== record.size && record.immutable) {
    throw new HubError(400, `${what}: ${stored.size} bytes were uploaded, ${record.size} were announced`);
  }
  if (stored.md5 !== null && stored.md5 !== request.md5_checksum && record.type !== "HDF5_NETCDF") {
    throw new HubError(
      400,
      `${what}: md5 of the uploaded bytes is ${stored.md5}, not ${request.md5_checksum}`,
    );
  }
  if (!await files.secure(key, request.md5_checksum, stored, stored.isCurrent)) {
    throw new HubError(409, `${what} was uploaded again while it was checked: validate again`);
  }
}
