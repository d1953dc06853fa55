/** A reader process never outlives the agent, however either of them is occupied or started. */
import { assert, assertEquals } from "../../tests/assert.ts";
import { createReaderPool } from "./pool.ts";
import { readerPid, readMisbehaving } from "./test_modules/tasks.ts";

const url = (module: string) => new URL(`./test_modules/${module}.ts`, import.meta.url);
const ignore = Deno.build.os !== "linux";

const exists = (pid: number) => Deno.stat(`/proc/${pid}`).then(() => true, () => false);

async function waitUntilGone(pid: number): Promise<void> {
  const patience = AbortSignal.timeout(10_000);
  while (await exists(pid)) {
    assert(!patience.aborted, `process ${pid} is still there`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

for (const act of ["spin", "never resolve"]) {
  Deno.test({
    name: `the agent is killed while its reader does "${act}": the reader ends`,
    ignore,
    fn: async () => {
      const supervisor = new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", url("supervisor").pathname, act],
        stdout: "piped",
      }).spawn();
      const reader = supervisor.stdout.getReader();
      const { value } = await reader.read();
      const pid = Number(new TextDecoder().decode(value));
      assert(await exists(pid));
      supervisor.kill("SIGKILL");
      await supervisor.status;
      await reader.cancel();
      await waitUntilGone(pid);
    },
  });
}

Deno.test({
  name: "behind a launcher that stays, killing reaches the reader too",
  ignore,
  fn: async () => {
    const dir = await Deno.makeTempDir();
    const main = new URL("../../main.ts", import.meta.url).pathname;
    // The last command makes the shell stay instead of becoming the reader.
    const script = `#!/bin/sh\n"${Deno.execPath()}" run -A --quiet "${main}" "$@"\nexit $?\n`;
    await Deno.writeTextFile(`${dir}/launcher`, script, { mode: 0o755 });
    Deno.env.set("ETIKET_SELF", `${dir}/launcher`);
    const pool = createReaderPool({ max: 1, load: [url("misbehaving").href] });
    try {
      const pid = await readerPid(pool);
      const error = await readMisbehaving(pool, "spin", { deadlineMs: 300 }).then(() => "", (e) => e.code);
      assertEquals(error, "reader_hang");
      await waitUntilGone(pid);
    } finally {
      Deno.env.delete("ETIKET_SELF");
      await pool.close();
      await Deno.remove(dir, { recursive: true });
    }
  },
});
