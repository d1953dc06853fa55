import { assert, assertEquals } from "../../../tests/assert.ts";
import { SyncError } from "../../kit/errors.ts";
import { loadRecord, RunRecorder, type SyncRecordData, type UploadEntry } from "./sync_record.ts";
import type { TaskNode } from "./task_log.ts";

const now = () => "2024-01-01T00:00:00.000000+00:00";
const begin = (previous?: SyncRecordData, attempt = 1) => new RunRecorder(previous, "/data", attempt, 1, now);
const upload = (patch: Partial<UploadEntry> = {}): UploadEntry => ({
  filename: "a.txt",
  file_path: "/data/a.txt",
  file_m_time: null,
  file_uuid: "u",
  version_id: 1,
  sync_timestamp: now(),
  md5: "m",
  sha256: "s",
  content_aware_checksum: null,
  size: 1,
  status: "OK",
  converter: null,
  error: null,
  action: "uploaded",
  skip_reason: null,
  ...patch,
});

Deno.test("an error is recorded once, at the deepest task, and flags all tasks above", async () => {
  const r = begin();
  await r.task("outer", () => r.task("inner", () => r.error(new SyncError("data", "bad", "no").toData())));
  await r.task("fine", () => r.log("x", "y"));
  const [run] = loadRecord(r.finish())?.logs ?? [];
  assert(run?.type === "task");
  const [outer, fine] = run.content as TaskNode[];
  const inner = outer?.content[0] as TaskNode;
  assertEquals([run.has_errors, outer?.has_errors, inner.has_errors, fine?.has_errors], [
    true,
    true,
    true,
    false,
  ]);
  assertEquals(inner.content.length, 1);
  assertEquals(outer?.content.length, 1);
});

Deno.test("a run without news is not stored; a file that stays as it is keeps its entry", () => {
  const first = begin();
  first.upload("a", upload());
  const stored = loadRecord(first.finish());
  const second = begin(stored, 2);
  second.upload("a", upload({ action: "unchanged" }));
  assertEquals(second.finish(), undefined);
});

Deno.test("bounded: 20 runs, 10 uploads a name, what was cut is counted", () => {
  let record: SyncRecordData | undefined;
  for (let i = 0; i < 50; i++) {
    const r = begin(record, i);
    r.upload("a", upload({ version_id: i, sha256: String(i) }));
    record = loadRecord(r.finish());
  }
  assertEquals([record?.logs.length, record?.files.a?.length, record?.cut], [20, 10, {
    runs: 30,
    uploads: 40,
  }]);
  assertEquals(record?.files.a?.at(-1)?.version_id, 49);
});

Deno.test("unknown keys of a stored record survive; presigned queries never get in", () => {
  const r = begin();
  r.log("put", "PUT http://x/y?token=secret");
  const stored = loadRecord(r.finish());
  assert(stored);
  assert(!JSON.stringify(stored).includes("secret"));
  const again = begin({ ...stored, future: 1 });
  again.changed();
  assertEquals(loadRecord(again.finish())?.future, 1);
});

Deno.test("a run that changed nothing but leaves out other files is stored, once", () => {
  const runs = (record: SyncRecordData | undefined, ...skipped: string[]) => {
    const run = begin(record, 2);
    for (const path of skipped) run.log("skip_pattern", path);
    return { isEventful: run.eventful, record: loadRecord(run.finish()) };
  };
  const first = runs(undefined, "a.tmp").record;
  const news = runs(first, "a.tmp", "b.tmp");
  assertEquals([news.isEventful, news.record?.logs.length], [true, 2]);
  assertEquals(runs(news.record, "b.tmp", "a.tmp"), { isEventful: false, record: undefined });
  const gone = runs(news.record, "a.tmp");
  assertEquals([gone.isEventful, gone.record?.logs.length], [true, 3]);
  assertEquals(runs(gone.record, "a.tmp").record, undefined);
  assertEquals(runs(gone.record, "a.tmp", "b.tmp").record?.logs.length, 4, "left out again");
});

Deno.test("a file that comes back, and one that lies elsewhere, are news; the entry tells where it is", () => {
  const first = begin();
  first.upload("a", upload());
  const stored = loadRecord(first.finish());
  const second = begin(stored, 2);
  assertEquals(second.notMet().map(([name]) => name), ["a"]);
  second.upload("a", upload({ action: "skipped", skip_reason: "deleted_locally" }));
  assertEquals(second.notMet(), []);
  const third = begin(loadRecord(second.finish()), 3);
  third.upload("a", upload({ action: "unchanged" }));
  const back = loadRecord(third.finish());
  assertEquals(back?.files.a?.map((u) => u.action), ["uploaded", "skipped", "unchanged"]);
  const fourth = begin(back, 4);
  fourth.upload("a", upload({ action: "unchanged", file_path: "/elsewhere/a.txt" }));
  const moved = loadRecord(fourth.finish());
  assertEquals(moved?.files.a?.map((u) => u.file_path), ["/data/a.txt", "/data/a.txt", "/elsewhere/a.txt"]);
});
