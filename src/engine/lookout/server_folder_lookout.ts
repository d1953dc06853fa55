/**
 * Keeps an eye on a folder of a share, where no events come and every call costs a round trip: folders above the items
 * are listed only when their mtime changed, the newest items are looked at in every round, all others in turn (D9).
 */
import { identifierOf, itemPath, join, rootMissing } from "../../discovery/folder_scan.ts";
import { SyncError } from "../../kit/errors.ts";
import { ABSENCE_GRACE_MS, checkRootIdentity, isKnownRoot, MARKER_REMOVED } from "./absence.ts";
import { FolderIntake } from "./folder_intake.ts";
import type { FolderSourcePlan } from "../services.ts";
import { FolderListing } from "./folder_listing.ts";
import type { Lookout, LookoutHooks } from "./lookout.ts";
import { inParallel, type PatientFiles, patientFiles, TOGETHER } from "./patient_files.ts";
import { digestRead, readAhead } from "../item/read_ahead.ts";
import { autoassign } from "../sources/scopes.ts";
import type { ReadySource, Services } from "../services.ts";
import { Waking } from "../waking.ts";

/** Between the rounds, ms. */
const ROUND_EVERY_MS = 20_000;
/** Items looked at in every round (D10). */
const NEWEST = 200;
/** All items are looked at in turn within this time, ms: a part of the 6 h of D9. */
const TURN_MS = 3_600_000;
/** Least number of items of each round that are looked at in turn. */
const LEAST_IN_TURN = 200;
/** Between rounds that list every folder, whatever its mtime, ms: not every server keeps mtimes of folders. */
const LIST_ALL_EVERY_MS = 3_600_000;

export class ServerFolderLookout implements Lookout {
  readonly watching = "polling";
  readonly #files: PatientFiles;
  readonly #waking: Waking;
  #roundAt = -Infinity;
  #listAllAt = -Infinity;
  /** Relative name of the item that was looked at last in turn. */
  #turnAt = "";
  /** Relative names of the present round's items that were not there. */
  readonly #absent = new Map<string, "gone" | "unmarked">();

  constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly plan: FolderSourcePlan,
    private readonly hooks: LookoutHooks,
  ) {
    this.#files = patientFiles(s.env, plan.root);
    this.#waking = new Waking(s.env);
  }

  async look(signal: AbortSignal): Promise<void> {
    while (this.#now < this.#roundAt) await this.#waking.sleep(this.#roundAt - this.#now, signal);
    signal.throwIfAborted();
    this.#roundAt = Infinity;
    try {
      await this.#round(signal);
    } finally {
      if (this.#roundAt === Infinity) this.#roundAt = this.#now + ROUND_EVERY_MS;
    }
  }

  rescan(): void {
    this.#roundAt = this.#listAllAt = -Infinity;
    this.#waking.wake();
  }

  close(): void {}

  get #now(): number {
    return this.s.env.monotonic();
  }

  async #round(signal: AbortSignal): Promise<void> {
    const { s, source } = this;
    const { looks } = s.catalog;
    const { id } = source.row;
    await this.#checkRoot(signal);
    const all = this.#now >= this.#listAllAt;
    this.#absent.clear();
    const intake = new FolderIntake(s, source, this.plan, { signal, onFound: () => this.hooks.onFound() });
    const look = (path: string) => this.#lookAt(path, intake, signal);

    await new FolderListing(s, source, this.plan, this.#files, {
      all,
      unmatched: intake.unmatched,
      lookAt: look,
      signal,
    }).run();
    intake.flush();
    // In the first round all items are new, and looked at already.
    if (source.row.scanned) {
      await inParallel(looks.newest(id, NEWEST), TOGETHER, look);
      intake.flush();
      await inParallel(this.#inTurn(), TOGETHER, look);
      intake.flush();
    }
    await this.#noteAbsent(look, signal);
    intake.flush();
    if (all) {
      s.catalog.sources.setUnmatched(id, intake.unmatched.count, intake.unmatched.newest);
      this.#listAllAt = this.#now + LIST_ALL_EVERY_MS;
    }
    if (!source.row.scanned) s.catalog.sources.setScanned(id);
    source.row.scanned = true;
    if (source.row.autoassign) await autoassign(s, source.row);
  }

  /** The next of all items, as many as are needed to be round in time. */
  #inTurn(): string[] {
    const { intake, looks } = this.s.catalog;
    const { id } = this.source.row;
    const share = Math.ceil(intake.presentCount(id) * ROUND_EVERY_MS / TURN_MS);
    const count = Math.max(LEAST_IN_TURN, share);
    const paths = looks.page(id, this.#turnAt, count);
    this.#turnAt = paths.length < count ? "" : paths.at(-1) ?? "";
    return paths;
  }

  /** @throws SyncError `root_missing`, `root_not_directory`, `root_empty`, `source_silent` */
  async #checkRoot(signal: AbortSignal): Promise<void> {
    const { root } = this.plan;
    const source = { row: this.source.row, plan: this.plan };
    let stat, empty;
    try {
      stat = await this.#files.stat(root, true, signal);
      if (isKnownRoot(this.s, source, stat.file_id)) return;
      empty = stat.kind === "directory" && (await this.#files.list(root, signal)).length === 0;
    } catch (e) {
      signal.throwIfAborted();
      throw e instanceof SyncError ? e : rootMissing(root, e);
    }
    if (stat.kind !== "directory") {
      throw new SyncError("source", "root_not_directory", `${root} is not a folder`, {
        hint: "Give the folder that holds the measurements: etiket-sync source update NAME --set …",
      });
    }
    checkRootIdentity(this.s, source, stat.file_id, empty);
  }

  /** Looks at all of an item. @returns false when the system does not let it */
  async #lookAt(name: string, intake: FolderIntake, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    const { plan, s } = this;
    const path = itemPath(plan, name);
    const now = s.env.now();
    const marked = plan.level === -1;
    const { presence, files } = await readAhead(this.#files, path, {
      marked,
      single: plan.single_file,
    }, signal);
    if (presence === "gone" || presence === "unmarked") this.#absent.set(name, presence);
    if (presence !== "there") return presence !== "unknown";
    let digest;
    try {
      digest = digestRead(plan, path, files, now);
    } catch {
      return false; // A file that may not be looked at, or was removed just now.
    }
    // Of a folder that cannot be listed it is unknown whether it changed.
    if (digest.unreadable.length > 0) return false;
    const identifier = identifierOf(plan, name, s.env.fs);
    intake.take({
      kind: "item",
      identifier,
      ...(identifier === name ? {} : { path: name }),
      fingerprint: digest.fingerprint,
      signature: digest.signature,
      changed_ms: digest.newest_ms,
    });
    for (const nested of digest.nested) {
      const inner = join(name, nested);
      if (s.catalog.looks.get(this.source.row.id, inner) === undefined) {
        await this.#lookAt(inner, intake, signal);
      }
    }
    return true;
  }

  /** Takes for absent what is not there while the root is; what was absent a minute ago is looked at again. */
  async #noteAbsent(look: (path: string) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { catalog, env } = this.s;
    const { id } = this.source.row;
    for (const item of catalog.intake.absentSince(id, env.now() - ABSENCE_GRACE_MS, NEWEST)) {
      const row = catalog.items.byId(item);
      if (row) await look(row.path ?? row.identifier);
    }
    if (this.#absent.size === 0) return;
    await this.#checkRoot(signal);
    for (const [name, presence] of this.#absent) {
      const item = catalog.items.byIdentifier(id, name.normalize("NFC")) ??
        catalog.items.byIdentifier(id, name);
      const reason = presence === "unmarked" ? MARKER_REMOVED : undefined;
      if (item) catalog.intake.absent([item.id], ABSENCE_GRACE_MS, env.now(), reason);
      // What it is now is found by listing the folder above it.
      catalog.folders.distrust(id, name.slice(0, Math.max(0, name.lastIndexOf("/"))));
    }
  }
}
