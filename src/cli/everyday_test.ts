/** A user's way through the commands, on real folders and a real QCoDeS database, each command in its own process. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { unpackFolderbase } from "../../tests/folderbase_fixture.ts";
import { takeLock } from "../engine/lock.ts";
import { runCli, runJson } from "./test_cli.ts";

const Once = z.object({
  sources: z.array(z.object({
    name: z.string(),
    backend: z.string(),
    status: z.string(),
    items_total: z.number(),
    items_synchronized: z.number(),
    items_failed: z.number(),
    items_unmapped: z.number(),
  })),
  items: z.array(z.object({
    source: z.string(),
    dataIdentifier: z.string(),
    datasetUUID: z.string(),
    result: z.enum(["synchronized", "failed", "skipped", "unmapped", "live"]),
    reason: z.string().nullable(),
  })),
  files_uploaded: z.number(),
  bytes_uploaded: z.number(),
  files_unchanged: z.number(),
  duration_ms: z.number(),
});
const Items = z.array(z.object({
  id: z.number(),
  source: z.string(),
  dataIdentifier: z.string(),
  datasetUUID: z.string(),
  status: z.enum(["pending", "synchronized", "error", "no_mapping"]),
  attempts: z.number(),
  reason: z.unknown(),
  next_attempt_at: z.string().nullable(),
}));
const Datasets = z.array(z.object({
  uuid: z.string(),
  name: z.string(),
  scope: z.object({ name: z.string() }),
  files: z.array(
    z.object({ name: z.string(), uuid: z.string(), version_id: z.number(), status: z.string() }),
  ),
}));
const Downloads = z.array(z.object({
  name: z.string(),
  filename: z.string(),
  version_id: z.number(),
  path: z.string(),
  size: z.number(),
  type: z.string(),
}));
const Failure = z.strictObject({ error: z.string(), detail: z.string(), hint: z.string() });

const md5 = async (path: string) => createHash("md5").update(await Deno.readFile(path)).digest("hex");

Deno.test("folders: from the first run to a verified download", async (t) => {
  await using fixture = await unpackFolderbase();
  const home = join(fixture.root, "home");
  const root = join(fixture.root, "level_any");
  const folder = [
    "--backend",
    "folderbase",
    "--set",
    `root_directory=${root}`,
    "is_server_folder=false",
  ];

  await t.step("a dry run writes nothing: no source, no dataset, no file of ours", async () => {
    const { code, stdout } = await runCli(["once", ...folder, "--dry-run", "--json"], { home });
    assertEquals(code, 3);
    const report = z.object({
      dry_run: z.literal(true),
      items: z.array(z.object({ plan: z.unknown().optional() })),
    });
    assert(report.parse(JSON.parse(stdout)).items.length > 15);
    assertEquals(await runJson(["source", "list"], home), []);
    assertEquals(await runJson(["dataset", "list"], home), []);
    await assertMissing(join(root, "simple", ".QH_manifest.yaml"));
  });

  await t.step("a run ends with 3 when items failed, and says which", async () => {
    const { code, stdout } = await runCli(["once", ...folder, "--json"], { home });
    assertEquals(code, 3);
    const report = Once.parse(JSON.parse(stdout));
    assertEquals(report.sources[0]?.backend, "etiket_sync_agent_folderbase");
    assertEquals(
      report.items.filter((i) => i.result === "failed").map((i) => i.dataIdentifier).sort(),
      ["broken yaml", "csv conv", "yaml is a list"],
    );
  });

  await t.step("the same source again is found, and nothing is uploaded", async () => {
    const report = Once.parse(await runJson(["once", ...folder], home));
    assertEquals([report.files_uploaded, report.sources.length], [0, 1]);
    assertEquals(z.array(z.unknown()).parse(await runJson(["source", "list"], home)).length, 1);
  });

  await t.step("items are listed by status, and one is shown with its record", async () => {
    const failed = Items.parse(await runJson(["item", "list", "--status", "error"], home));
    assertEquals(failed.length, 3);
    const [found] = Items.parse(await runJson(["item", "list", "--query", "csv conv"], home));
    const shown = z.object({ sync_record: z.object({ files: z.record(z.string(), z.array(z.unknown())) }) })
      .parse(await runJson(["item", "show", String(found?.id)], home));
    assert("files/data.hdf5" in shown.sync_record.files);
  });

  await t.step("a dataset is downloaded under its logical names, byte for byte", async () => {
    const datasets = Datasets.parse(await runJson(["dataset", "list"], home));
    const simple = datasets.find((d) => d.name === "Simple data set");
    assert(simple);
    assertEquals(simple.scope.name, "default");
    const to = join(fixture.root, "download");
    const files = Downloads.parse(await runJson(["dataset", "download", simple.uuid, "--to", to], home));
    assertEquals(files.map((f) => f.name), ["data.json", "dir1/file.hdf5", "dir1/plain.h5", "file1.txt"]);
    for (const f of files) {
      assertEquals(f.path, join(to, f.name));
      assertEquals([await md5(f.path), f.size], [
        await md5(join(root, "simple", f.name)),
        (await Deno.stat(f.path)).size,
      ]);
    }
    assertEquals([...Deno.readDirSync(to)].map((e) => e.name).sort(), ["data.json", "dir1", "file1.txt"]);
  });

  await t.step("no presigned link is printed", async () => {
    const { stdout } = await runCli(["dataset", "list", "--json"], { home });
    assertEquals(/S3_link|token=/.test(stdout), false);
  });

  await t.step("why explains a file, a skip, and a path of no source", async () => {
    const verdict = async (path: string) =>
      z.object({ verdict: z.string(), steps: z.array(z.object({ code: z.string(), text: z.string() })) })
        .parse(await runJson(["why", path], home)).verdict;
    assertEquals(await verdict(join(root, "simple", "file1.txt")), "uploaded");
    assertEquals(await verdict(join(root, "skip", "junk", "c.txt")), "skip_pattern");
    assertEquals(await verdict(join(root, "symlinks", "dangling.txt")), "symlink_dangling");
    assertEquals(await verdict(join(root, "loose.txt")), "no_info_file");
    assertEquals(await verdict(join(root, "broken yaml")), "quarantined");
    assertEquals(await verdict(fixture.root), "not_covered");
  });

  await t.step("a byte that changed on the platform is found, and ends with 3", async () => {
    const good = z.object({ checked: z.number(), differences: z.array(z.unknown()) })
      .parse(await runJson(["verify"], home));
    assertEquals([good.checked > 30, good.differences], [true, []]);
    const datasets = Datasets.parse(await runJson(["dataset", "list"], home));
    const file = datasets.flatMap((d) => d.files).find((f) => f.name === "files/data.csv");
    assert(file);
    const hub = new DatabaseSync(join(home, "hub", "hub.sqlite"));
    const damaged = hub.prepare(
      `UPDATE kept_objects SET bytes = CAST('X' || substr(bytes, 2) AS BLOB)
       WHERE file_id = (SELECT id FROM files WHERE uuid = ? AND version_id = ?)`,
    ).run(file.uuid, file.version_id);
    hub.close();
    assertEquals(damaged.changes, 1);
    const { code, stdout } = await runCli(["verify", "--json"], { home });
    assertEquals(code, 3);
    const { differences } = z.object({
      differences: z.array(z.object({ dataIdentifier: z.string(), name: z.string(), problem: z.string() })),
    }).parse(JSON.parse(stdout));
    assertEquals(differences, [{
      dataIdentifier: "csv conv",
      name: "files/data.csv",
      problem: "sha256_differs",
    }]);

    const dataset = datasets.find((d) => d.files.some((f) => f.uuid === file.uuid));
    const broken = join(fixture.root, "broken");
    const refused = await runCli(["dataset", "download", dataset?.uuid ?? "", "--to", broken, "--json"], {
      home,
    });
    assertEquals([refused.code, Failure.parse(JSON.parse(refused.stdout)).error], [1, "download_differs"]);
    await assertMissing(join(broken, "files", "data.csv"));
    assertEquals([...Deno.readDirSync(join(broken, "files"))], []);
  });

  await t.step("a second agent on the same state folder ends with 6", async () => {
    const lock = takeLock(join(home, "agent.lock"));
    try {
      const { code, stdout } = await runCli(["once", "--json"], { home });
      assertEquals([code, Failure.parse(JSON.parse(stdout)).error], [6, "agent_running"]);
      assertMatch((await runCli(["status"], { home })).stdout, /running \(pid \d+/);
    } finally {
      lock.release();
    }
  });
});

Deno.test("sources: add, change, stop, map, remove", async (t) => {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const home = join(folder, "home");
  const root = join(folder, "data");
  await Deno.mkdir(join(root, "run 1"), { recursive: true });
  await Deno.writeTextFile(join(root, "run 1", "_QH_dataset_info.yaml"), "");
  await Deno.writeTextFile(join(root, "run 1", "a.txt"), "1");
  const Source = z.object({
    name: z.string(),
    status: z.string(),
    backend: z.string(),
    config_data: z.record(z.string(), z.unknown()),
    default_scope: z.string().nullable(),
    items_total: z.number(),
    scope_mappings: z.array(z.object({ scope_identifier: z.string() })),
  });
  const source = async (...args: string[]) => Source.parse(await runJson(["source", ...args], home));
  const refused = async (...args: string[]) => {
    const { code, stdout } = await runCli(["source", ...args, "--json"], { home });
    return [code, Failure.parse(JSON.parse(stdout)).error];
  };

  try {
    await t.step("what is wrong is refused, and leaves nothing behind", async () => {
      const add = ["add", "raw", "--backend", "folderbase", "--set", `root_directory=${root}`];
      assertEquals(await refused(...add, "is_server_folder=false"), [2, "sync_source_config_error"]);
      assertEquals(await refused(...add, "is_server_folder=perhaps", "--scope", "default"), [
        2,
        "sync_source_config_error",
      ]);
      assertEquals(await refused(...add, "is_server_folder=false", "--scope", "nowhere"), [
        2,
        "sync_source_scope_not_found",
      ]);
      assertEquals(await runJson(["source", "list"], home), []);
    });
    await t.step("add, show, update, rename", async () => {
      const settings = ["--set", `root_directory=${root}`, "--set", "is_server_folder=false"];
      const made = await source("add", "raw", "--backend", "fileBase", ...settings, "--scope", "default");
      assertEquals([made.backend, made.config_data.level], ["etiket_sync_agent_folderbase", -1]);
      const updated = await source("update", "raw", "--set", "level=1", "write_manifest=no");
      assertEquals([updated.config_data.level, updated.config_data.write_manifest], [1, false]);
      assertEquals((await source("update", "raw", "--unset", "level")).config_data.level, -1);
      assertEquals((await source("rename", "raw", "my data")).name, "my data");
      assertEquals(await refused("show", "raw"), [2, "sync_source_not_found"]);
      assertEquals(await refused("update", "my data"), [2, "nothing_to_update"]);
    });
    await t.step("a stopped source is left alone until it is started", async () => {
      assertEquals((await source("stop", "my data")).status, "stopped");
      assertEquals(Once.parse(await runJson(["once"], home)).items, []);
      assertEquals(await refused("stop", "my data"), [2, "sync_source_already_stopped"]);
      await source("start", "my data");
      assertEquals(Once.parse(await runJson(["once"], home)).items.map((i) => i.result), ["synchronized"]);
    });
    await t.step("reset with --all makes synchronized items due, and sends no byte again", async () => {
      assertEquals(await runJson(["source", "reset", "my data"], home), {
        source: "my data",
        items_reset: 0,
      });
      assertEquals(await runJson(["source", "reset", "my data", "--all"], home), {
        source: "my data",
        items_reset: 1,
      });
      const again = Once.parse(await runJson(["once"], home));
      assertEquals([again.items.length, again.files_uploaded, again.files_unchanged], [1, 0, 1]);
    });
    await t.step("an item can be asked for", async () => {
      const item = z.object({ hasPriority: z.boolean() });
      assertEquals(item.parse(await runJson(["item", "prioritize", "1"], home)).hasPriority, true);
      assertEquals(Once.parse(await runJson(["once"], home)).items.length, 1);
    });
    await t.step("remove forgets the source, not what it brought", async () => {
      assertEquals(await runJson(["source", "remove", "my data"], home), { removed: "my data" });
      assertEquals(await runJson(["item", "list"], home), []);
      assertEquals(Datasets.parse(await runJson(["dataset", "list"], home)).length, 1);
      assertEquals(await refused("remove", "my data"), [2, "sync_source_not_found"]);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function assertMissing(path: string): Promise<void> {
  assertEquals(await Deno.lstat(path).then(() => "there", () => "missing"), "missing", path);
}
