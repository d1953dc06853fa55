/** Re-reads what is on the platform and compares it with what the catalog says was uploaded. */
import type { Catalog } from "../../catalog/catalog.ts";
import type { FileVersionRow } from "../../catalog/file_versions.ts";
import { SyncError } from "../../kit/errors.ts";
import type { FileRecord, PlatformClient } from "../../platform/client.ts";
import { readBack } from "../item/read_back.ts";

export type VerifyProblem =
  /** The platform knows no such version. */
  | "record_missing"
  /** The platform says that it never got all bytes. */
  | "not_secured"
  /** Its bytes cannot be read any more. */
  | "bytes_missing"
  | "size_differs"
  | "md5_differs"
  | "sha256_differs"
  /** The bytes are right, the record's checksum is not. */
  | "recorded_md5_differs";

export interface Difference {
  /** Null when no source has the dataset any more. */
  source: string | null;
  dataIdentifier: string | null;
  datasetUUID: string;
  name: string;
  version_id: number;
  problem: VerifyProblem;
  detail: string;
}

export interface VerifyReport {
  /** File versions that were read. */
  checked: number;
  bytes: number;
  differences: Difference[];
  duration_ms: number;
}

export interface VerifyOptions {
  /** Name of one source; default all, including datasets whose source was removed. */
  source?: string;
  signal?: AbortSignal;
  onProgress?: (progress: { checked: number; bytes: number; current: string }) => void;
}

type Owner = Pick<Difference, "source" | "dataIdentifier">;

/**
 * Reads every secured version that this agent uploaded, one after the other, in bounded memory.
 * @throws SyncError `sync_source_not_found`; of class network or auth when the platform cannot be asked
 */
export async function verify(
  agent: { catalog: Catalog; client: Pick<PlatformClient, "readFile" | "download"> },
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const { catalog, client } = agent;
  const started = performance.now();
  const owners = new Owners(catalog, options.source);
  const report: VerifyReport = { checked: 0, bytes: 0, differences: [], duration_ms: 0 };
  for (const version of securedVersions(catalog)) {
    options.signal?.throwIfAborted();
    const owner = owners.of(version.dataset_uuid);
    if (!owner) continue;
    options.onProgress?.({ checked: report.checked, bytes: report.bytes, current: version.name });
    const outcome = await compare(client, version, options.signal);
    report.checked++;
    report.bytes += outcome.bytes;
    for (const [problem, detail] of outcome.problems) {
      report.differences.push({
        ...owner,
        datasetUUID: version.dataset_uuid,
        name: version.name,
        version_id: version.version_id,
        problem,
        detail,
      });
    }
  }
  report.duration_ms = Math.round(performance.now() - started);
  return report;
}

function* securedVersions(catalog: Catalog): Generator<FileVersionRow> {
  let last: FileVersionRow | undefined;
  do {
    const page = catalog.fileVersions.securedPage(last, 500);
    yield* page;
    last = page.at(-1);
  } while (last);
}

type Problems = [VerifyProblem, string][];

async function compare(
  client: Pick<PlatformClient, "readFile" | "download">,
  known: FileVersionRow,
  signal: AbortSignal | undefined,
): Promise<{ bytes: number; problems: Problems }> {
  const record = await client.readFile({ uuid: known.file_uuid, version_id: known.version_id });
  if (!record) return { bytes: 0, problems: [["record_missing", "the platform knows no such file version"]] };
  if (record.status !== "secured") {
    return { bytes: 0, problems: [["not_secured", `the platform calls it ${record.status}`]] };
  }
  let read;
  try {
    read = await readBack(client, record, signal ? { signal } : {});
  } catch (e) {
    // A store answers 403 for what is not there when it does not want to say so.
    if (!(e instanceof SyncError) || (e.class !== "platform" && e.class !== "permission")) throw e;
    return { bytes: 0, problems: [["bytes_missing", e.message]] };
  }
  const problems: Problems = [];
  if (read.size !== known.size) {
    problems.push(["size_differs", `uploaded ${known.size} bytes, on the platform are ${read.size}`]);
  } else if (read.sha256 !== known.sha256) {
    problems.push(["sha256_differs", `uploaded ${known.sha256}, on the platform is ${read.sha256}`]);
  } else if (read.md5 !== known.md5) {
    problems.push(["md5_differs", `uploaded ${known.md5}, on the platform is ${read.md5}`]);
  }
  return { bytes: read.size, problems: problems.concat(recordProblems(known, record)) };
}

/** The record's md5 is that of the bytes, or for netCDF files that of the content (F12). */
function recordProblems(known: FileVersionRow, record: FileRecord): Problems {
  const recorded = record.md5_checksum;
  if (recorded === null || recorded === known.md5 || recorded === known.content_md5) return [];
  return [["recorded_md5_differs", `uploaded ${known.content_md5 ?? known.md5}, recorded is ${recorded}`]];
}

/** Which source and item a dataset belongs to; undefined for those that were not asked for. */
class Owners {
  readonly #known = new Map<string, Owner | undefined>();
  readonly #names: Map<number, string>;

  constructor(private readonly catalog: Catalog, private readonly only: string | undefined) {
    this.#names = new Map(catalog.sources.list().map((s) => [s.id, s.name]));
    if (only !== undefined && !catalog.sources.byName(only)) {
      throw new SyncError("usage", "sync_source_not_found", `there is no source "${only}"`, {
        hint: "See `etiket-sync source list`.",
      });
    }
  }

  of(dataset: string): Owner | undefined {
    if (!this.#known.has(dataset)) this.#known.set(dataset, this.#find(dataset));
    return this.#known.get(dataset);
  }

  #find(dataset: string): Owner | undefined {
    const owners = this.catalog.items.ofDataset(dataset)
      .map((i): Owner => ({ source: this.#names.get(i.source_id) ?? null, dataIdentifier: i.identifier }));
    if (this.only !== undefined) return owners.find((o) => o.source === this.only);
    return owners[0] ?? { source: null, dataIdentifier: null };
  }
}
