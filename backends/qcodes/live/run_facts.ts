/** What a live session tells of its run besides the values. */
import type { LiveOpen } from "../../../src/kit/live.ts";
import type { Run } from "../database.ts";
import { descriptionText, type RunDescription } from "../interdependencies.ts";

/** Longer snapshots wait for the finished file, characters. */
const LONGEST_SNAPSHOT = 1 << 20;

/** Named as in the finished file, whose further facts are only known at the end. */
export function runFacts(run: Run, description: RunDescription): Pick<LiveOpen, "name" | "attrs"> {
  const { snapshot } = run;
  const metadata = [...run.metadata].flatMap(([tag, value]) =>
    value instanceof Uint8Array ? [] : [[tag, typeof value === "bigint" ? String(value) : value]]
  );
  return {
    name: run.name.split(/\r?\n/)[0] ?? "",
    attrs: {
      ds_name: run.name,
      sample_name: run.sampleName,
      exp_name: run.expName,
      guid: run.guid ?? "",
      run_id: run.runId,
      captured_run_id: run.capturedRunId,
      captured_counter: run.capturedCounter,
      run_timestamp_raw: run.runTimestamp ?? -1,
      run_description: descriptionText(description),
      ...(snapshot !== null && snapshot.length <= LONGEST_SNAPSHOT ? { snapshot } : {}),
      ...Object.fromEntries(metadata),
    },
  };
}
