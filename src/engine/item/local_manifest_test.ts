import { assertEquals } from "../../../tests/assert.ts";
import {
  judgeManifest,
  type ManifestSituation,
  readManifest,
  replaceForeign,
  writeManifest,
} from "./local_manifest.ts";

const U = "1a111111-2222-4333-8444-555555555555";
const situation = (patch: Partial<ManifestSituation> = {}): ManifestSituation => ({
  manifest: {
    dataset_uuid: U,
    scope_uuid: "scope",
    dataset_sync_path: "/old/place",
    files: { "a.txt": { sha256: "x", size: 1 } },
    etiket_sync: { machine_id: "me", source: "s", base: null },
  },
  scope: "scope",
  folder: "/new/place",
  machineId: "me",
  own: "another",
  known: false,
  isElsewhere: false,
  uuidAt: () => undefined,
  filesEqual: () => Promise.resolve(false),
  ...patch,
});
const verdict = async (patch: Partial<ManifestSituation>) => {
  const v = await judgeManifest(situation(patch));
  return [v.kind, v.log ?? null];
};

Deno.test("the manifest decides: same place, copy, move, foreign, other scope, unreadable", async () => {
  assertEquals(await verdict({ folder: "/old/place" }), ["same", null]);
  assertEquals(await verdict({ uuidAt: () => U }), ["own", "copied_dataset"]);
  assertEquals(await verdict({}), ["same", "moved_dataset"]);
  assertEquals(await verdict({ machineId: "other" }), ["own", null]);
  assertEquals(await verdict({ machineId: "other", known: true }), ["same", "moved_dataset"]);
  assertEquals(await verdict({ machineId: "other", filesEqual: () => Promise.resolve(true) }), [
    "same",
    "moved_dataset",
  ]);
  assertEquals(await verdict({ scope: "another", folder: "/old/place" }), ["own", null]);
  assertEquals(await verdict({ manifest: "unreadable" }), ["own", "manifest_unreadable"]);
  assertEquals(await verdict({ manifest: undefined }), ["own", null]);
});

Deno.test("a manifest is read back as written; nothing else stays in the folder", () => {
  const folder = Deno.makeTempDirSync();
  const base = { name: "n: [", description: null, ranking: 1, keywords: ["a"], attributes: { k: "1e3" } };
  const written = writeManifest({
    dataset_uuid: U,
    scope_uuid: "scope",
    folder,
    sync_time: "2024-01-01T00:00:00.000000+00:00",
    files: {},
    machine_id: "machine-1",
    source: "s",
    base,
    fingerprint: "f",
  });
  assertEquals(written, true);
  assertEquals([...Deno.readDirSync(folder)].map((e) => e.name), [".QH_manifest.yaml"]);
  const m = readManifest(folder);
  assertEquals(m !== "unreadable" && m?.etiket_sync?.base, base);
  for (const rubbish of ["", "[1]", "dataset_uuid: 12", "a: &a [*a, *a]", "\0"]) {
    Deno.writeTextFileSync(`${folder}/.QH_manifest.yaml`, rubbish);
    assertEquals(readManifest(folder), "unreadable", rubbish);
  }
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("manifests of the original agent are read: uuid without dashes, no map of ours", () => {
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(
    `${folder}/.QH_manifest.yaml`,
    `version: 0.1\ndataset_uuid: ${
      U.replaceAll("-", "")
    }\nscope_uuid: s\ndataset_sync_path: /x\nsync_time: 2024-01-01\nfiles: {}\n`,
  );
  const m = readManifest(folder);
  assertEquals(m !== "unreadable" && m?.dataset_uuid, U);
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("a manifest about another folder is replaced by the first that tries, which the next finds", () => {
  const folder = Deno.makeTempDirSync();
  const content = (machine: string, uuid: string) => ({
    dataset_uuid: uuid,
    scope_uuid: "scope",
    folder,
    sync_time: "2024-01-01T00:00:00.000000+00:00",
    files: {},
    machine_id: machine,
    source: "s",
    base: null,
    fingerprint: "f",
  });
  const uuid = () => {
    const manifest = readManifest(folder);
    return manifest === "unreadable" ? manifest : manifest?.dataset_uuid;
  };
  const [first, second] = [crypto.randomUUID(), crypto.randomUUID()];
  writeManifest(content("foreign-machine", U));
  assertEquals(replaceForeign(content("machine-1", first), U), false);
  assertEquals([replaceForeign(content("machine-2", second), U), uuid()], [true, first]);
  assertEquals(
    [...Deno.readDirSync(folder)].map((e) => e.name),
    [".QH_manifest.yaml"],
    "nothing is left over",
  );
  Deno.writeTextFileSync(`${folder}/.QH_manifest.yaml`, "");
  assertEquals([replaceForeign(content("machine-2", second), undefined), uuid()], [false, second]);
  Deno.removeSync(folder, { recursive: true });
});
