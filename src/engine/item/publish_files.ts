/** The files of one draft on their way to the platform: several at once, told in the draft's order. */
import { COPY_LIMIT } from "../../transfer/snapshot.ts";
import type { Freezer } from "./freeze.ts";
import { type FileRun, publishAndRecord } from "./file_run.ts";
import type { FileGroup } from "./prepare.ts";
import type { PublishedDataset } from "./publish_dataset.ts";
import type { Services } from "../services.ts";
import type { RunRecorder, RunStrand } from "./sync_record.ts";
import type { PlannedFile } from "../views.ts";

/** Groups of an item that are under way at once. How many of them upload is up to the transfer slots. */
const AT_ONCE = 32;
/** What their private copies may need, bytes; one that is larger goes alone. */
const COPIES = 256 * 1024 * 1024;

/**
 * Publishes all groups. What becomes of them is recorded in their order, whichever is done first; a failed file never
 * hides another (L2).
 * @throws RecordedError when the others would fail alike: no platform, no login, no disk. Those that were under way are
 * finished first. The signal's reason when it is aborted
 */
export async function publishFiles(
  s: Services,
  dataset: PublishedDataset,
  groups: AsyncIterable<FileGroup>,
  freezer: Freezer,
  run: Omit<FileRun, "recorder"> & { recorder: RunRecorder },
): Promise<void> {
  const { signal } = run.options;
  const window = new Window();
  let failures = 0;
  const thrown: unknown[] = [];
  let told = Promise.resolve();
  for await (const group of groups) {
    // Larger files are read in place, and count as much as the largest that is copied.
    const size = Math.min(group.size, COPY_LIMIT);
    await window.enter(size);
    if (failures > 0 || signal?.aborted) break;
    const strand = run.recorder.strand();
    const plan: PlannedFile[] = [];
    const done = publishGroup(s, dataset, group, freezer, { ...run, strand, plan })
      .catch((e) => {
        failures++;
        return { error: e as unknown };
      })
      .finally(() => window.leave(size));
    told = told.then(async () => {
      const failure = await done;
      run.recorder.join(strand);
      run.plan.push(...plan);
      if (failure) thrown.push(failure.error);
    });
  }
  await told;
  // What fails because the run was interrupted says nothing about the file.
  signal?.throwIfAborted();
  if (thrown.length > 0) throw thrown[0];
}

/** One group, its files one after the other; then its private copies go. */
async function publishGroup(
  s: Services,
  dataset: PublishedDataset,
  group: FileGroup,
  freezer: Freezer,
  { strand, ...run }: Omit<FileRun, "recorder"> & { strand: RunStrand },
): Promise<void> {
  const own = freezer.fork();
  try {
    for await (const file of group.files(own, strand)) {
      run.options.signal?.throwIfAborted();
      await strand.task(file.name, () => publishAndRecord(s, dataset, file, { ...run, recorder: strand }));
    }
  } finally {
    await own.release();
  }
}

/** Lets in as many groups as may be under way. */
class Window {
  #count = 0;
  #bytes = 0;
  #wake = () => {};

  /** Only one at a time may wait. */
  async enter(bytes: number): Promise<void> {
    while (this.#count >= AT_ONCE || (this.#count > 0 && this.#bytes + bytes > COPIES)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#count++;
    this.#bytes += bytes;
  }

  leave(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
    this.#wake();
  }
}
