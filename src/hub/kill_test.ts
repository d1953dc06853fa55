import { z } from "zod";
import { assert, assertEquals } from "../../tests/assert.ts";
import { DatasetReply, md5, TestHub } from "./test_hub.ts";

const UPLOADER = new URL("./test_uploader.ts", import.meta.url).pathname;

function startUploader(directory: string, count: number): Deno.ChildProcess {
  const args = ["run", "-A", "--quiet", UPLOADER, directory, String(count)];
  return new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
}

/** Whole lines that a process prints, from its start to its end. */
function linesOf(process: Deno.ChildProcess): ReadableStreamDefaultReader<string> {
  let rest = "";
  const split = new TransformStream<string, string>({
    transform(text, controller) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(line);
    },
  });
  return process.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(split).getReader();
}

async function remaining(lines: ReadableStreamDefaultReader<string>): Promise<string[]> {
  const all: string[] = [];
  for (let { done, value } = await lines.read(); !done; { done, value } = await lines.read()) {
    all.push(value ?? "");
  }
  return all;
}

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
      const uploader = startUploader(directory, 0);
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

Deno.test("several processes open, fill and read one new hub at the same time", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hub_shared_" });
  try {
    const uploaders = [1, 2, 3].map(() => startUploader(directory, 24));
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
