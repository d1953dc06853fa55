import { assert } from "../../../tests/assert.ts";
import { DiscoverySandbox } from "../../../tests/discovery_sandbox.ts";
import { FakeEnv } from "../../../tests/simulator/fake_env.ts";
import type { ReaderPool } from "../../readers/tasks.ts";
import { createLookout } from "./create_lookout.ts";

const SECOND = 1000;

/** A database on a server, in virtual time, whose backend answers with `state`. */
async function withServer(
  work: (
    box: { fake: FakeEnv; askedAt: number[]; state: { version: number; takesMs: number } },
  ) => Promise<void>,
): Promise<void> {
  const temp = await Deno.makeTempDir();
  const fake = new FakeEnv({ seed: 1 });
  const sandbox = new DiscoverySandbox(temp, { root: "/" }, fake);
  const askedAt: number[] = [];
  const state = { version: 1, takesMs: 0 };
  const readers = {
    run: async () => {
      askedAt.push(fake.monotonic());
      await fake.sleep(state.takesMs);
      return { items: [], cursor: { version: state.version }, more: false };
    },
    close: () => Promise.resolve(),
  } as unknown as ReaderPool;
  const source = { ...sandbox.source, plan: { kind: "database" as const, watch_paths: [] } };
  const lookout = createLookout({ ...sandbox.s, readers }, source, { onFound: () => {}, onNotice: () => {} });
  const control = new AbortController();
  const end = (async () => {
    while (!control.signal.aborted) await lookout.look(control.signal);
  })().catch(() => {});
  try {
    await work({ fake, askedAt, state });
  } finally {
    control.abort();
    await end;
    sandbox.close();
    await Deno.remove(temp, { recursive: true });
  }
}

Deno.test("a database on a server is asked every second while it changes, and every ten at rest", () =>
  withServer(async ({ fake, askedAt, state }) => {
    await fake.clock.pass(60 * SECOND);
    askedAt.length = 0;
    await fake.clock.pass(60 * SECOND);
    const atRest = [...askedAt];
    assert(atRest.length >= 5 && atRest.length <= 7, `${atRest.length} times in a minute`);

    askedAt.length = 0;
    for (let second = 0; second < 60; second++) {
      state.version++;
      await fake.clock.pass(SECOND);
    }
    assert(askedAt.length >= 45, `${askedAt.length} times in a minute of changes`);
  }));

Deno.test("a database on a server that answers slowly is left alone most of the time", () =>
  withServer(async ({ fake, askedAt, state }) => {
    state.takesMs = 5 * SECOND;
    await fake.clock.pass(200 * SECOND);
    assert(askedAt.length >= 9 && askedAt.length <= 11, `${askedAt.length} times of 5 s in 200 s`);
  }));
