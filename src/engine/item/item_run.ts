/** One run of one item: read, make ready, publish, judge (docs/ARCHITECTURE.md, "One way through the house"). */
import { join } from "node:path";
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { SourceRow } from "../../catalog/sources.ts";
import type { ItemPatch } from "../../catalog/items.ts";
import { itemPath, lookAtItem } from "../../discovery/folder_scan.ts";
import type { Replica } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import { isoFromMs } from "../../kit/time.ts";
import { Freezer } from "./freeze.ts";
import { recordAbsentFiles } from "./absent_files.ts";
import { FolderManifest } from "./folder_manifest.ts";
import { MANIFEST } from "./local_manifest.ts";
import { patientFiles, shareOf } from "../lookout/patient_files.ts";
import { fileGroups } from "./prepare.ts";
import { publishDataset, type PublishedDataset } from "./publish_dataset.ts";
import { lookAgainAt } from "./publish_intent.ts";
import { publishFiles } from "./publish_files.ts";
import { type ItemOutcome, type ItemRunOptions, RecordedError } from "./file_run.ts";
import {
  changedMeanwhile,
  failed,
  inputGone,
  notStarted,
  scopeChanged,
  synchronized,
  unmapped,
  type Verdict,
  verdictKey,
} from "./item_verdict.ts";
import { checkAgainstLive } from "./live_check.ts";
import { digestRead, readAhead } from "./read_ahead.ts";
import { readItem, recordDraft } from "./read_item.ts";
import { claimMoved, RelocatedItem } from "./relocated_item.ts";
import { setAside, writeBack } from "./replica_files.ts";
import { decisiveError } from "../retry.ts";
import { scopeOf } from "../sources/scopes.ts";
import type { ReadySource, Services } from "../services.ts";
import { makeStagingFolder } from "./staging.ts";
import { loadRecord, RunRecorder } from "./sync_record.ts";

/** Fingerprint of an item whose source has noted that it is done. */
const NOTED = "noted in the source";

/** Runs one item through and brings the verdict into the catalog. Throws only what ends the whole run. */
export async function runItem(
  s: Services,
  source: ReadySource,
  item: ItemRow,
  options: ItemRunOptions,
): Promise<ItemOutcome> {
  try {
    return await new ItemRun(s, source, item, options).run();
  } catch (e) {
    const moved = e instanceof RelocatedItem ? s.catalog.items.byId(e.item) : undefined;
    if (!moved) throw e;
    return await new ItemRun(s, source, moved, options).run();
  }
}

/**
 * Brings the metadata of an item that is being measured to the platform (E2); its state stays as it is.
 * @returns uuid of its dataset, or why there is none yet
 * @throws SyncError as a run would record it
 */
export async function announceItem(
  s: Services,
  source: ReadySource,
  item: ItemRow,
  options: Omit<ItemRunOptions, "dryRun" | "metadataOnly">,
): Promise<{ uuid: string } | { not_yet: string }> {
  const run = new ItemRun(s, source, item, { ...options, dryRun: false, metadataOnly: true });
  try {
    return await run.announce();
  } catch (e) {
    if (e instanceof RelocatedItem) return { not_yet: e.message };
    throw SyncError.from(e);
  }
}

