import { assert, assertEquals, assertStringIncludes, assertThrows } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { lockHolder, takeLock } from "./lock.ts";

Deno.test("a second process is refused and told who holds the lock; SIGKILL frees it", async () => {
  const path = Deno.makeTempFileSync();
  const holder = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `import { takeLock } from ${JSON.stringify(new URL("./lock.ts", import.meta.url).href)};
       takeLock(Deno.args[0]); console.log("held"); setInterval(() => {}, 1000);`,
      path,
    ],
    stdout: "piped",
  }).spawn();
  const reader = holder.stdout.getReader();
  await reader.read();
  const e = assertThrows(() => takeLock(path));
  assert(e instanceof SyncError && e.code === "agent_running");
  assertStringIncludes(e.message, `pid ${holder.pid}`);
  assertStringIncludes(lockHolder(path) ?? "", `pid ${holder.pid}`);
  holder.kill("SIGKILL");
  await holder.status;
  await reader.cancel();
  takeLock(path).release();
  assertEquals(lockHolder(path), undefined);
  Deno.removeSync(path);
});
