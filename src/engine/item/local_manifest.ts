/** `.QH_manifest.yaml`: the copy of the agent's memory inside a folder dataset (behaviour 7.2), and what it decides (D12). */
import { parse } from "yaml";
import { z } from "zod";
import type { FileSystem } from "../../env.ts";
import { manifestText } from "./manifest_text.ts";
import { type Metadata, metadataSchema } from "./metadata.ts";
import type { UploadEntry } from "./sync_record.ts";

export const MANIFEST = ".QH_manifest.yaml";

const manifestSchema = z.looseObject({
  dataset_uuid: z.string().regex(/^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$/i).transform(dashed),
  scope_uuid: z.string(),
  dataset_sync_path: z.string().nullish(),
  files: z.record(z.string(), z.looseObject({ sha256: z.string().nullish(), size: z.number().nullish() }))
    .nullish().catch(null),
  etiket_sync: z.looseObject({
    machine_id: z.string(),
    source: z.string(),
    base: metadataSchema.nullish().catch(null),
  }).nullish().catch(null),
});
export type LocalManifest = z.infer<typeof manifestSchema>;

/** Reads a folder's manifest: undefined when absent, `unreadable` when it cannot be understood. */
export function readManifest(
  folder: string,
  fs: Pick<FileSystem, "readTextFileSync"> = Deno,
): LocalManifest | "unreadable" | undefined {
  return readManifestFile(`${folder}/${MANIFEST}`, fs);
}

function readManifestFile(
  path: string,
  fs: Pick<FileSystem, "readTextFileSync">,
): LocalManifest | "unreadable" | undefined {
  let text: string;
  try {
    text = fs.readTextFileSync(path);
  } catch (e) {
    return e instanceof Deno.errors.NotFound ? undefined : "unreadable";
  }
  try {
    return manifestSchema.parse(parse(text, { maxAliasCount: 100 }));
  } catch {
    return "unreadable";
  }
}

export interface ManifestContent {
  dataset_uuid: string;
  scope_uuid: string;
  folder: string;
  sync_time: string;
  files: Record<string, UploadEntry>;
  machine_id: string;
  source: string;
  base: Metadata | null;
  fingerprint: string;
}

/**
 * Writes the manifest under a hidden temporary name and renames it (R5).
 * @returns false when the folder is not writable: the catalog alone then remembers
 */
export function writeManifest(content: ManifestContent, fs: Files = Deno): boolean {
  const { folder, machine_id } = content;
  const temporary = temporaryName(folder, machine_id);
  try {
    writeDurably(temporary, content, { create: true, truncate: true }, fs);
    fs.renameSync(temporary, `${folder}/${MANIFEST}`);
    return true;
  } catch {
    removeLeftover(folder, machine_id, fs);
    return false;
  }
}

/**
 * Marks a folder without a manifest as one dataset: of all agents that try at the same moment one succeeds (L26).
 * @returns whether another manifest is there
 */
export function claimFolder(content: ManifestContent, fs: Files = Deno): boolean {
  try {
    writeDurably(`${content.folder}/${MANIFEST}`, content, { createNew: true }, fs);
    return false;
  } catch (e) {
    return e instanceof Deno.errors.AlreadyExists;
  }
}

/**
 * Marks a folder as one dataset in place of a manifest that is not about it: of all agents that try at the same moment
 * one takes that away.
 * @param foreign dataset uuid of the manifest that is not about the folder; undefined when it cannot be read
 * @returns whether the manifest of another agent is there now
 */
export function replaceForeign(
  content: ManifestContent,
  foreign: string | undefined,
  fs: Files = Deno,
): boolean {
  const { folder, machine_id } = content;
  const taken = temporaryName(folder, machine_id);
  try {
    fs.renameSync(`${folder}/${MANIFEST}`, taken);
  } catch (e) {
    // Taken away by another agent, which makes its own now; or nothing can be written here.
    return e instanceof Deno.errors.NotFound && claimFolder(content, fs);
  }
  const manifest = readManifestFile(taken, fs);
  const uuid = manifest === undefined || manifest === "unreadable" ? undefined : manifest.dataset_uuid;
  if (uuid !== foreign) {
    // Another agent was quicker, and this is its manifest.
    fs.renameSync(taken, `${folder}/${MANIFEST}`);
    return true;
  }
  const isClaimed = claimFolder(content, fs);
  removeLeftover(folder, machine_id, fs);
  return isClaimed;
}

