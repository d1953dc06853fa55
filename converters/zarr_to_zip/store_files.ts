/** Which files of a store are packed, and in which order. */
import fs from "node:fs";
import path from "node:path";
import { SyncError } from "../../src/kit/errors.ts";
import { compareCodePoints } from "../../src/kit/hdf5/code_points.ts";

/**
 * Paths of all files below a folder, hidden ones included, with `/`, sorted by their UTF-8 bytes.
 * @throws SyncError `zarr_link` for a link (its target may lie outside, or be the folder itself) and for what is no
 * file; `zarr_empty` for a folder without files; `zarr_unreadable`
 */
export function storeFiles(root: string): string[] {
  const files: string[] = [];
  const pending = [""];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of list(root, folder)) {
      const inside = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) pending.push(inside);
      else if (entry.isFile()) files.push(inside);
      else {
        throw new SyncError(
          "data",
          "zarr_link",
          `${path.basename(root)}: ${inside} is a link or no plain file`,
          {
            hint: "Put the file itself in its place.",
          },
        );
      }
    }
  }
  if (files.length === 0) {
    throw new SyncError("data", "zarr_empty", `${path.basename(root)}: the folder holds no files`, {
      hint: "A Zarr store has at least a zarr.json, .zgroup or .zarray.",
    });
  }
  return files.sort(compareCodePoints);
}

function list(root: string, folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(path.join(root, folder), { withFileTypes: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SyncError(
      "source",
      "zarr_unreadable",
      `${path.basename(root)}: ${folder || "the store"}: ${reason}`,
      {
        hint: "Check that the folder exists and that the agent may read it.",
        cause,
      },
    );
  }
}
