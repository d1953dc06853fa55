import { assert, assertEquals } from "../../../tests/assert.ts";
import type { SyncError } from "../../kit/errors.ts";
import { LiveHostProcess } from "./live_host_process.ts";

const LOOK_MS = 200;

/** A process whose clock the test can set forward. */
class Host {
  ahead = 0;
  messages = 0;
  error: SyncError | undefined;
  readonly process = new LiveHostProcess({
    load: [],
    source: "lab",
    lookMs: LOOK_MS,
    now: () => performance.now() + this.ahead,
    onMessage: () => this.messages++,
    onGone: (error) => this.error = error,
  });

  async until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.error) await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("a host is not taken for hanging because the PC slept", async () => {
  const host = new Host();
  await host.until(() => host.messages > 0);
  const asked = performance.now();
  await host.until(() => {
    host.ahead += 3_600_000;
    return performance.now() - asked > 5 * LOOK_MS;
  });
  assertEquals(host.error, undefined);
  await host.process.end();
});

Deno.test("a host that does not answer is ended", async () => {
  const host = new Host();
  await host.until(() => host.messages > 0);
  Deno.kill(host.process.pid, "SIGSTOP");
  await host.until(() => host.error !== undefined);
  assert(host.error?.message.includes("lab"), host.error?.message);
});
