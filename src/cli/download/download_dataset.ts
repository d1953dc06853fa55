/** Brings the files of a dataset to this computer, each checked against what the platform recorded. */
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Agent } from "../../engine/agent.ts";
import { readBack } from "../../engine/item/read_back.ts";
import { SyncError } from "../../kit/errors.ts";
import type { Dataset, FileRecord } from "../../platform/client.ts";
import { localPaths } from "./local_names.ts";

export interface DownloadedFile {
  name: string;
  filename: string;
  version_id: number;
  /** Absolute path on this computer. */
  path: string;
  size: number;
  type: string;
}

export interface DownloadOptions {
  signal?: AbortSignal;
  onProgress?: (progress: { files: number; of: number; bytes: number; current: string }) => void;
}

/** The newest secured version of each file, sorted by name. */
export function newestVersions(dataset: Dataset): FileRecord[] {
  const newest = new Map<string, FileRecord>();
  for (const file of dataset.files) {
    const known = newest.get(file.name);
    if (file.status === "secured" && (!known || file.version_id > known.version_id)) {
      newest.set(file.name, file);
    }
  }
  return [...newest.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/**
 * Writes the newest version of every file below `directory`. A file is complete or absent: it gets its name after its
 * bytes were checked; one that is already there is replaced.
 * @throws SyncError `download_differs`, `download_outside`, `download_not_written`, or of the platform's classes
 */
export async function downloadDataset(
  agent: Pick<Agent, "client" | "catalog" | "readers">,
  dataset: Dataset,
  directory: string,
  options: DownloadOptions = {},
): Promise<DownloadedFile[]> {
  const files = newestVersions(dataset);
  const paths = localPaths(files);
  const root = await makeFolder(resolve(directory));
  const done: DownloadedFile[] = [];
  let bytes = 0;
  for (const [i, file] of files.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ files: done.length, of: files.length, bytes, current: file.name });
    const path = join(root, ...(paths[i] ?? "").split("/"));
    await insideOnly(root, dirname(path));
    const size = await downloadFile(agent, dataset.uuid, file, path, options.signal);
    bytes += size;
    const { name, filename, version_id, type } = file;
    done.push({ name, filename, version_id, path, size, type });
  }
  return done;
}

async function downloadFile(
  agent: Pick<Agent, "client" | "catalog" | "readers">,
  dataset: string,
  file: FileRecord,
  path: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const part = `${path}.${crypto.randomUUID().slice(0, 8)}.part`;
  try {
    // A link may have run out while the files before this one were read.
    const record = await agent.client.readFile({ uuid: file.uuid, version_id: file.version_id }) ?? file;
    const read = await writeTo(
      part,
      (write) => readBack(agent.client, record, { write, ...(signal ? { signal } : {}) }),
    );
    await check(agent, dataset, file, read, part);
    await Deno.rename(part, path);
    return read.size;
  } catch (e) {
    await Deno.remove(part).catch(() => {});
    if (e instanceof SyncError || signal?.aborted) throw e;
    throw new SyncError(
      "local",
      "download_not_written",
      `cannot write ${path}: ${e instanceof Error ? e.message : e}`,
      {
        cause: e,
        hint: "Check the folder's permissions and the free space.",
      },
    );
  }
}

async function writeTo<T>(
  path: string,
  produce: (write: (bytes: Uint8Array) => Promise<void>) => Promise<T>,
): Promise<T> {
  const out = await Deno.open(path, { write: true, createNew: true });
  try {
    return await produce(async (bytes) => {
      for (let at = 0; at < bytes.length;) at += await out.write(bytes.subarray(at));
    });
  } finally {
    out.close();
  }
}

/**
 * The recorded md5 is that of the bytes, or for netCDF files that of the content (F12): then the catalog tells, or
 * the content is hashed. A recorded size may be wrong where the md5 of the bytes is right.
 */
async function check(
  agent: Pick<Agent, "catalog" | "readers">,
  dataset: string,
  file: FileRecord,
  read: { size: number; md5: string; sha256: string },
  path: string,
): Promise<void> {
  if (file.md5_checksum === read.md5) return;
  if (file.size !== read.size) throw differs(file, `${read.size} bytes instead of ${file.size}`);
  if (file.md5_checksum === null) return;
  const known = agent.catalog.fileVersions.ofName(dataset, file.name)
    .find((v) => v.file_uuid === file.uuid && v.version_id === file.version_id);
  if (known?.secured && known.sha256 === read.sha256) return;
  if (file.type === "HDF5_NETCDF") {
    const { content_md5 } = await agent.readers.run("inspect", { path, filename: file.filename });
    if (content_md5 === file.md5_checksum) return;
  }
  throw differs(file, `md5 ${read.md5} instead of ${file.md5_checksum}`);
}

function differs(file: FileRecord, detail: string): SyncError {
  return new SyncError(
    "platform",
    "download_differs",
    `"${file.name}" version ${file.version_id} arrived with ${detail}`,
    {
      hint:
        "Try again; when it stays so, the platform's copy is damaged: `etiket-sync verify` compares all of them.",
    },
  );
}

async function makeFolder(path: string): Promise<string> {
  try {
    await Deno.mkdir(path, { recursive: true });
    return await Deno.realPath(path);
  } catch (e) {
    throw new SyncError("local", "download_not_written", `cannot make the folder ${path}`, {
      cause: e,
      hint: "Choose another folder with --to.",
    });
  }
}

/** Makes the folders from `root` down to `folder`, one by one: a link that leads out of `root` is not followed. */
async function insideOnly(root: string, folder: string): Promise<void> {
  let current = root;
  for (const part of relative(root, folder).split(sep).filter((p) => p !== "")) {
    current = join(current, part);
    const real = await makeFolder(current);
    if (real.startsWith(root.endsWith(sep) ? root : root + sep)) continue;
    throw new SyncError("local", "download_outside", `${current} is a link that leads out of ${root}`, {
      hint: "Choose an empty folder with --to.",
    });
  }
}
