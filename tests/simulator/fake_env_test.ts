import { assertEquals, assertRejects, assertThrows } from "../assert.ts";
import { FakeEnv, START } from "./fake_env.ts";

Deno.test("sleepers of a virtual clock wake in order of time, and no real time passes", async () => {
  const env = new FakeEnv();
  const woken: string[] = [];
  const day = 86_400_000;
  env.sleep(day).then(() => woken.push(`day ${env.now() - START}`));
  env.sleep(5).then(async () => {
    woken.push("5");
    await env.sleep(10);
    woken.push("15");
  });
  const control = new AbortController();
  const aborted = assertRejects(() => env.sleep(7, control.signal));
  control.abort(new Error("no longer wanted"));
  assertEquals((await aborted).message, "no longer wanted");
  assertEquals(await env.clock.until(() => woken.length === 3), true);
  assertEquals(woken, ["5", "15", `day ${day}`]);
  assertEquals(await env.clock.step(), false);
});

Deno.test("a jump moves the wall clock only", () => {
  const env = new FakeEnv();
  env.clock.jump(-3_600_000);
  assertEquals([env.now() - START, env.monotonic()], [-3_600_000, 0]);
});

Deno.test("files in memory read back what was written, and keep their id when renamed", async () => {
  const { fs, disk, clock } = new FakeEnv();
  await fs.mkdir("/data/run 1", { recursive: true });
  {
    using file = fs.openSync("/data/run 1/a.txt", { write: true, create: true });
    file.writeSync(new TextEncoder().encode("hello"));
  }
  const before = fs.statExact?.("/data/run 1/a.txt", false);
  await clock.pass(1000);
  fs.renameSync("/data/run 1", "/data/run 2");
  assertEquals(await fs.readTextFile("/data/run 2/a.txt"), "hello");
  assertEquals(fs.statExact?.("/data/run 2/a.txt", false)?.file_id, before?.file_id);
  assertEquals([...fs.readDirSync("/data")].map((e) => e.name), ["run 2"]);
  assertThrows(() => fs.readTextFileSync("/data/run 1/a.txt"));
  const gone = await assertRejects(() => fs.open("/data/run 1/a.txt"));
  assertEquals(gone instanceof Deno.errors.NotFound, true);
  await fs.remove("/data/run 2", { recursive: true });
  assertEquals(disk.list("/data"), []);
});

Deno.test("a hook fails calls before they take effect", async () => {
  const calls: string[] = [];
  const { fs, disk } = new FakeEnv({
    hooks: {
      before({ name, path, writes }) {
        calls.push(`${name} ${path}`);
        if (writes) throw new Error("disk full");
      },
    },
  });
  await assertRejects(() => fs.mkdir("/data"));
  assertEquals(disk.find("/data"), undefined);
  assertEquals(calls, ["mkdir /data"]);
});

Deno.test("equal seeds give equal numbers", () => {
  const [a, b, c] = [new FakeEnv({ seed: 7 }), new FakeEnv({ seed: 7 }), new FakeEnv({ seed: 8 })];
  assertEquals([a.uuid(), a.random()], [b.uuid(), b.random()]);
  assertEquals(a.uuid() === c.uuid(), false);
});
