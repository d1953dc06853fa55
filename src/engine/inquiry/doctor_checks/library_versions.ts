import { DatabaseSync } from "node:sqlite";
import { type Check, fail, ok } from "./check.ts";

/** The libraries that read and write files, each loaded for real. */
export const libraryVersions: Check = {
  id: "versions",
  title: "HDF5 and SQLite",
  async run() {
    try {
      const db = new DatabaseSync(":memory:");
      const sqlite = String(db.prepare("SELECT sqlite_version() AS v").get()?.v);
      db.close();
      const { ready } = await import("h5wasm/node");
      // The build names no version of its own; its newest file format is that of its HDF5 release.
      const formats = Object.keys(await ready).map((k) => /^H5F_LIBVER_V(\d)(\d)/.exec(k)).filter((m) =>
        m !== null
      );
      const newest = formats.map(([, major, minor]) => `${major}.${minor}`).sort().at(-1) ?? "unknown";
      return ok(
        `HDF5 ${newest} (file formats up to v${newest}), SQLite ${sqlite}, Deno ${Deno.version.deno}`,
      );
    } catch (e) {
      return fail(
        `a library does not load: ${e instanceof Error ? e.message : e}`,
        "Install etiket-sync again: its files are damaged.",
      );
    }
  },
};
