import { assert, assertEquals, assertStringIncludes } from "../../../tests/assert.ts";
import { textWidth } from "../table.ts";
import { frame, runningLine } from "./frame.ts";
import { activity, runningItem, sourceActivity } from "./watch_fixture.ts";

const WIDE = { columns: 160, rows: 50 };
/** Colours come only where tests run on a terminal. */
const withoutColour = (text: string) => text.replaceAll(new RegExp("\x1b\\[\\d+m", "g"), "");
const TIME = "2024-11-06T13:21:30.000Z";

Deno.test("a running item shows file, bar, bytes, speed and time left", () => {
  const item = runningItem({
    step: "data.hdf5",
    bytes_done: 45_000_000,
    bytes_total: 100_000_000,
    speed: 5_500_000,
    eta: 10,
    files_done: 2,
  });
  assertEquals(
    runningLine(item),
    "fridge: run 7  data.hdf5  █████████░░░░░░░░░░░ 45 %  45 MB of 100 MB  5.5 MB/s  10 s left  2 files done",
  );
  assertEquals(runningLine(runningItem()), "fridge: run 7  reading");
});

Deno.test("agent, sources, running items and errors are on the screen, with what to do", () => {
  const reason = { code: "dns_failed", message: "no such host", hint: "Look at the cable." };
  const lines = frame(
    activity({
      status: { state: "no_connection", reason },
      sources: [sourceActivity({ due: 3, items_failed: 1, speed: 2_000_000, status: "error", reason })],
      running: [runningItem()],
      speed: 2_000_000,
      files_uploaded: 4,
      bytes_uploaded: 9_000_000,
      unread_errors: 2,
    }),
    [{ time: TIME, where: "fridge: run 3", text: "line 4 is no number" }],
    WIDE,
  );
  const text = withoutColour(lines.join("\n"));
  for (
    const part of [
      "no_connection since",
      "embedded platform",
      "2.0 MB/s  ·  4 files, 9.0 MB sent since it started  ·  2 unread errors",
      "no such host",
      "Look at the cable.",
      "fridge",
      "events",
      "Running (1)",
      "run 7  reading",
      "Recent errors",
      "fridge: run 3  line 4 is no number",
    ]
  ) assertStringIncludes(text, part);
});

Deno.test("nothing is wider or longer than the terminal, and nothing in a name is obeyed by it", () => {
  const name = "ü\x1b[2J 漢字 \n".repeat(9);
  const many = activity({
    status: { state: "error", reason: { code: "x", message: name, hint: name } },
    sources: Array.from(
      { length: 20 },
      (_, id) => sourceActivity({ id, name, reason: { code: "x", message: name, hint: name } }),
    ),
    running: Array.from(
      { length: 20 },
      (_, id) => runningItem({ id, dataIdentifier: name, step: name, bytes_total: 9 }),
    ),
  });
  const errors = Array.from({ length: 20 }, () => ({ time: TIME, where: name, text: name }));
  for (const columns of [20, 40, 80, 200]) {
    for (const rows of [5, 10, 20, 24, 60]) {
      const lines = frame(many, errors, { columns, rows }).map(withoutColour);
      assert(lines.length <= rows, `${lines.length} lines on ${rows}`);
      for (const line of lines) {
        assert(textWidth(line) <= columns, `${columns}: ${JSON.stringify(line)}`);
        assert(!line.includes("\x1b") && !line.includes("\n"), JSON.stringify(line));
      }
    }
  }
  const shown = frame(many, errors, { columns: 80, rows: 30 }).join("\n");
  for (const part of ["Sources", "Running (20)", "Recent errors", "more"]) assertStringIncludes(shown, part);
});

Deno.test("without sources it says how to add one", () => {
  assertStringIncludes(frame(activity({ sources: [] }), [], WIDE).join("\n"), "source example");
});
