import { assert, assertEquals } from "../../../tests/assert.ts";
import type { LiveChange, LiveEnd, LiveLook, LiveSession } from "../../kit/live.ts";
import { FollowedSession } from "./followed_session.ts";
import { LIVE_RULES } from "./protocol.ts";

const NEWS: LiveChange = { type: "extent", var: "x", shape: [1] };

/** A session whose looks a test scripts, on a clock of its own. */
class Script {
  now = 1000;
  told: string[] = [];
  looks = 0;
  answer: () => LiveLook = () => ({ changes: [] });
  readonly followed: FollowedSession;

  constructor(silence: LiveSession["silence"] = "parks", poll = { active: 100, quiet: 1000 }) {
    const look = () => {
      this.looks++;
      return this.answer();
    };
    this.followed = new FollowedSession(
      { watch: [], poll, silence, look, close() {} },
      LIVE_RULES,
      {
        changes: (changes) => this.told.push(`${changes.length} changes`),
        state: (state) => this.told.push(state),
        parked: (parked) => this.told.push(parked ? "parked" : "not parked"),
      },
      { now: () => this.now, random: () => 0.5 },
    );
  }

  /** Looks whenever it is due, for so long, ms. */
  async pass(ms: number): Promise<LiveEnd | undefined> {
    const until = this.now + ms;
    while (this.followed.dueAt <= until) {
      this.now = Math.max(this.now, this.followed.dueAt);
      const end = await this.followed.look();
      if (end) return end;
    }
    this.now = until;
  }
}

Deno.test("it is looked at often while it changes, and less often when it is quiet", async () => {
  const script = new Script();
  script.answer = () => ({ changes: [NEWS] });
  await script.pass(1000);
  assertEquals(script.looks, 11);
  script.answer = () => ({ changes: [] });
  await script.pass(10_000);
  script.looks = 0;
  await script.pass(10_000);
  assertEquals(script.looks, 10);
});

Deno.test("an event is followed by a look at once, a burst of them by some", async () => {
  const script = new Script();
  await script.pass(20_050);
  script.looks = 0;
  script.followed.wake();
  assertEquals(script.followed.dueAt, script.now);
  for (let i = 0; i < 100; i++) {
    script.followed.wake();
    await script.pass(1);
  }
  assert(script.looks >= 9 && script.looks <= 11, String(script.looks));
});

Deno.test("more of the same is read at once", async () => {
  const script = new Script();
  script.answer = () => ({ changes: [NEWS], more: script.looks < 50 });
  await script.pass(0);
  assertEquals(script.looks, 50);
});

Deno.test("silence ends a session after two minutes where it means the end", async () => {
  const script = new Script("ends");
  script.answer = () => ({ changes: [NEWS] });
  await script.pass(1000);
  script.answer = () => ({ changes: [] });
  assertEquals(await script.pass(118_000), undefined);
  const end = await script.pass(4000);
  assertEquals([end?.reason, end?.complete], ["inactive", null]);
});

Deno.test("a file that is written again, with the same values, is not silent", async () => {
  const script = new Script("ends");
  for (let i = 0; i < 10; i++) {
    script.answer = () => ({ changes: [], alive: true });
    script.followed.wake();
    assertEquals(await script.pass(1), undefined);
    script.answer = () => ({ changes: [] });
    assertEquals(await script.pass(60_000), undefined);
  }
});

Deno.test("what happens beside the file of a session does not keep it going", async () => {
  const script = new Script("ends");
  script.answer = () => ({ changes: [] });
  let end;
  for (let i = 0; i < 200 && !end; i++) {
    script.followed.wake();
    end = await script.pass(1000);
  }
  assertEquals(end?.reason, "inactive");
});

Deno.test("elsewhere silence stalls it after two minutes, parks it after ten, and a change takes it on", async () => {
  const script = new Script();
  await script.pass(122_000);
  assertEquals(script.told, ["stalled"]);
  await script.pass(480_000);
  assertEquals(script.told, ["stalled", "parked"]);
  script.looks = 0;
  await script.pass(600_000);
  assertEquals(script.looks, 10);
  script.answer = () => ({ changes: [NEWS] });
  await script.pass(60_000);
  assertEquals(script.told.slice(2, 5), ["not parked", "1 changes", "running"]);
});

Deno.test("time in which the computer slept is no silence", async () => {
  for (const silence of ["ends", "parks"] as const) {
    const script = new Script(silence);
    await script.pass(10_000);
    script.now += 8 * 3_600_000;
    assertEquals(await script.pass(60_000), undefined);
    assertEquals(script.told, []);
  }
});

Deno.test("one look that fails is tried again, three in a row are the end", async () => {
  const script = new Script();
  const fail = () => {
    throw new Error("torn");
  };
  script.answer = () => script.looks % 3 === 0 ? { changes: [NEWS] } : fail();
  assertEquals(await script.pass(10_000), undefined);
  script.answer = fail;
  const end = await script.pass(10_000);
  assertEquals([end?.reason, end?.evidence.includes("torn")], ["failed", true]);
});

Deno.test("that reading is delayed is told when it lasts, and when it is over", async () => {
  const script = new Script();
  script.answer = () => ({ changes: [], delayed: "locked" });
  await script.pass(900);
  assertEquals(script.told, []);
  await script.pass(600);
  script.answer = () => ({ changes: [] });
  await script.pass(500);
  assertEquals(script.told, ["reading_delayed", "running"]);
});
