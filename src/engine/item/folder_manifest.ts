/** The local manifest of one folder dataset, as the engine uses it around a run. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import { hashFile } from "../../transfer/hash.ts";
import {
  claimFolder,
  judgeManifest,
  type LocalManifest,
  type ManifestContent,
  readManifest,
  removeLeftover,
  replaceForeign,
  writeManifest,
} from "./local_manifest.ts";
import { metadataSchema } from "./metadata.ts";
import { takePlace } from "./relocated_item.ts";
import { inputPath, isGone } from "./relocation_place.ts";
import type { ReadySource, Services } from "../services.ts";
import type { RunRecorder } from "./sync_record.ts";
import { isoFromMs } from "../../kit/time.ts";

/** How often, and how far apart, a manifest is read that says nothing yet. */
const WRITTEN_LOOKS = 10;
const WRITTEN_PAUSE_MS = 100;

/** How often, and how far apart, it is asked whether the run of another item has ended. */
const ENDED_LOOKS = 100;
const ENDED_PAUSE_MS = 50;

export class FolderManifest {
  private constructor(
    private readonly s: Services,
    private readonly source: ReadySource,
    private readonly folder: string,
  ) {}

  /** Only folders that mark themselves as datasets carry a manifest, and only if the source allows it (R5). */
  static of(s: Services, source: ReadySource, folder: string): FolderManifest | undefined {
    const applies = source.plan.kind === "folder" && source.plan.level === -1 &&
      source.config.write_manifest !== false;
    return applies ? new FolderManifest(s, source, folder) : undefined;
  }

  /** Removes what a killed run may have left beside the manifest. */
  tidy(): void {
    removeLeftover(this.folder, this.s.machineId, this.s.env.fs);
  }

  /** Lets the stored manifest decide on the item's dataset (D12). @returns the item as it is then; throws as takePlace */
  async adopt(item: ItemRow, scope: string, recorder: RunRecorder): Promise<ItemRow> {
    const { s, folder } = this;
    const manifest = readManifest(folder, s.env.fs);
    const stored = manifest === undefined || manifest === "unreadable" ? undefined : manifest.dataset_uuid;
    const others = stored === undefined
      ? []
      : s.catalog.items.ofDataset(stored).filter((i) => i.id !== item.id);
    const isElsewhere = others.some((other) => this.#holds(other));
    const verdict = await judgeManifest({
      manifest,
      fs: s.env.fs,
      scope,
      folder,
      machineId: s.machineId,
      own: item.dataset_uuid,
      known: item.base !== null || others.length > 0,
      isElsewhere,
      isBereft: others.length > 0 && !isElsewhere,
      uuidAt: (other) => this.#uuidAt(other),
      filesEqual: (files) => this.#filesEqual(files),
    });
    // The manifest of a moved or copied folder has to be rewritten.
    if (verdict.log) recorder.changed();
    const say = (code = verdict.log) => {
      if (code) recorder.log(code, `the folder's manifest: ${code.replaceAll("_", " ")}`);
    };
    if (verdict.kind === "own" || verdict.dataset_uuid === item.dataset_uuid) {
      say();
      return item;
    }

    if (others[0]) {
      await this.#ended(item, others[0]);
      // Nothing may come between this look and taking the place.
      const known = s.catalog.items.byId(others[0].id) ?? others[0];
      // Of two folders with this manifest another one was quicker to stand for it: this is a copy.
      if (this.#holds(known)) {
        say("copied_dataset");
        return item;
      }
      takePlace(s, item, known);
    }
    say();
    const base = verdict.base ? JSON.stringify(verdict.base) : null;
    const adopted = { dataset_uuid: verdict.dataset_uuid, base, pushed_scope: scope };
    s.catalog.items.update(item.id, adopted, s.env.now());
    return s.catalog.items.byId(item.id) ?? item;
  }

  /**
   * Marks the folder of an item that was never published as its dataset, before that is made on the platform: agents
   * that begin at the same moment make one dataset (L26).
   * @returns the item as it is then: another agent may have been first
   */
  async claim(item: ItemRow, scope: string, recorder: RunRecorder, fingerprint: string): Promise<ItemRow> {
    if (item.base !== null) return item;
    const content = this.#content(item, scope, recorder, fingerprint);
    recorder.changed();
    if (!claimFolder(content, this.s.env.fs)) return item;
    await this.#untilWritten();
    const adopted = await this.adopt(item, scope, recorder);
    const there = this.#uuidAt(this.folder);
    if (adopted.dataset_uuid !== item.dataset_uuid || there === item.dataset_uuid) return adopted;
    // What is there is about another folder, or another scope.
    if (!replaceForeign(content, there, this.s.env.fs)) return item;
    await this.#untilWritten();
    return await this.adopt(item, scope, recorder);
  }

  /**
   * Waits until the run of the other item has ended. Of two that find each other's manifest in their place, and so each
   * the other at work, one waits and one gives way.
   */
  async #ended(item: ItemRow, other: ItemRow): Promise<void> {
    const { catalog, env } = this.s;
    for (let look = 0; look < ENDED_LOOKS; look++) {
      if (other.id < item.id || catalog.items.byId(other.id)?.state !== "running") return;
      await env.sleep(ENDED_PAUSE_MS);
    }
  }

