/** Runs the conversions and thumbnails a draft asks for, each by itself, and remembers outputs of unchanged inputs (K7). */
import { basename } from "node:path";
import type { ConversionOutput, Identity } from "../../catalog/caches.ts";
import { digestFolder } from "../../discovery/item_digest.ts";
import type { ConversionRequest, ThumbnailRequest } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import type { InstalledConverter, RunOptions } from "../../readers/tasks.ts";
import type { Candidate, FailedCandidate, FrozenFile } from "./candidates.ts";
import type { Freezer } from "./freeze.ts";
import type { Services } from "../services.ts";
import { makeStagingFolder } from "./staging.ts";

/**
 * Logical names of conversions: the input's with the suffix replaced, free of conflicts and stable over runs (F14).
 * @param taken names of the real files
 */
export function outputNames(
  conversions: readonly {
    request: ConversionRequest;
    converter: Pick<InstalledConverter, "id" | "output">;
  }[],
  taken: ReadonlySet<string>,
): Map<ConversionRequest, string> {
  const names = new Map<ConversionRequest, string>();
  const used = new Set(taken);
  const key = (c: (typeof conversions)[number]) => `${c.request.name}\0${c.converter.id}`;
  for (const { request, converter } of [...conversions].sort((a, b) => key(a) < key(b) ? -1 : 1)) {
    const { stem, suffix } = splitSuffix(request.name);
    const from = `${stem}.from_${suffix || "none"}`;
    let name = `${stem}.${converter.output}`;
    for (let i = 1; used.has(name); i++) name = `${from}${i === 1 ? "" : `_${i}`}.${converter.output}`;
    used.add(name);
    names.set(request, name);
  }
  return names;
}

function splitSuffix(name: string): { stem: string; suffix: string } {
  const dot = name.lastIndexOf(".");
  return dot > name.lastIndexOf("/") + 1
    ? { stem: name.slice(0, dot), suffix: name.slice(dot + 1).toLowerCase() }
    : { stem: name, suffix: "" };
}

export class Conversions {
  constructor(private readonly s: Services, private readonly freezer: Freezer) {}

  /** Makes one conversion's output ready, or says why not; never throws for what lies in the input. */
  async convert(
    request: ConversionRequest,
    name: string,
    converter: InstalledConverter,
    input: Candidate | undefined,
  ): Promise<Candidate | FailedCandidate> {
    const method = converter.id;
    const common = { name, filename: basename(name) };
    let origin: Candidate["origin"] = { path: request.input, mtime_ms: null };
    try {
      const source = converter.folder
        ? this.#folderInput(request.input)
        : { key: input?.identity.sha256 ?? "", mtime_ms: input?.origin?.mtime_ms ?? 0 };
      origin = { path: request.input, mtime_ms: source.mtime_ms };
      const key = JSON.stringify([source.key, converter.id, converter.version, request.options ?? {}]);
      const run = async (): Promise<FrozenFile> => {
        const path = converter.folder
          ? request.input
          : (await input?.freeze())?.snapshot.path ?? request.input;
        return await this.#run(request, converter, path);
      };
      const made = await this.#cached(key, run);
      return {
        ...common,
        filename: made.filename,
        created: source.mtime_ms,
        ranking: 0,
        file_generator: `${converter.id} ${converter.version}`,
        origin,
        converter: { method, status: "OK", error: null, type: "converter" },
        identity: made.identity,
        freeze: made.freeze,
      };
    } catch (e) {
      const error = SyncError.from(e).toData();
      return {
        ...common,
        origin,
        converter: { method, status: "ERROR", error: error.message, type: "converter" },
        error,
      };
    }
  }

