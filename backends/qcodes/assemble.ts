/** Pass 2: the labelled data set of a run, equal in content to QCoDeS' own netCDF export. */
import type { Attributes, AttrValue, LabelledArray, LabelledDataset } from "../../src/kit/labelled.ts";
import { sizeOf } from "../../src/kit/labelled.ts";
import type { Column } from "../../src/kit/grid/column.ts";
import { scatter } from "../../src/kit/grid/scatter.ts";
import type { Scratch } from "../../src/kit/grid/scratch.ts";
import type { SqlValue } from "../../src/kit/sqlite/read_only_database.ts";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { arrange } from "./arrange.ts";
import type { Tree } from "./collect.ts";
import type { Run } from "./database.ts";
import { descriptionText, type RunDescription } from "./interdependencies.ts";
import { type Block, joinAll, placedVariables } from "./join.ts";

/**
 * Builds the data set. Parameters that cannot share coordinates with the others (for which QCoDeS' own export fails)
 * lie in netCDF groups named after them.
 */
export function assemble(
  run: Run,
  description: RunDescription,
  trees: readonly Tree[],
  scratch: Scratch,
  timeZone: string,
): { dataset: LabelledDataset; logs: DraftLog[] } {
  const arranged = trees.map((tree) => arrange(tree, description, scratch));
  const [root, ...others] = joinAll(arranged, scratch);
  const logs: DraftLog[] = arranged.flatMap((a) =>
    a.leftOut.map((name) => ({
      code: "inferred_left_out",
      message:
        `run ${run.runId}: the inferred parameter ${name} does not fit the grid of ${a.name} and is left out`,
    }))
  );
  const groups: Record<string, LabelledDataset> = {};
  for (const block of others) {
    const name = block.members[0]?.name ?? "";
    groups[name] = { arrays: arraysOf(block, description, scratch), attrs: {} };
    logs.push({
      code: "stored_as_group",
      message:
        `run ${run.runId}: the points of ${name} cannot share coordinates with the other parameters; ` +
        `they are in the group ${name} of the file`,
    });
  }
  return {
    dataset: {
      arrays: root ? arraysOf(root, description, scratch) : [],
      attrs: runAttributes(run, description, timeZone),
      ...(others.length > 0 ? { groups } : {}),
    },
    logs,
  };
}

function arraysOf(block: Block, description: RunDescription, scratch: Scratch): LabelledArray[] {
  const attrs = (name: string) => parameterAttributes(description, name);
  const coordinate = (name: string, column: Column): LabelledArray => ({
    name,
    dims: [name],
    shape: [column.length],
    dtype: column.dtype,
    data: (start, length) => column.read(start, length),
    attrs: attrs(name),
    role: "coordinate",
  });
  const arrays = [...block.axes.values()].map((axis) => coordinate(axis.name, axis.values));
  const { multi, index } = block;
  if (multi) {
    multi.names.forEach((name, k) => {
      const level = multi.levels[k];
      if (level) arrays.push(coordinate(name, level.column));
    });
    arrays.push(integers("multi_index", multi.length, multi.codes, { compress: multi.names.join(" ") }));
  }
  if (index !== null) {
    arrays.push(
      integers("index", index, (start, length) => Float64Array.from({ length }, (_, i) => start + i), {}),
    );
  }
  for (const variable of placedVariables(block)) {
    const { dtype, data } = scatter(variable.column, variable.place, sizeOf(variable.shape), scratch);
    const { name, dims, shape, role } = variable;
    arrays.push({ name, dims, shape, dtype, data, attrs: attrs(name), role });
  }
  return arrays;
}

function integers(
  name: string,
  length: number,
  read: (start: number, length: number) => Float64Array,
  attrs: Attributes,
): LabelledArray {
  return {
    name,
    dims: [name],
    shape: [length],
    dtype: "i8",
    data: (start, count) => BigInt64Array.from(read(start, count), (v) => BigInt(v)),
    attrs,
    role: "coordinate",
  };
}

/** The attributes of a parameter: QCoDeS' own, and the names under which xarray looks for unit and label. */
function parameterAttributes(description: RunDescription, name: string): Attributes {
  const spec = description.params.get(name);
  const { paramtype, label, unit } = spec ?? { paramtype: "numeric", label: "", unit: "" };
  // xarray stores an empty list as an empty array of floats.
  const names = (list: string[] | undefined): AttrValue =>
    list && list.length > 0 ? list : new Float64Array(0);
  return {
    name,
    paramtype,
    label,
    unit,
    inferred_from: names(description.inferredFrom.get(name)),
    depends_on: names(description.dependsOn.get(name)),
    units: unit,
    long_name: label,
  };
}

function runAttributes(run: Run, description: RunDescription, timeZone: string): Attributes {
  return {
    ds_name: run.name,
    sample_name: run.sampleName,
    exp_name: run.expName,
    snapshot: run.snapshot ?? "null",
    guid: run.guid ?? "",
    run_timestamp: localTime(run.runTimestamp, timeZone),
    completed_timestamp: localTime(run.completedTimestamp, timeZone),
    captured_run_id: BigInt(Math.trunc(run.capturedRunId)),
    captured_counter: BigInt(Math.trunc(run.capturedCounter)),
    run_id: BigInt(run.runId),
    run_description: descriptionText(description),
    parent_dataset_links: run.parentDatasets,
    run_timestamp_raw: run.runTimestamp ?? -1n,
    completed_timestamp_raw: run.completedTimestamp ?? -1n,
    ...Object.fromEntries([...run.metadata].map(([tag, value]) => [tag, metadataAttribute(value)])),
  };
}

/** SQLite does not tell 2 from 2.0, so whole numbers are integers, as when QCoDeS reads them back. */
function metadataAttribute(value: SqlValue): AttrValue {
  if (typeof value === "number") {
    return Number.isInteger(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? BigInt(value) : value;
  }
  if (value instanceof Uint8Array) return value;
  return value ?? "";
}

/** `YYYY-MM-DD HH:MM:SS` in a zone; "" for a time that is not set. */
function localTime(seconds: number | null, timeZone: string): string {
  if (seconds === null) return "";
  try {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(seconds * 1000)).toZonedDateTimeISO(timeZone)
      .toPlainDateTime().toString({ smallestUnit: "second" }).replace("T", " ");
  } catch {
    return "";
  }
}
