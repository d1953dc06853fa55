import { join } from "node:path";
import { assert, assertEquals, assertMatch, assertRejects } from "../../../tests/assert.ts";
import { AGENT_STOPPED, Catalog } from "../../catalog/catalog.ts";
import { lookAtItem } from "../../discovery/folder_scan.ts";
import type { ReaderPool, SourcePlan } from "../../readers/tasks.ts";
import { RunRecorder } from "../item/sync_record.ts";
import { why, type WhyReport } from "./why.ts";

const MARKER = "_QH_dataset_info.yaml";

interface Stage {
  root: string;
  catalog: Catalog;
  /** Asks about a path below the root. */
  ask(relative: string): Promise<WhyReport>;
  askItem(target: string): Promise<WhyReport>;
}

/** One folder source on a real tree; `items` are known to the catalog. */
async function onTree(
  tree: string[],
  items: string[],
  level: number,
  work: (stage: Stage) => Promise<void>,
): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const root = join(folder, "data");
  for (const path of tree) {
    const full = join(root, path);
    await Deno.mkdir(path.endsWith("/") ? full : join(full, ".."), { recursive: true });
    if (!path.endsWith("/")) await Deno.writeTextFile(full, "");
  }
  const catalog = Catalog.open(join(folder, "catalog.db"));
  const row = {
    name: "raw",
    backend: "b",
    config: {},
    default_scope: "scope-1",
    autoassign: false,
    owner: null,
  };
  const source = catalog.sources.add(row, 1);
  const plan: SourcePlan = {
    kind: "folder",
    root,
    level,
    single_file: false,
    server_folder: false,
    name_pattern: level === 2 ? "^\\d+/\\d+$" : null,
    scope_from_path: false,
  };
  const found = items.map((identifier) => {
    const fingerprint = lookAtItem(plan, identifier)?.fingerprint ?? "gone";
    return { identifier, priority: 1, fingerprint, changed_at: 0 };
  });
  catalog.intake.upsert(source, found, "new", () => crypto.randomUUID(), 1);
  const readers = { run: () => Promise.resolve({ problems: [], config: {}, plan }) } as unknown as ReaderPool;
  const agent = { catalog, readers };
  try {
    await work({
      root,
      catalog,
      ask: (relative) => why(agent, join(root, relative)),
      askItem: (t) => why(agent, t),
    });
  } finally {
    catalog.close();
    await Deno.remove(folder, { recursive: true });
  }
}

const codes = (report: WhyReport) => report.steps.map((s) => s.code);

Deno.test("level -1: the nearest folder with an info file owns a path", () =>
  onTree(
    [`outer/${MARKER}`, "outer/o.txt", `outer/inner/${MARKER}`, "outer/inner/sub/i.txt", "loose/x.txt"],
    ["outer", "outer/inner"],
    -1,
    async ({ ask }) => {
      const inner = await ask("outer/inner/sub/i.txt");
      assertEquals([inner.item?.dataIdentifier, inner.file], ["outer/inner", "sub/i.txt"]);
      const outer = await ask("outer/o.txt");
      assertEquals([outer.item?.dataIdentifier, outer.file], ["outer", "o.txt"]);
      assertEquals((await ask("outer")).verdict, "waiting");
      const loose = await ask("loose/x.txt");
      assertEquals([loose.verdict, loose.source, loose.item], ["no_info_file", "raw", null]);
      assertMatch(loose.steps.at(-1)?.hint ?? "", /_QH_dataset_info\.yaml/);
    },
  ));

Deno.test("level 2: what lies too high, or is called otherwise, is in no item", () =>
  onTree(
    ["20240101/001/a.h5", "20240101/note.txt", "stray.txt", "20240101/abc/"],
    ["20240101/001"],
    2,
    async ({ ask }) => {
      assertEquals((await ask("20240101/001/a.h5")).item?.dataIdentifier, "20240101/001");
      assertEquals((await ask("stray.txt")).verdict, "too_shallow");
      assertEquals((await ask("20240101/note.txt")).verdict, "too_shallow");
      assertEquals((await ask("20240101/abc")).verdict, "name_pattern");
      const day = await ask("20240101");
      assertEquals(day.verdict, "too_shallow");
      assertMatch(day.steps.at(-1)?.text ?? "", /1 item\(s\) lie below/);
    },
  ));

Deno.test("hidden names, the agent's own files, new and unknown paths", () =>
  onTree(
    [`a/${MARKER}`, "a/.hidden/x", "a/.QH_manifest.yaml", ".git/x", `new/${MARKER}`],
    ["a"],
    -1,
    async ({ ask, root, askItem }) => {
      assertEquals((await ask("a/.hidden/x")).verdict, "hidden");
      assertEquals((await ask(".git/x")).verdict, "hidden");
      assertEquals((await ask(`a/${MARKER}`)).verdict, "own_file");
      assertEquals((await ask("a/.QH_manifest.yaml")).verdict, "own_file");
      assertEquals((await ask("new")).verdict, "not_discovered");
      assertEquals((await askItem(join(root, "..", "elsewhere"))).verdict, "not_covered");
    },
  ));