  /** Another agent that is first needs a moment from making its manifest to having filled it. */
  async #untilWritten(): Promise<void> {
    for (let look = 0; look < WRITTEN_LOOKS; look++) {
      if (readManifest(this.folder, this.s.env.fs) !== "unreadable") return;
      await this.s.env.sleep(WRITTEN_PAUSE_MS);
    }
  }

  /** Writes the manifest; a folder that cannot be written to is no failure (R5). */
  write(item: ItemRow, scope: string, recorder: RunRecorder, fingerprint: string): void {
    if (!writeManifest(this.#content(item, scope, recorder, fingerprint), this.s.env.fs)) {
      this.s.logOnce(
        `source "${this.source.row.name}": folders are not writable, the catalog alone remembers their datasets`,
      );
    }
  }

  #content(item: ItemRow, scope: string, recorder: RunRecorder, fingerprint: string): ManifestContent {
    return {
      dataset_uuid: item.dataset_uuid,
      scope_uuid: scope,
      folder: this.folder,
      sync_time: isoFromMs(this.s.env.now()),
      files: recorder.newestUploads(),
      machine_id: this.s.machineId,
      source: this.source.row.name,
      base: item.base === null ? null : metadataSchema.parse(JSON.parse(item.base)),
      fingerprint,
    };
  }

  /** Dataset uuid of the manifest in a folder, if there is one. */
  #uuidAt(folder: string): string | undefined {
    const m = readManifest(folder, this.s.env.fs);
    return m === undefined || m === "unreadable" ? undefined : m.dataset_uuid;
  }

  /** Whether the folder of an item is there and is still its dataset; so it is taken when its disk is out of reach. */
  #holds(item: ItemRow): boolean {
    const path = inputPath(this.s, item);
    if (path === undefined) return true;
    return !isGone(this.s, path) && (this.#uuidAt(path) ?? item.dataset_uuid) === item.dataset_uuid;
  }

  async #filesEqual(files: NonNullable<LocalManifest["files"]>): Promise<boolean> {
    for (const [name, stored] of Object.entries(files)) {
      // What was deleted, conversions and thumbnails have no file of their own here.
      if (stored.action === "skipped") continue;
      if (typeof stored.file_path === "string" && !stored.file_path.endsWith(`/${name}`)) continue;
      try {
        const { size, sha256 } = await hashFile(this.s.env.fs, `${this.folder}/${name}`);
        if (size !== stored.size || sha256 !== stored.sha256) return false;
      } catch {
        return false;
      }
    }
    return true;
  }
}
