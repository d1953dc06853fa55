/** The serving agent: real watcher, real readers, the embedded platform; all of it in this process. */
import { join } from "node:path";
import { Agent } from "../../src/engine/agent.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { openSandbox } from "./serving_sandbox.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "../assert.ts";
import { writeDataset } from "../agent_process.ts";

Deno.test("new datasets and changes reach the platform by themselves, and states say what happens", async () => {
  await using box = await openSandbox();
  await writeDataset(box.path("data", "one"), { "a.txt": "1" });
  await box.addSource("lab");
  await box.serve();
  await box.synced("one");
  await writeDataset(box.path("data", "deep", "er", "two"), { "b.txt": "2", "sub/c.txt": "3" });
  const two = await box.synced("deep/er/two");
  assertEquals((await box.remoteFiles(two)).map((f) => f.name).sort(), ["b.txt", "sub/c.txt"]);
  await Deno.writeTextFile(box.path("data", "one", "a.txt"), "changed");
  await box.until("a second version", async () => (await box.remoteFiles(box.item("one"))).length === 2);
  await box.until("quiet", () => box.activity().sources[0]?.status === "scanning");
  assertEquals(box.activity().sources[0]?.watching, "events");
  assertEquals(box.activity().status.state, "running");
  assertEquals(box.activity().files_uploaded, 4);
});

Deno.test("a stopped source rests, a started one catches up; changes of another process are noticed", async () => {
  await using box = await openSandbox();
  await writeDataset(box.path("data", "one"), { "a.txt": "1" });
  await box.addSource("lab");
  await box.serve();
  await box.synced("one");
  await box.elsewhere((agent) => agent.sources.stop("lab"));
  await box.until("the watch has ended", () => box.activity().sources[0]?.watching === null);
  await writeDataset(box.path("data", "two"), { "b.txt": "2" });
  await box.elsewhere(async (agent) => {
    await Deno.mkdir(box.path("more", "three"), { recursive: true });
    await writeDataset(box.path("more", "three"), { "c.txt": "3" });
    await agent.sources.add({
      name: "other",
      backend: "folderbase",
      config: { root_directory: box.path("more"), is_server_folder: false },
      scope: "default",
    });
  });
  await box.synced("three");
  assertEquals(box.find("two"), undefined, "a stopped source is not looked at");
  await box.elsewhere((agent) => agent.sources.start("lab"));
  await box.synced("two");
});

Deno.test("a stopped agent does nothing, also after a restart, until it is started", async () => {
  await using box = await openSandbox();
  await writeDataset(box.path("data", "one"), { "a.txt": "1" });
  await box.addSource("lab");
  const first = await box.serve();
  await box.synced("one");
  assertEquals(first.stop().state, "stopped");
  assertEquals(codeOf(() => first.stop()), "sync_agent_already_stopped");
  await box.restart();
  assertEquals(box.activity().status.state, "stopped");
  await writeDataset(box.path("data", "two"), { "b.txt": "2" });
  const iteration = box.activity().status.iterations;
  assert(iteration > 0);
  assertEquals(box.find("two"), undefined);
  assertEquals(box.serving.start().state, "running");
  assertEquals(codeOf(() => box.serving.start()), "sync_agent_already_running");
  await box.synced("two");
});

Deno.test("a source whose folder goes away is in error, keeps its items, and comes back by itself", async () => {
  await using box = await openSandbox();
  await writeDataset(box.path("data", "one"), { "a.txt": "1" });
  await box.addSource("lab");
  await box.serve();
  const before = await box.synced("one");
  await Deno.rename(box.path("data"), box.path("away"));
  await box.until("source error", () => box.activity().sources[0]?.status === "error");
  assertEquals(box.activity().sources[0]?.reason?.code, "root_missing");
  assertEquals(box.item("one").status, "synchronized");
  await writeDataset(box.path("away", "two"), { "b.txt": "2" });
  await Deno.rename(box.path("away"), box.path("data"));
  await box.synced("two");
  assertEquals(box.item("one"), before);
  assert(box.activity().sources[0]?.status !== "error");
});

Deno.test("a second agent on the state folder is refused; closing parks what runs and loses nothing", async () => {
  await using box = await openSandbox();
  await box.addSource("lab");
  await box.serve();
  const second = await Agent.open({ home: box.home });
  const refusal = await assertRejects(() => second.serve());
  assert(refusal instanceof SyncError && refusal.code === "agent_running");
  await second.close();
  for (let i = 0; i < 30; i++) await writeDataset(box.path("data", `d${i}`), { "x.txt": `${i}` });
  await box.until("some are done", () => box.items().some((i) => i.status === "synchronized"));
  await box.restart();
  for (let i = 0; i < 30; i++) await box.synced(`d${i}`);
  assertEquals((await box.remoteDatasets()).length, 30);
  assertEquals([...Deno.readDirSync(join(box.home, "staging"))], []);
});

function codeOf(work: () => unknown): string {
  const error = assertThrows(work);
  return error instanceof SyncError ? error.code : "";
}
