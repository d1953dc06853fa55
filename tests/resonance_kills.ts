/** Kills a process that writes runs, again and again on one database, and looks at what each kill left behind. */
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { openZarr, type ZarrArray, ZarrGroup } from "../src/kit/zarr/open_zarr.ts";
import type { DatasetDraft } from "../src/kit/drafts.ts";
import { SyncError } from "../src/kit/errors.ts";
import { assert, assertEquals } from "./assert.ts";
import { ResonanceReader } from "./read_resonance.ts";
import { treeListing } from "./tree_listing.ts";

const CHILD = fileURLToPath(new URL("./resonance_writing_child.ts", import.meta.url));

/** What the child writes: events of a run, and the images of each event. */
export const EVENTS = 5;
export const SHAPES: Record<string, [rows: number, columns: number]> = { ccd: [64, 48], andor: [7, 5] };

export function imageOf(field: string, event: number): Uint16Array {
  const [rows, columns] = SHAPES[field] ?? [0, 0];
  return Uint16Array.from({ length: rows * columns }, (_, i) => 1000 * event + i % 97);
}

export interface KillTally {
  kills: number;
  /** Runs whose writer died before it could say that they are closed. */
  torn: number;
  closed: number;
  /** Kills that left a rollback journal. */
  journals: number;
}

/**
 * Starts the child and kills it, `kills` times; `random` gives numbers from 0 to 1. After each kill the backend reads the
 * database as it lies there, then the next writer opens it.
 */
export async function killWriters(folder: string, kills: number, random: () => number): Promise<KillTally> {
  const path = join(folder, "beamtime.db");
  const closed = new Set<string>();
  const tally: KillTally = { kills: 0, torn: 0, closed: 0, journals: 0 };
  for (let n = 0; n < kills; n++) {
    const said = await killedOutput(path, random);
    for (const line of said) if (line.startsWith("closed ")) closed.add(line.slice(7));
    const last = said.at(-1) ?? "";
    tally.kills++;
    if (last.startsWith("run ")) tally.torn++;
    if (Deno.readDirSync(folder).some((e) => e.name.endsWith("-journal"))) tally.journals++;
    if (!exists(path)) continue;
    const torn = last.startsWith("run ") ? last.slice(4) : undefined;
    const state = await readState(folder, path, torn);
    const ended = assertWhole(path, closed);
    // The kill may have come between the commit of the close and the word of it.
    if (torn !== undefined) assertEquals(state, ended.has(torn) ? "complete" : "incomplete", `run ${torn}`);
    await assertStore(join(folder, "beamtime.zarr"), closed);
  }
  tally.closed = closed.size;
  return tally;
}

/** The whole lines that a child wrote before it was killed. */
async function killedOutput(path: string, random: () => number): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", CHILD, path],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  const read = async () => {
    const { value, done } = await reader.read();
    said += value ?? "";
    return done;
  };
  // Mostly within the first runs, sometimes while the database is opened.
  const lines = Math.floor(6 * random());
  while (said.split("\n").length <= lines && !await read());
  await new Promise((resolve) => setTimeout(resolve, 60 * random()));
  child.kill("SIGKILL");
  while (!await read());
  await child.status;
  return said.split("\n").slice(0, -1);
}

/** The backend reads it without a trace, journal or not. @returns the state of run `torn` as the backend sees it */
async function readState(
  folder: string,
  path: string,
  torn: string | undefined,
): Promise<DatasetDraft["state"] | undefined> {
  const before = treeListing(folder);
  using backend = new ResonanceReader({ database_path: path });
  // A writer that died first of all left a file without tables.
  const page = await backend.discover().catch((e) => SyncError.from(e));
  let state: DatasetDraft["state"] | undefined;
  if (page instanceof SyncError) {
    assertEquals([page.class, torn], ["data", undefined], page.message);
  } else if (torn !== undefined) {
    assert(page.items.some((i) => i.identifier === torn), `run ${torn} was begun`);
    const { draft } = await backend.run(torn);
    assertEquals(draft.problems, undefined);
    state = draft.state;
  }
  assertEquals(treeListing(folder), before);
  return state;
}

/** Every run with a status has all its rows, and those that were said to be closed have one. @returns runs with a status */
function assertWhole(path: string, closed: ReadonlySet<string>): Set<string> {
  using db = new DatabaseSync(path);
  assertEquals(db.prepare("PRAGMA integrity_check").get()?.integrity_check, "ok");
  const counts = db.prepare(
    "SELECT r.uid, r.num_events AS n, count(DISTINCT e.uid) AS events, count(i.id) AS images FROM runs AS r " +
      "JOIN streams AS s ON s.run_uid = r.uid LEFT JOIN events AS e ON e.stream_uid = s.uid " +
      "LEFT JOIN image_refs AS i ON i.event_uid = e.uid WHERE r.exit_status IS NOT NULL GROUP BY r.uid",
  ).all();
  const images = EVENTS * Object.keys(SHAPES).length;
  for (const row of counts) assertEquals([row.n, row.events, row.images], [EVENTS, EVENTS, images]);
  const ended = new Set(counts.map((row) => String(row.uid)));
  assertEquals([...closed].filter((uid) => !ended.has(uid)), []);
  return ended;
}

/** Every array of the store can be read; those of closed runs hold every image. */
async function assertStore(store: string, closed: ReadonlySet<string>): Promise<void> {
  if (!exists(join(store, ".zgroup"))) return;
  const { root } = openZarr(store);
  const runs = root.kind === "group" ? root.get("runs") : undefined;
  if (!(runs instanceof ZarrGroup)) return;
  for (const [uid, run] of runs.children()) {
    assert(run instanceof ZarrGroup);
    for (const [field, array] of run.children()) {
      assert(array.kind === "array");
      const frames = array.shape[0] ?? 0;
      if (closed.has(uid)) assertEquals(frames, EVENTS);
      await assertFrames(array, field, frames);
    }
  }
}

async function assertFrames(array: ZarrArray, field: string, frames: number): Promise<void> {
  const [rows, columns] = SHAPES[field] ?? [0, 0];
  assertEquals(array.shape, [frames, rows, columns]);
  for (let n = 0; n < frames; n++) {
    assertEquals(await array.read(n * rows * columns, rows * columns), imageOf(field, n));
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