Deno.test("a path that is gone still leads to its item", () =>
  onTree([`a/${MARKER}`], ["a", "b"], -1, async ({ ask }) => {
    const gone = await ask("b/data.csv");
    assertEquals([gone.item?.dataIdentifier, gone.file, codes(gone)[0]], ["b", "data.csv", "missing"]);
  }));

Deno.test("the chain ends with state, last attempt, next attempt and what to do", () =>
  onTree([`a/${MARKER}`, "a/data.csv"], ["a"], -1, async ({ ask, catalog, root }) => {
    const run = new RunRecorder(undefined, join(root, "a"), 1, 7, () => "2024-11-06T12:00:00.000000+00:00");
    run.upload("data.csv", {
      filename: "data.csv",
      file_path: join(root, "a", "data.csv"),
      file_m_time: null,
      file_uuid: "file-1",
      version_id: 1730894400000,
      sync_timestamp: "2024-11-06T12:00:01.000000+00:00",
      md5: "m",
      sha256: "s",
      content_aware_checksum: null,
      size: 12,
      status: "OK",
      converter: null,
      error: null,
      action: "uploaded",
      skip_reason: null,
    });
    const reason = {
      code: "converter_failed",
      class: "converter",
      retry: "never",
      blame: "file",
      message: "data.csv: line 3 has 4 fields",
      hint: "Correct line 3.",
    } as const;
    run.error(reason);
    const record = run.finish();
    assert(record);
    catalog.items.setRecord(1, record);
    catalog.items.update(1, { state: "retry_wait", reason, attempts: 2, next_attempt_at: 1730900000000 }, 5);

    const item = await ask("a");
    assertEquals(codes(item), [
      "folder",
      "source",
      "item",
      "scope",
      "last_attempt",
      "converter_failed",
      "converter_failed",
      "next_attempt",
    ]);
    assertEquals(item.last_run?.has_errors, true);
    assertEquals(item.uploads.map((u) => u.name), ["data.csv"]);
    assertMatch(item.steps.at(-1)?.text ?? "", /2024-11-06T13:33:20/);

    const file = await ask("a/data.csv");
    assertEquals(file.verdict, "uploaded");
    assert(file.steps.some((s) => /was uploaded as version 1730894400000, 12 bytes/.test(s.text)));
    assert(file.steps.some((s) => s.hint === "Correct line 3."));

    await Deno.writeTextFile(join(root, "a", "data.csv"), "longer");
    assert(codes(await ask("a/data.csv")).includes("changed"));
  }));

Deno.test("a skipped path names the rule, also when it is the folder around it", () =>
  onTree([`a/${MARKER}`, "a/tmp/x.txt", "a/s.zarr/.zattrs"], ["a"], -1, async ({ ask, catalog, root }) => {
    const run = new RunRecorder(undefined, join(root, "a"), 1, 7, () => "2024-11-06T12:00:00.000000+00:00");
    run.log("skip_skip_pattern", "tmp (rule: tmp/*)");
    run.log("skip_zarr_without_converter", "s.zarr");
    const record = run.finish();
    assert(record);
    catalog.items.setRecord(1, record);
    const inside = await ask("a/tmp/x.txt");
    assertEquals(inside.verdict, "skip_pattern");
    assertEquals(inside.skips, [{ path: "tmp", reason: "skip_pattern", rule: "tmp/*" }]);
    assertEquals((await ask("a/s.zarr/.zattrs")).verdict, "zarr_without_converter");
    assertEquals((await ask("a")).skips.map((s) => s.path), ["tmp", "s.zarr"]);
    assertEquals((await ask("a/tm")).skips, []);
  }));

Deno.test("an item is found by id, name and dataset; anything else is refused", () =>
  onTree([`a/${MARKER}`], ["a"], -1, async ({ askItem, catalog }) => {
    const uuid = catalog.items.byId(1)?.dataset_uuid ?? "";
    for (const target of ["1", "a", uuid]) {
      const report = await askItem(target);
      assertEquals([report.item?.id, report.path, report.verdict], [1, null, "waiting"]);
    }
    assertMatch((await assertRejects(() => askItem("nonsense"))).message, /nonsense/);
  }));

Deno.test("a stopped source is named as the cause", () =>
  onTree([`a/${MARKER}`], ["a"], -1, async ({ ask, catalog }) => {
    catalog.sources.setState(1, "stopped", null, 5, true);
    assert(codes(await ask("a")).includes("stopped"));
  }));

Deno.test("what waits tells its lane, when it is read, and that the agent is stopped", async () => {
  await onTree([`a/${MARKER}`], ["a"], -1, async ({ catalog, ask }) => {
    const due_at = Date.now() + 60_000;
    catalog.items.update(1, { due_at }, 1);
    catalog.setFact(AGENT_STOPPED, "1");
    const { steps } = await ask("a");
    const codes = steps.map((s) => s.code);
    for (const code of ["agent_stopped", "lane", "due_at"]) {
      assert(codes.includes(code), `${code} in ${codes}`);
    }
    assert(steps.some((s) => s.text.includes(new Date(due_at).toISOString())));
    catalog.setFact(AGENT_STOPPED, null);
    catalog.items.update(1, { due_at: 1 }, 1);
    const later = (await ask("a")).steps.map((s) => s.code);
    assert(!later.includes("agent_stopped") && !later.includes("due_at"), `${later}`);
  });
});
