/** What does not fit into memory waits in private files, and comes back as it was. */
import { assert, assertEquals } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { LiveSessions } from "./live_sessions.ts";
import { PAGE_BYTES, PagePool } from "./page_pool.ts";
import { type LoggedEvent, ReplayMemory, ReplayWindow } from "./replay_window.ts";
import { FACTS, floats, STRUCTURE } from "./test_run.ts";
import { VariableCells } from "./variable_cells.ts";

async function withFolder(work: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "live_memory_" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const wordsOf = (values: number[]) => new Uint8Array(Float64Array.from(values).buffer);

function numbers(data: unknown): number[] {
  assert(data instanceof Uint8Array);
  return [...new Float64Array(data.slice().buffer)];
}

Deno.test("cells beyond the budget are kept in a file that only the user may read", () =>
  withFolder((folder) => {
    const pool = new PagePool(folder, 4 * PAGE_BYTES);
    try {
      const cells = new VariableCells(pool, "f8", [0]);
      const total = 20 * PAGE_BYTES / 8;
      const row = Array.from({ length: 1000 }, (_, i) => i);
      for (let at = 0; at < total; at += 1000) {
        const count = Math.min(1000, total - at);
        cells.resize([at + count]);
        cells.write({ offset: [at], shape: [count] }, wordsOf(row.slice(0, count).map((v) => at + v)));
      }
      const { memory, file } = pool.usage;
      assert(memory <= 4 * PAGE_BYTES && file >= 16 * PAGE_BYTES, `${memory} in memory, ${file} in the file`);
      const frozen = cells.freeze();
      // What is written now is no part of the snapshot, wherever the page was.
      cells.write({ offset: [5], shape: [1] }, wordsOf([-1]));
      cells.write({ offset: [total - 1], shape: [1] }, wordsOf([-2]));
      const [box] = frozen.boxes();
      assertEquals(box, { offset: [0], shape: [total] });
      assertEquals(
        numbers(frozen.read({ offset: [0], shape: [total] })),
        Array.from({ length: total }, (_, i) => i),
      );
      frozen.release();
      const after = cells.freeze();
      assertEquals(numbers(after.read({ offset: [5], shape: [1] })), [-1]);
      assertEquals(numbers(after.read({ offset: [total - 1], shape: [1] })), [-2]);
      after.release();
      cells.drop();
      assertEquals(pool.usage, { memory: 0, file: 0 });
    } finally {
      pool.close();
    }
  }));

Deno.test("a disk that takes nothing costs memory, and no cell", () => {
  const pool = new PagePool("/dev/null/nowhere", PAGE_BYTES);
  const cells = new VariableCells(pool, "f8", [8192]);
  const values = Array.from({ length: 8192 }, (_, i) => i);
  cells.write({ offset: [0], shape: [8192] }, wordsOf(values));
  const frozen = cells.freeze();
  assertEquals(numbers(frozen.read({ offset: [0], shape: [8192] })), values);
  frozen.release();
  pool.close();
});

function logged(seq: number): LoggedEvent {
  const text = JSON.stringify({ seq, text: "ü\n".repeat(20) });
  return { type: "patch", seq_from: seq, seq, mergeable: true, at: seq, text };
}

Deno.test("older events wait in files, and go with the window", () =>
  withFolder((folder) => {
    const window = new ReplayWindow(new ReplayMemory(folder, 3000), { events: 320, bytes: 1e9 });
    for (let seq = 1; seq <= 1000; seq++) window.append(logged(seq));
    const files = [...Deno.readDirSync(folder)].map((e) => e.name);
    assert(files.length > 20 && files.length <= 65, `${files.length} files`);
    if (Deno.build.os !== "windows") {
      assertEquals((Deno.statSync(`${folder}/${files[0]}`).mode ?? 0) & 0o77, 0);
    }
    // Whole blocks of the window are kept: the last 320 events, and hardly more.
    assertEquals(window.after(1000 - 331), undefined);
    const read: number[] = [];
    for (let event = window.after(680); event; event = window.after(event.seq)) {
      assertEquals(event, logged(event.seq));
      read.push(event.seq);
    }
    assertEquals(read, Array.from({ length: 320 }, (_, i) => 681 + i));
    assertEquals([...window.from(990)].map((e) => e.seq), [
      991,
      992,
      993,
      994,
      995,
      996,
      997,
      998,
      999,
      1000,
    ]);
    window.clear();
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("64 sessions with long windows stay within the memory for all of them", () =>
  withFolder((folder) => {
    const sessions = new LiveSessions({
      env: systemEnv,
      folder,
      cellsInMemory: 1 << 20,
      eventsInMemory: 1 << 20,
      window: { events: 1000, bytes: 2 << 20 },
    });
    try {
      const values = Array.from({ length: 2048 }, (_, i) => i);
      const feeds = Array.from({ length: 64 }, (_, n) => sessions.begin({ ...FACTS, name: `run ${n}` }));
      for (const feed of feeds) {
        feed.open(STRUCTURE);
        for (let i = 0; i < 5; i++) feed.apply([floats("x", [i * 2048], [2048], values)]);
      }
      const [own] = [...Deno.readDirSync(folder)];
      const files = [...Deno.readDirSync(`${folder}/${own?.name}`)].length;
      assert(files > 0, "events went into files");
      for (const feed of feeds) {
        const reader = sessions.subscribe(feed.id, { after: 0, epoch: feed.view.epoch });
        const seqs: number[] = [];
        for (let message = reader.ready(); message; message = reader.ready()) seqs.push(message.seq);
        assertEquals(seqs, Array.from({ length: 11 }, (_, i) => i + 1));
        reader.cancel();
      }
    } finally {
      sessions.close();
    }
    assertEquals([...Deno.readDirSync(folder)], []);
  }));
