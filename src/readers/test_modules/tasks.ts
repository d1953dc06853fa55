/** For tests: tasks for the misbehaving backend and converter. */
import type { ReadContext } from "../../kit/define_backend.ts";
import type { DatasetDraft } from "../../kit/drafts.ts";
import type { ReaderPool, ReaderTasks, RunOptions } from "../tasks.ts";

const context: ReadContext = {
  staging: "/nowhere",
  version: "0",
  converters: [],
  timeZone: "UTC",
  newest: false,
  now: 0,
};

/** The draft of the item whose name says what the backend does. */
export async function readMisbehaving(
  pool: ReaderPool,
  act: string,
  options?: RunOptions,
): Promise<DatasetDraft> {
  const item = { identifier: act, path: "" };
  const result = await pool.run("read", { backend: "misbehaving", config: {}, item, context }, options);
  if ("not_started" in result) throw new Error(result.not_started);
  return result.draft;
}

/** Pid of the process that runs the task. */
export async function readerPid(pool: ReaderPool): Promise<number> {
  return Number((await readMisbehaving(pool, "pid")).attributes.pid);
}

export function conversion(dir: string, act: string): ReaderTasks["convert"]["input"] {
  return {
    converter: "misbehaving",
    input: `${dir}/in.csv`,
    output_dir: `${dir}/out`,
    output_name: "in.txt",
    temp: `${dir}/temp`,
    options: { act },
  };
}