  /** Makes one JPEG thumbnail. @throws SyncError when the image cannot be read */
  async thumbnail(request: ThumbnailRequest, index: number): Promise<Candidate> {
    const { path, stat } = await this.freezer.look(request.path);
    const filename = `__thumbnail_${index}.jpg`;
    let frozen: FrozenFile | undefined;
    const freeze = async () =>
      frozen ??= await this.freezer.freezeUserFile(path, basename(path), "auto", true);
    const { sha256 } = this.freezer.remembered(path, stat) ?? (await freeze()).identity;
    const made = await this.#cached(`thumbnail ${sha256}`, async () => {
      const output = this.freezer.freshPath(".jpg");
      // Of the same frozen bytes that are uploaded (K2): the image may be written to.
      await this.s.readers.run(
        "thumbnail",
        { path: (await freeze()).snapshot.path, output },
        this.#untilParked,
      );
      return await this.freezer.freezeOwnFile(output, filename, "UNKNOWN");
    });
    return {
      name: `__thumbnail_${index}`,
      filename,
      created: stat.mtime_ms,
      ranking: -1,
      file_generator: null,
      origin: { path: request.path, mtime_ms: stat.mtime_ms },
      converter: null,
      identity: made.identity,
      freeze: made.freeze,
    };
  }

  /** The remembered output of `key`, or that of `run` now; a remembered failure is thrown again without a run. */
  async #cached(
    key: string,
    run: () => Promise<FrozenFile>,
  ): Promise<{ identity: Identity; filename: string; freeze: () => Promise<FrozenFile> }> {
    const known = this.s.catalog.conversions.get(key);
    if (known?.ok === false) {
      throw new SyncError("converter", known.code, known.message, { hint: known.hint });
    }
    if (known?.ok) return { identity: known.identity, filename: known.filename, freeze: run };
    try {
      const frozen = await run();
      const filename = basename(frozen.snapshot.source);
      this.#remember(key, { ok: true, identity: frozen.identity, filename });
      return { identity: frozen.identity, filename, freeze: () => Promise.resolve(frozen) };
    } catch (e) {
      // That it was broken off says nothing about the input.
      if (this.freezer.signal?.aborted) throw e;
      const error = SyncError.from(e);
      // That a file may not be read lies in its folder, not in its content.
      const lasting = error.class === "converter" ||
        (error.class === "data" && error.code !== "file_unreadable");
      if (!lasting) throw error;
      this.#remember(key, { ok: false, code: error.code, message: error.message, hint: error.hint });
      throw error;
    }
  }

  #remember(key: string, output: ConversionOutput): void {
    this.s.catalog.conversions.put(key, output, this.s.env.now());
  }

  async #run(request: ConversionRequest, converter: InstalledConverter, input: string): Promise<FrozenFile> {
    const output_dir = this.freezer.freshPath();
    const temp = this.freezer.freshPath();
    for (const d of [output_dir, temp]) makeStagingFolder(this.s.env.fs, d);
    const output_name = `${splitSuffix(basename(request.name)).stem}.${converter.output}`;
    try {
      const { path } = await this.s.readers.run("convert", {
        converter: converter.id,
        input,
        output_dir,
        output_name,
        temp,
        options: request.options ?? {},
      }, this.#untilParked);
      return await this.freezer.freezeOwnFile(path, basename(path), "auto");
    } catch (e) {
      if (this.freezer.signal?.aborted) throw e;
      const error = SyncError.from(e);
      // Whatever a converter says of its input, it is the conversion that failed: the input itself is uploaded.
      if (error.class !== "data" && error.class !== "reader" && error.class !== "internal") throw error;
      throw new SyncError(
        "converter",
        "converter_failed",
        `${converter.id} on ${request.name}: ${error.message}`,
        {
          cause: error,
          hint: error.hint || "Correct the file, or take the converter out of the info file.",
        },
      );
    } finally {
      await this.s.env.fs.remove(temp, { recursive: true }).catch(() => {});
    }
  }

  /** An item that is parked does not wait for a long conversion (L16). */
  get #untilParked(): RunOptions {
    const { signal } = this.freezer;
    return signal ? { signal } : {};
  }

  #folderInput(path: string): { key: string; mtime_ms: number } {
    const digest = digestFolder(path, false, true, this.s.env.fs);
    return { key: digest.fingerprint, mtime_ms: digest.newest_ms };
  }
}
