/** Replies that several routes share. */
import type { Objects } from "../objects.ts";
import type { Dataset, DatasetRecord, FileRecord, FileVersion, User } from "../schemas.ts";
import { HubError } from "../hub_error.ts";

/** Adds the download link that a secured version has. */
export async function presentFile(file: FileRecord, objects: Objects, origin: string): Promise<FileVersion> {
  if (file.status !== "secured") return { ...file, S3_link: null, S3_validity: null };
  const { url, validUntil } = await objects.downloadLink(file, file.filename, origin);
  return { ...file, S3_link: url, S3_validity: validUntil };
}

export function presentFiles(files: FileRecord[], objects: Objects, origin: string): Promise<FileVersion[]> {
  return Promise.all(files.map((file) => presentFile(file, objects, origin)));
}

export async function presentDataset(
  dataset: DatasetRecord,
  objects: Objects,
  origin: string,
): Promise<Dataset> {
  return { ...dataset, files: await presentFiles(dataset.files, objects, origin) };
}

/** Where the client reached the hub: links lead back the same way. */
export function originOf(request: Request): string {
  return new URL(request.url).origin;
}

/** @throws HubError 403 unless the user may administer scopes */
export function requireAdmin(user: User): void {
  if (user.role === "user") throw new HubError(403, `user "${user.sub}" is no administrator`);
}
