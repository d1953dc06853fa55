import { assert, assertEquals, assertThrows } from "../../tests/assert.ts";
import { systemEnv } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import type { LiveEvent } from "./live_event.ts";
import { LiveSessions } from "./live_sessions.ts";
import { eventOf, type LiveSubscription } from "./subscription.ts";
import { FACTS, floats, STRUCTURE } from "./test_run.ts";

/** What is there to read now. */
function drained(subscription: LiveSubscription): LiveEvent[] {
  const events: LiveEvent[] = [];
  for (let m = subscription.ready(); m; m = subscription.ready()) events.push(eventOf(m));
  return events;
}

function withSessions(work: (sessions: LiveSessions) => void | Promise<void>) {
  return async () => {
    const sessions = new LiveSessions({ env: systemEnv });
    try {
      await work(sessions);
    } finally {
      sessions.close();
    }
  };
}

Deno.test(
  "a subscriber of the first moment gets every event, numbered without a gap",
  withSessions((sessions) => {
    const feed = sessions.begin(FACTS);
    assertEquals(sessions.list(), []);
    const reader = sessions.subscribe(feed.id);
    assertEquals(drained(reader), []);
    feed.open(STRUCTURE);
    feed.apply([floats("x", [0], [1], [0.5]), floats("x", [1], [1], [NaN])]);
    feed.state("stalled");
    feed.state("stalled");
    feed.end({ reason: "completed", evidence: "it says so", complete: null });
    feed.state("running");
    const events = drained(reader);
    assertEquals(events.map((e) => [e.seq, e.type]), [
      [1, "open"],
      [2, "extent"],
      [3, "patch"],
      [4, "extent"],
      [5, "patch"],
      [6, "state"],
      [7, "end"],
    ]);
    assert(events.every((e) => e.session === feed.id && e.epoch === feed.view.epoch));
    assert(reader.over);
    const [view] = sessions.list();
    assertEquals([view?.state, view?.seq, view?.name, view?.end?.complete], [
      "ended",
      7,
      STRUCTURE.name,
      "unknown",
    ]);
  }),
);

Deno.test(
  "who comes back goes on where it was; everybody else gets a snapshot",
  withSessions((sessions) => {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    feed.apply([floats("x", [1], [2], [1, 2])]);
    const { epoch } = feed.view;
    const types = (position: Parameters<LiveSessions["subscribe"]>[1]) => {
      const reader = sessions.subscribe(feed.id, position);
      const found = drained(reader).map((e) => `${e.seq} ${e.type}`);
      reader.cancel();
      return found;
    };
    assertEquals(types({ epoch, after: 1 }), ["2 extent", "3 patch"]);
    assertEquals(types({ epoch, after: 3 }), []);
    for (const position of [{}, { epoch, after: 4 }, { epoch: "another", after: 1 }, { epoch }]) {
      assertEquals(types(position), ["3 snapshot"]);
    }
    feed.end({ reason: "stopped", evidence: "the agent ends", complete: null });
    assertEquals(types({}), ["3 snapshot", "4 end"]);
    assertEquals(types({ epoch, after: 4 }), []);
  }),
);

Deno.test(
  "a snapshot holds the measured cells and no others",
  withSessions((sessions) => {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    feed.apply([floats("y", [0, 1], [2, 2], [1, NaN, 3, 4]), floats("y", [3, 0], [1, 3], [5, 6, 7])]);
    const [snapshot] = drained(sessions.subscribe(feed.id));
    assert(snapshot?.type === "snapshot");
    assertEquals(
      snapshot.patches,
      [
        floats("y", [0, 1], [2, 2], [1, NaN, 3, 4]),
        floats("y", [3, 0], [1, 3], [5, 6, 7]),
      ].map(({ type: _, ...block }) => block),
    );
    assertEquals(snapshot.variables.map((v) => v.shape), [[0], [4, 3], [0], [0]]);
  }),
);

Deno.test(
  "another structure is a new epoch, from the beginning",
  withSessions((sessions) => {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    feed.apply([floats("x", [0], [1], [1])]);
    const reader = sessions.subscribe(feed.id);
    const [before] = drained(reader);
    feed.open({ ...STRUCTURE, name: "again" });
    const after = drained(reader);
    assertEquals(after.map((e) => [e.seq, e.type]), [[1, "open"]]);
    assert(before?.epoch !== after[0]?.epoch);
    assertEquals(feed.view.name, "again");
  }),
);

Deno.test(
  "changes that fit no variable are refused and raise nothing",
  withSessions((sessions) => {
    const feed = sessions.begin(FACTS);
    feed.open(STRUCTURE);
    for (
      const wrong of [
        floats("nowhere", [0], [1], [1]),
        floats("x", [0, 0], [1, 1], [1]),
        floats("x", [0], [2], [1]),
        { ...floats("x", [0], [1], [1]), encoding: "json" as const, data: ["1"] },
      ]
    ) {
      const e = assertThrows(() => feed.apply([wrong]));
      assertEquals(e instanceof SyncError && e.code, "live_change_invalid");
    }
    assertEquals(feed.view.seq, 1);
    assertThrows(() => sessions.subscribe("nowhere"));
  }),
);