class ItemRun {
  readonly #recorder: RunRecorder;
  readonly #path: string;
  readonly #outcome: ItemOutcome;
  readonly #stateBefore: ItemRow["state"];
  #item: ItemRow;
  /** Of a replica: its source has noted that all is done … */
  #noted = false;
  /** … or changed before that could be noted. */
  #moved = false;

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    item: ItemRow,
    private readonly options: ItemRunOptions,
  ) {
    this.#item = item;
    this.#stateBefore = item.state;
    const { plan } = source;
    this.#path = plan.kind === "folder" ? itemPath(plan, item.path ?? item.identifier) : "";
    // From now on all that is asked of it is asked with patience.
    if (plan.kind === "folder" && plan.server_folder) patientFiles(s.env, plan.root);
    this.#recorder = new RunRecorder(
      loadRecord(s.catalog.items.record(item.id)),
      plan.kind === "folder" ? this.#path : plan.watch_paths[0] ?? plan.address ?? null,
      item.attempts + 1,
      options.iteration,
      () => isoFromMs(s.env.now()),
    );
    this.#outcome = {
      item: {
        source: source.row.name,
        dataIdentifier: item.identifier,
        datasetUUID: item.dataset_uuid,
        result: "skipped",
        reason: null,
      },
      files_uploaded: 0,
      bytes_uploaded: 0,
      files_converted: 0,
      files_unchanged: 0,
      error: undefined,
    };
  }

  async run(): Promise<ItemOutcome> {
    const { s, options } = this;
    const scope = this.#scope(this.source.row, this.#item);
    if (scope === undefined) return this.#leave(unmapped(this.#item));
    const before = await this.#look();
    if (before === undefined) return this.#leave(inputGone(this.#path, s.env.now()));
    if (!options.dryRun) this.#update({ state: "running", fingerprint: before, changed_since: null });

    const staging = join(s.home.stagingDir, `item-${this.#item.id}-${s.env.uuid()}`);
    try {
      makeStagingFolder(s.env.fs, staging);
      const nothingYet = await this.#publish(scope, staging, before);
      if (nothingYet !== undefined) return this.#leave(notStarted(nothingYet));
    } catch (e) {
      if (e instanceof RelocatedItem) {
        options.relocated?.(e.item);
        throw e;
      }
      const error = e instanceof RecordedError ? e.cause : SyncError.from(e);
      // A source that cannot be reached says nothing about its items.
      if (error.class === "source" || options.signal?.aborted) {
        this.#putBack();
        throw error;
      }
      if (!(e instanceof RecordedError)) this.#recorder.error(error.toData());
    } finally {
      await s.env.fs.remove(staging, { recursive: true }).catch(() => {});
    }
    const verdict = await this.#verdict(before, scope).catch((e) => {
      this.#putBack();
      throw e;
    });
    return this.#finish(verdict);
  }

  async announce(): Promise<{ uuid: string } | { not_yet: string }> {
    const { s } = this;
    const scope = this.#scope(this.source.row, this.#item);
    if (scope === undefined) return { not_yet: unmapped(this.#item).reason ?? "" };
    const before = await this.#look();
    if (before === undefined) return { not_yet: `${this.#path} is not there` };
    const staging = join(s.home.stagingDir, `item-${this.#item.id}-${s.env.uuid()}`);
    try {
      makeStagingFolder(s.env.fs, staging);
      const nothingYet = await this.#publish(scope, staging, before);
      if (nothingYet !== undefined) return { not_yet: nothingYet };
    } finally {
      await s.env.fs.remove(staging, { recursive: true }).catch(() => {});
    }
    const blob = this.#recorder.finish();
    if (blob) s.catalog.items.setRecord(this.#item.id, blob);
    return { uuid: this.#outcome.item.datasetUUID };
  }

  /** @returns why there is nothing to publish yet, or undefined when the dataset was published */
  async #publish(given: string, staging: string, fingerprint: string): Promise<string | undefined> {
    const { s, options, source } = this;
    const recorder = this.#recorder;
    const ended = options.metadataOnly ? undefined : s.live?.endOf(this.#item.id);
    if (ended) recorder.log("live_ended", `followed live until it was ${ended.reason}: ${ended.evidence}`);
    const followed = s.live?.fileOf(this.#item.dataset_uuid);
    const { moved_from } = this.#item;
    if (moved_from !== null) recorder.log("moved_from", `moved here from ${moved_from}`);
    const manifest = FolderManifest.of(s, source, this.#path);
    if (manifest) {
      await this.#awake();
      if (!options.dryRun) manifest.tidy();
      this.#item = await manifest.adopt(this.#item, given, recorder);
      this.#outcome.item.datasetUUID = this.#item.dataset_uuid;
    }
    options.progress?.reading();
    const read = await recorder.task(
      "read",
      () => readItem(s, source, this.#item, this.#path, staging, options),
    );
    if ("not_started" in read) return read.not_started;
    const { draft } = read;
    const scope = draft.replica?.scope.uuid ?? given;
    claimMoved(s, source, this.#item, draft.alt_uid, scope);
    // Inactivity is no end: nobody knows whether more comes (E11).
    recordDraft(ended?.reason === "inactive" ? { ...draft, state: "incomplete" } : draft, recorder);

    if (manifest && !options.dryRun) {
      await this.#awake();
      this.#item = await manifest.claim(this.#item, scope, recorder, fingerprint);
    }
    const dataset = await recorder.task(
      "dataset",
      () => publishDataset(s, { source, item: this.#item, draft, scope, recorder, dryRun: options.dryRun }),
    );
    this.#outcome.item.datasetUUID = dataset.uuid;
    this.#outcome.item.plan = {
      dataset: dataset.action,
      changes: dataset.changes,
      files: [],
      skips: (draft.skips ?? []).map(({ path, reason }) => ({ path, reason })),
    };
    if (manifest && !options.dryRun && dataset.action === "create") {
      await this.#awake();
      manifest.write(this.#refreshed(), dataset.scope, recorder, fingerprint);
    }
    if (options.metadataOnly) return undefined;

    const { plan } = source;
    const root = plan.kind === "folder" ? await realRoot(s, plan.root, options.signal) : null;
    const local = plan.kind === "folder" && !plan.server_folder;
    const { progress } = options;
    const onRead = progress && { onRead: progress.checking.bind(progress) };
    const freezer = Freezer.in(s, { staging, root, local, ...onRead }, options.signal);
    const files = {
      recorder,
      plan: this.#outcome.item.plan.files,
      outcome: this.#outcome,
      source: source.row.id,
      creator: source.row.owner ?? "",
      options,
      secured: [],
    };
    const open = draft.replica ? setAside(s, draft, dataset.remote, files) : draft.files;
    await publishFiles(
      s,
      dataset,
      fileGroups(s, { ...draft, files: open }, this.#item.id, local),
      freezer,
      files,
    );
    if (ended?.complete && followed !== undefined) await checkAgainstLive(s, followed, draft, recorder);
    await this.#awake();
    // A replica leaves out what it knows to be done.
    if (!draft.replica) recordAbsentFiles(s, draft, recorder);
    else if (!options.dryRun) await this.#writeBack(draft.replica, dataset, files.secured);
    if (manifest && !options.dryRun && recorder.eventful) {
      await this.#awake();
      manifest.write(this.#refreshed(), dataset.scope, recorder, fingerprint);
    }
    return undefined;
  }

  /** L1: done only if no error was written in this run and the input is as it was before. */
  async #verdict(before: string, scope: string): Promise<Verdict> {
    const { s, source } = this;
    const now = s.env.now();
    const error = decisiveError(this.#recorder.errors);
    const item = this.#refreshed();
    // What cannot be looked at just now may be known to have changed: discovery has seen it while this ran.
    const after = await this.#look() ?? (item.fingerprint === before ? undefined : item.fingerprint);
    if (after !== undefined && (after !== before || this.#moved)) {
      this.#recorder.log("changed_during_sync", "the input changed while it was read: it is looked at again");
      return changedMeanwhile(after, now);
    }
    if (error) return failed(item, error, verdictKey(s, source), now, s.env.random());
    const row = s.catalog.sources.byId(source.row.id) ?? source.row;
    if (this.#scope(row, item) !== scope) return scopeChanged();
    const done = synchronized(verdictKey(s, source), lookAgainAt(item, now));
    // A replica's database has the mark now: should discovery find the item again, then because something happened to it.
    return this.#noted ? { ...done, patch: { ...done.patch, fingerprint: NOTED } } : done;
  }

  /** Marks in the source what is on the platform, and has it take over what users changed there. */
  async #writeBack(
    replica: Replica,
    dataset: PublishedDataset,
    secured: { uuid: string; version_id: number }[],
  ): Promise<void> {
    const { s, source } = this;
    await this.#recorder.task("write back", async () => {
      const complete = this.#recorder.errors.length === 0;
      const outcome = { state: replica.state, secured, complete };
      this.#moved = await writeBack(s, source, this.#item, dataset, outcome);
      this.#noted = complete && !this.#moved;
      if (!this.#moved && dataset.base) this.#update({ base: JSON.stringify(dataset.base) });
    });
  }

  /** Where the item goes; "" until it was read, when its backend decides. */
  #scope(row: SourceRow, item: ItemRow): string | undefined {
    if (this.source.info.scope_policy === "DISABLED") return item.scope_identifier ?? "";
    return scopeOf(this.s, row, item.scope_identifier);
  }

  /** Ends a run: state and record in one transaction. */
  #finish(verdict: Verdict): ItemOutcome {
    const blob = this.#recorder.finish();
    this.s.catalog.transaction(() => {
      this.#update({ ...verdict.patch, moved_from: null });
      if (blob && !this.options.dryRun) this.s.catalog.items.setRecord(this.#item.id, blob);
    });
    return this.#told(verdict);
  }

  /** Ends what did not come to anything worth a record. */
  #leave(verdict: Verdict): ItemOutcome {
    this.#update(verdict.patch);
    return this.#told(verdict);
  }

  #told({ result, reason, error }: Verdict): ItemOutcome {
    if (!this.options.dryRun) delete this.#outcome.item.plan;
    Object.assign(this.#outcome.item, { result, reason });
    this.#outcome.error = error;
    return this.#outcome;
  }

  /** Ends a run that says nothing about the item: it is as it was, unless it was made due meanwhile (L23). */
  #putBack(): void {
    const { state, next_attempt_at } = this.#refreshed();
    if (state !== "running") return;
    // A retry that lost its time would never come.
    this.#update({ state: next_attempt_at === null ? "waiting" : this.#stateBefore });
  }

  #update(patch: ItemPatch): void {
    const { source_id, identifier } = this.#refreshed();
    // Moved while it ran: it waits to be run at its new place.
    if (source_id !== this.#item.source_id || identifier !== this.#item.identifier) return;
    this.s.catalog.items.update(this.#item.id, patch, this.s.env.now());
  }

  #refreshed(): ItemRow {
    return this.s.catalog.items.byId(this.#item.id) ?? this.#item;
  }

  /** The folder of a share answers, so that its manifest can be read or written at once. @throws SyncError `source_silent` */
  async #awake(): Promise<void> {
    const path = `${this.#path}/${MANIFEST}`;
    await shareOf(this.s.env, path)?.awake(path, this.options.signal);
  }

  /** The input's fingerprint now; undefined when it is gone. @throws SyncError `source_silent` */
  async #look(): Promise<string | undefined> {
    const { plan } = this.source;
    // Of a run in a database discovery knows, which may have seen it change since this run began.
    if (plan.kind !== "folder") return this.#refreshed().fingerprint;
    const { env } = this.s;
    const share = shareOf(env, this.#path);
    if (!share) return lookAtItem(plan, this.#item.path ?? this.#item.identifier, env.fs)?.fingerprint;
    const rules = { marked: plan.level === -1, single: plan.single_file };
    const { presence, files } = await readAhead(share, this.#path, rules, this.options.signal);
    return presence === "there" ? digestRead(plan, this.#path, files, env.now()).fingerprint : undefined;
  }
}

async function realRoot(s: Services, root: string, signal: AbortSignal | undefined): Promise<string> {
  const find = () => s.env.fs.realPath(root);
  return await (shareOf(s.env, root)?.call(root, signal, find) ?? find());
}