function writeDurably(path: string, content: ManifestContent, how: Deno.OpenOptions, fs: Files): void {
  const text = manifestText(
    {
      version: 0.1,
      dataset_uuid: content.dataset_uuid,
      scope_uuid: content.scope_uuid,
      dataset_sync_path: content.folder,
      sync_time: content.sync_time,
    },
    content.files,
    {
      etiket_sync: {
        machine_id: content.machine_id,
        source: content.source,
        base: content.base,
        fingerprint: content.fingerprint,
      },
    },
  );
  using file = fs.openSync(path, { write: true, ...how });
  const bytes = new TextEncoder().encode(text);
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
  file.syncSync();
}

/** Removes the temporary file that a killed run of this machine may have left. */
export function removeLeftover(folder: string, machineId: string, fs: Files = Deno): void {
  const path = temporaryName(folder, machineId);
  try {
    if (isThere(path, fs)) fs.removeSync(path);
  } catch {
    // Not writable any more: it is hidden and never synchronized.
  }
}

type Files = Pick<FileSystem, "openSync" | "readTextFileSync" | "renameSync" | "removeSync" | "statSync">;

function isThere(path: string, fs: Pick<FileSystem, "statSync">): boolean {
  try {
    fs.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function temporaryName(folder: string, machineId: string): string {
  return `${folder}/${MANIFEST}.${machineId.slice(0, 8)}.tmp`;
}

/** What a folder's manifest means for its item (D12). */
export type ManifestVerdict =
  /** The stored dataset is this one; `base` continues its three-way merge. */
  | { kind: "same"; dataset_uuid: string; base: Metadata | null; log?: string }
  /** The item goes on with the uuid it has. */
  | { kind: "own"; log?: string };

export interface ManifestSituation {
  manifest: LocalManifest | "unreadable" | undefined;
  /** Scope the item goes to. */
  scope: string;
  folder: string;
  machineId: string;
  /** The dataset that the item has. */
  own: string;
  /** The catalog knows an item with the stored dataset. */
  known: boolean;
  /** Another item of the catalog has the stored dataset, and its folder is there. */
  isElsewhere: boolean;
  /** An item of the catalog has the stored dataset, and its folder is gone: it moved here, into whatever scope. */
  isBereft?: boolean;
  /** Dataset uuid of the manifest found in another folder, or undefined. */
  uuidAt: (folder: string) => string | undefined;
  /** Every file of the stored record equals a local file. */
  filesEqual: (files: NonNullable<LocalManifest["files"]>) => Promise<boolean>;
  fs?: Pick<FileSystem, "statSync">;
}

/** Decides by the table of D12 whether a folder is the stored dataset, moved or copied. */
export async function judgeManifest(s: ManifestSituation): Promise<ManifestVerdict> {
  const m = s.manifest;
  if (m === undefined) return { kind: "own" };
  if (m === "unreadable") return { kind: "own", log: "manifest_unreadable" };
  if (m.scope_uuid !== s.scope && !s.isBereft) return { kind: "own" };
  const same = (log?: string): ManifestVerdict => ({
    kind: "same",
    dataset_uuid: m.dataset_uuid,
    base: m.etiket_sync?.base ?? null,
    ...(log ? { log } : {}),
  });
  const inPlace = m.dataset_sync_path === s.folder || !m.dataset_sync_path;
  if (m.dataset_uuid === s.own) return same(inPlace ? undefined : "moved_dataset");
  const copied: ManifestVerdict = { kind: "own", log: "copied_dataset" };
  if (s.isElsewhere) return copied;
  if (inPlace || !m.dataset_sync_path) return same();
  const there = s.uuidAt(m.dataset_sync_path);
  if (there === m.dataset_uuid) return copied;
  // Without a manifest a folder at the old place may be the original; with another one it is another dataset.
  if (there === undefined && isThere(m.dataset_sync_path, s.fs ?? Deno)) return copied;
  if (m.etiket_sync?.machine_id === s.machineId || s.known) return same("moved_dataset");
  const equal = m.files && Object.keys(m.files).length > 0 && await s.filesEqual(m.files);
  return equal ? same("moved_dataset") : { kind: "own" };
}

function dashed(uuid: string): string {
  const hex = uuid.toLowerCase().replaceAll("-", "");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
