/** Runs whose file is rewritten all the time, or whose writer dies in the middle of it, are followed state by state. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "../assert.ts";
import type { LiveChange, LiveSession } from "../../src/kit/live.ts";
import quantify from "../../backends/quantify/mod.ts";
import { tempFolder, TUID, withContainer } from "../../backends/quantify/testing.ts";

const LOOKS = 1000;
const POINTS = 4000;

Deno.test("1,000 looks at a file that is rewritten every 50 ms: each tells of one of its states", async () => {
  await inContainer(async ({ path, follow }) => {
    await using writer = await startWriter(path);
    const session = await follow();
    const told = new Generations();
    while (told.looks < LOOKS) await told.look(session);
    await session.close();
    console.log({ generations: told.seen.size, written: await writer.stop(), empty: told.empty });
    assert(told.seen.size > 20, "it could hardly ever be read");
  });
});

Deno.test("writers that are killed while they rewrite the file: what was told stays true", async () => {
  await inContainer(async ({ path, follow }) => {
    const told = new Generations();
    let session: LiveSession | undefined;
    for (let round = 0; round < 8; round++) {
      await using writer = await startWriter(path);
      session ??= await follow();
      for (let k = 0; k < 10 + round; k++) {
        await told.look(session);
        await pause(10);
      }
      writer.kill();
      // The file stays as the kill left it, until the next writer begins.
      for (let k = 0; k < 5; k++) await told.look(session);
      // Its generations begin anew with the next writer.
      told.last = 0;
    }
    await session?.close();
    assert(told.looks - told.empty > 20, "it could hardly ever be read");
  });
});

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** Checks that all values of a look are one number, which rises. */
class Generations {
  readonly seen = new Set<number>();
  looks = 0;
  empty = 0;
  last = 0;

  async look(session: LiveSession): Promise<void> {
    const { changes, end } = await session.look();
    this.looks++;
    assertEquals(end, undefined);
    const patches = changes.filter((change) => change.type === "patch");
    if (patches.length === 0) {
      this.empty++;
      await pause(5);
      return;
    }
    const values = new Set(patches.flatMap((patch) => [...patch.values]));
    assertEquals(values.size, 1, `generations ${[...values]} at one look`);
    const cells = patches.reduce((sum, patch) => sum + patch.values.length, 0);
    assertEquals(cells, 4 * POINTS, "all variables are of the same state");
    const [generation] = [...values].map(Number);
    assert(generation !== undefined && generation > this.last, `${generation} after ${this.last}`);
    this.last = generation;
    this.seen.add(generation);
    assertEquals(changes.filter(isOpen).length, this.looks === 1 ? 1 : 0);
  }
}

const isOpen = (change: LiveChange) => change.type === "open";

async function inContainer(
  body: (lab: { path: string; follow: () => Promise<LiveSession> }) => Promise<void>,
): Promise<void> {
  await withContainer(`${TUID}-live`, {}, async ({ root, relative, folder }) => {
    await using temp = await tempFolder();
    const follow = async (): Promise<LiveSession> => {
      for (;;) {
        const config = { quantify_directory: root, set_up: "fridge" };
        const context = { temp: temp.path, timeZone: "Europe/Amsterdam", now: Date.now };
        try {
          const answer = await quantify.live?.(config, { identifier: relative, path: folder }, context);
          assert(answer && "session" in answer, JSON.stringify(answer));
          return answer.session;
        } catch (e) {
          if (!(e instanceof Error && "class" in e && e.class === "busy")) throw e;
        }
      }
    };
    await body({ path: join(folder, "dataset.hdf5"), follow });
  });
}

async function startWriter(path: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./torn_read_writer.ts", import.meta.url)), path],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const output = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  assertEquals((await output.read()).value, "ready\n");
  let isOver = false;
  const stop = async (): Promise<string> => {
    if (isOver) return "";
    isOver = true;
    await child.stdin.close();
    const { value } = await output.read();
    await output.cancel();
    await child.status;
    return value?.trim() ?? "";
  };
  return {
    stop,
    kill() {
      isOver = true;
      child.kill("SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      await stop();
      if (isOver) await child.status;
      await output.cancel().catch(() => {});
      await child.stdin.close().catch(() => {});
    },
  };
}
