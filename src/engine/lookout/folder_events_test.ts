/** The real watcher of this system on a real disk. */
import { assert, assertEquals } from "../../../tests/assert.ts";
import { DiscoverySandbox } from "../../../tests/discovery_sandbox.ts";
import { lookAtItem } from "../../discovery/folder_scan.ts";
import { FolderLookout } from "./folder_lookout.ts";

const PATIENCE_MS = 30_000;
const INFO = "_QH_dataset_info.yaml";

async function watched(work: (box: DiscoverySandbox, root: string) => Promise<void>): Promise<void> {
  const temp = await Deno.makeTempDir();
  const root = `${temp}/data`;
  await Deno.mkdir(root);
  const box = new DiscoverySandbox(temp, { root });
  const lookout = new FolderLookout(box.s, box.source, box.plan, {
    onFound: () => {},
    onNotice: (error) => {
      throw error;
    },
  });
  const control = new AbortController();
  const { signal } = control;
  let error: unknown;
  await lookout.look(signal);
  const looking = (async () => {
    while (!signal.aborted) await lookout.look(signal);
  })().catch((e) => error = e);
  try {
    assertEquals(lookout.watching, "events");
    await work(box, root);
  } finally {
    control.abort(new Error("the test is over"));
    await looking;
    lookout.close();
    box.close();
    await Deno.remove(temp, { recursive: true });
  }
  assertEquals(String(error), "Error: the test is over");
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert(Date.now() < end, what());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("5,000 files in a burst in new nested folders: none is missed", () =>
  watched(async (box, root) => {
    const made: string[] = [];
    await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const name = `week ${i % 5}/day ${i % 10}/run ${i}`;
      made.push(name);
      await Deno.mkdir(`${root}/${name}/raw/deep`, { recursive: true });
      await Deno.writeTextFile(`${root}/${name}/${INFO}`, "");
      for (let f = 0; f < 99; f++) await Deno.writeTextFile(`${root}/${name}/raw/deep/${f}.dat`, `${f}`);
    }));
    const missing = () =>
      made.filter((n) => box.item(n)?.fingerprint !== lookAtItem(box.plan, n)?.fingerprint);
    await until(() => missing().length === 0, () => `not seen as they are: ${missing().join(", ")}`);
    assertEquals(box.items().length, 50);
  }));

Deno.test("edits, renames, moves and removals are seen as they happen", () =>
  watched(async (box, root) => {
    const seen = (name: string) =>
      until(
        () => box.item(name)?.fingerprint === (lookAtItem(box.plan, name)?.fingerprint ?? "gone"),
        () => `${name} is not seen as it is`,
      );
    await Deno.mkdir(`${root}/a`);
    await Deno.writeTextFile(`${root}/a/${INFO}`, "");
    await Deno.writeTextFile(`${root}/a/x.txt`, "1");
    await seen("a");
    await Deno.writeTextFile(`${root}/a/x.txt`, "2");
    await seen("a");
    await Deno.rename(`${root}/a/x.txt`, `${root}/a/y.txt`);
    await seen("a");
    await Deno.mkdir(`${root}/later`);
    await Deno.rename(`${root}/a`, `${root}/later/b`);
    await seen("later/b");
    await until(() => box.item("a")?.absent_since !== null, () => "a is not missed");
    await Deno.remove(`${root}/later/b/y.txt`);
    await seen("later/b");
  }));
