import { assertEquals } from "../../tests/assert.ts";
import { SharedSync } from "./shared_sync.ts";

Deno.test("requests during a sync share the next one, which starts after them", async () => {
  const gates: PromiseWithResolvers<void>[] = [];
  const started: number[] = [];
  const sync = new SharedSync(() => {
    const gate = Promise.withResolvers<void>();
    started.push(gates.push(gate));
    return gate.promise;
  });
  const done: string[] = [];
  const first = sync.request().then(() => done.push("first"));
  await Promise.resolve().then(() => {}).then(() => {});
  assertEquals(started, [1]);
  const late = [sync.request().then(() => done.push("late")), sync.request().then(() => done.push("later"))];
  assertEquals(started, [1], "the second sync waits for the first");
  gates[0]?.resolve();
  await first;
  assertEquals(done, ["first"]);
  await Promise.resolve().then(() => {}).then(() => {});
  assertEquals(started, [1, 2], "one sync for both");
  gates[1]?.resolve();
  await Promise.all(late);
  assertEquals(done, ["first", "late", "later"]);
});

Deno.test("a failed sync is reported to those who asked for it, and the next one is tried", async () => {
  let fail = true;
  const sync = new SharedSync(() => fail ? Promise.reject(new Error("disk error")) : Promise.resolve());
  assertEquals(await sync.request().then(() => "", (e: Error) => e.message), "disk error");
  fail = false;
  await sync.request();
});
