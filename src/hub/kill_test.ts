import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { DatasetReply, md5, TestHub } from "./test_hub.ts";
import { contentOf, finish, type PartUploadState, Step } from "./test_part_uploader.ts";
import { linesOf, remaining, startModule } from "./test_process.ts";

/** Checks every version that the hub calls secured against its bytes; returns `uuid version md5` of each. */
async function checkSecured(hub: TestHub): Promise<Set<string>> {
  const secured = new Set<string>();
  for (let offset = 0;; offset += 1000) {
    const page = await hub.expect(200, "POST", `/api/v2/datasets/search/?offset=${offset}&limit=1000`, {});
    const datasets = z.array(DatasetReply).parse(page);
    for (const file of datasets.flatMap((dataset) => dataset.files)) {
      if (file.status !== "secured") continue;
      const bytes = await (await hub.fetch(file.S3_link ?? "")).bytes();
      const where = `${file.uuid} ${file.version_id}`;
      assertEquals(
        [bytes.length, md5(bytes), md5(bytes)],
        [file.size, file.md5_checksum, file.plain_md5],
        where,
      );
      secured.add(`${where} ${md5(bytes)}`);
    }
    if (datasets.length < 1000) return secured;
  }
}

const unfinishedFolders = (directory: string) =>
  [...Deno.readDirSync(`${directory}/incoming`)].filter((entry) => entry.isDirectory).length;

Deno.test("killed 20 times while uploading, a hub opens again and every secured version has its bytes", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_kill_" });
  try {
    const confirmed: string[] = [];
    for (let round = 0; round < 20; round++) {
      const uploader = startModule("./test_uploader.ts", directory, "0");
      const lines = linesOf(uploader);
      await lines.read();
      // A random number of confirmed files later, at any point of the next ones.
      for (let n = Math.floor(Math.random() * 12); n > 0; n--) {
        confirmed.push((await lines.read()).value ?? "");
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
      uploader.kill("SIGKILL");
      confirmed.push(...await remaining(lines));
      await uploader.status;
    }
    const hub = await TestHub.open(directory);
    try {
      assertEquals(unfinishedFolders(directory), 1, "only the folder of this process is left");
      const secured = await checkSecured(hub);
      for (const line of confirmed) assert(secured.has(line), `confirmed but not secured: ${line}`);
      assert(confirmed.length > 0);
    } finally {
      await hub.close();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("killed 15 times while parts arrive, a hub keeps every part that it confirmed and shows no half object", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_kill_" });
  const open = new Map<string, PartUploadState>();
  const secured = new Set<string>();
  let confirmedParts = 0;
  const note = (step: Step) => {
    if (step.step === "begun") open.set(step.state.links.upload_id, step.state);
    else if (step.step === "secured") secured.add(step.upload);
    else {
      const etags = open.get(step.upload)?.etags;
      if (etags) etags[step.number - 1] = step.etag;
      confirmedParts++;
    }
  };
  const unfinished = () => [...open.values()].filter(({ links }) => !secured.has(links.upload_id));
  try {
    for (let round = 0; round < 15; round++) {
      const uploader = startModule("./test_part_uploader.ts", directory, JSON.stringify(unfinished()));
      const lines = linesOf(uploader);
      // A random number of steps later, at any point of the next one.
      for (let n = 1 + Math.floor(Math.random() * 8); n > 0; n--) {
        const { value } = await lines.read();
        if (value !== undefined) note(Step.parse(JSON.parse(value)));
      }
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      uploader.kill("SIGKILL");
      for (const line of await remaining(lines)) note(Step.parse(JSON.parse(line)));
      await uploader.status;
    }
    let hub = await TestHub.open(directory);
    const sentAgain: Step[] = [];
    const left = unfinished();
    const missing = left.flatMap(({ etags }) => etags.filter((etag) => etag === null)).length;
    for (const state of left) await finish(hub, state, (step) => sentAgain.push(step));
    assertEquals(
      sentAgain.filter(({ step }) => step === "part").length,
      missing,
      "only what was not confirmed",
    );
    const versions = await checkSecured(hub);
    for (const state of open.values()) {
      const { uuid, version_id } = state.links;
      assert(versions.has(`${uuid} ${version_id} ${md5(contentOf(state))}`), `${uuid} is not what was sent`);
    }
    assert(confirmedParts > 0);
    await hub.close();
    hub = await TestHub.open(directory);
    await hub.close();
    // Those whose id got lost with the process are left for a day.
    const onDisk = [...Deno.readDirSync(`${directory}/uploads`)].map(({ name }) => name);
    assertEquals(onDisk.filter((name) => open.has(name)), []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("several processes open, fill and read one new hub at the same time", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_shared_" });
  try {
    const uploaders = [1, 2, 3].map(() => startModule("./test_uploader.ts", directory, "24"));
    const printed = await Promise.all(uploaders.map((uploader) => remaining(linesOf(uploader))));
    for (const uploader of uploaders) assertEquals((await uploader.status).success, true);
    const hub = await TestHub.open(directory);
    try {
      const scopes = await hub.expect(200, "GET", "/api/v3/scopes");
      assertEquals(z.array(z.unknown()).parse(scopes).length, 1, "one scope `default`, whoever was first");
      const secured = await checkSecured(hub);
      assertEquals(secured, new Set(printed.flat().filter((line) => line !== "ready")));
      assertEquals(secured.size, 3 * 24);
    } finally {
      await hub.close();
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
