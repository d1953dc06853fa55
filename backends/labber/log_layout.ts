/**
 * Where things are in a Labber log file (layout of Labber 1.8.6): the first log is the root group, further ones are
 * `/Log_2`, `/Log_3`, … with the same members.
 */
import { SyncError } from "../../src/kit/errors.ts";
import { attributesAsJson, type Json, tableAsJson } from "./json_values.ts";
import type { LogFile } from "./log_file.ts";

export interface Channel {
  name: string;
  unit: string;
}

/** A measured channel or setpoint with the columns of `/Data/Data` that hold it: two for complex numbers. */
export interface ScalarChannel extends Channel {
  columns: [number] | [number, number];
}

export interface Log {
  /** HDF5 path of its group, `/` or `/Log_<n>`. */
  path: string;
  /** Swept channels, fastest first. */
  setpoints: ScalarChannel[];
  /** Measured channels with one value per point. */
  scalars: ScalarChannel[];
  /** Measured channels with a trace per point. */
  traces: Channel[];
  /** Names of the channels that should have been measured, but have no values. */
  withoutValues: string[];
  /** False while it is measured, and for one that was stopped. */
  completed: boolean;
}

/** Path of a member of a log. */
export function memberPath(log: Pick<Log, "path">, ...names: string[]): string {
  return [log.path === "/" ? "" : log.path, ...names].join("/");
}

/** The paths of all logs of a file, in their order. */
export function logPaths(file: LogFile): string[] {
  const numbers = file.members(file.root)
    .flatMap((member) => member.kind === "group" ? /^Log_(\d+)$/.exec(member.name)?.[1] ?? [] : [])
    .sort((a, b) => Number(a) - Number(b));
  return ["/", ...numbers.map((n) => `/Log_${n}`)];
}

/**
 * Reads which channels a log has and where their values are.
 * @throws SyncError `not_a_labber_log`, `labber_layout`, and as reading HDF5 does
 */
export function readLayout(file: LogFile, path: string): Log {
  const table = (...names: string[]) => readTable(file, memberPath({ path }, ...names));
  const data = file.find(memberPath({ path }, "Data"));
  const columns = table("Data", "Channel names");
  const logList = table("Log list");
  if (data?.kind !== "group" || !columns || !logList) {
    throw new SyncError("data", "not_a_labber_log", `${file.path}: group ${path} holds no Labber log`, {
      hint: "Only logs that Labber wrote are converted; the file itself is uploaded all the same.",
    });
  }
  const units = new Map(table("Channels")?.map((row) => [textOf(row.name), textOf(row.unitPhys)]));
  const channel = (name: string): Channel => ({ name, unit: units.get(name) ?? "" });
  const logNames = logList.map((row) => textOf(row.channel_name));
  const { setpoints, scalars } = sortColumns(
    columns.map((row) => ({ name: textOf(row.name), info: textOf(row.info) })),
    logNames,
    (table("Step list") ?? []).map((row) => textOf(row.channel_name)),
  );
  const complete = (found: ColumnsOf[]) => found.map(({ name, columns }) => ({ ...channel(name), columns }));
  const measured = new Set(scalars.map(({ name }) => name));
  const isTrace = (name: string) => file.find(memberPath({ path }, "Traces", name))?.kind === "dataset";
  const vectors = [...new Set(logNames)].filter((name) => !measured.has(name))
    .map((name) => ({ name, isTrace: isTrace(name) }));
  return {
    path,
    setpoints: complete(setpoints),
    scalars: complete(scalars),
    traces: vectors.filter((vector) => vector.isTrace).map(({ name }) => channel(name)),
    withoutValues: vectors.filter((vector) => !vector.isTrace).map(({ name }) => name),
    completed: attributesAsJson(data).Completed !== false,
  };
}

interface ColumnsOf {
  name: string;
  columns: [number] | [number, number];
}

/** Tells setpoints from measured channels, and joins the two columns of complex numbers. */
function sortColumns(
  columns: readonly { name: string; info: string }[],
  logNames: readonly string[],
  stepNames: readonly string[],
): { setpoints: ColumnsOf[]; scalars: ColumnsOf[] } {
  const setpoints: ColumnsOf[] = [];
  const scalars: ColumnsOf[] = [];
  const isImaginary = (name: string, k: number) =>
    columns[k]?.name === name && /^imag/i.test(columns[k]?.info ?? "");
  for (const [k, { name, info }] of columns.entries()) {
    if (!logNames.includes(name)) setpoints.push({ name, columns: [k] });
    else if (/^real/i.test(info) && isImaginary(name, k + 1)) scalars.push({ name, columns: [k, k + 1] });
    else if (!(isImaginary(name, k) && scalars.at(-1)?.columns[1] === k)) {
      scalars.push({ name, columns: [k] });
    }
  }
  // The list of steps is what tells which one is fastest.
  const rank = ({ name }: ColumnsOf) => {
    const step = stepNames.indexOf(name);
    return step < 0 ? stepNames.length : step;
  };
  return { setpoints: setpoints.sort((a, b) => rank(a) - rank(b)), scalars };
}

/** The content contradicts the layout. */
export function layoutError(message: string): SyncError {
  return new SyncError("data", "labber_layout", message, {
    hint:
      "The file is damaged, or of a version of Labber with another layout; its bytes are uploaded all the same.",
  });
}

/** The rows of a table; undefined when there is none. */
export function readTable(file: LogFile, path: string): Record<string, Json>[] | undefined {
  const found = file.find(path);
  return found?.kind === "dataset" ? tableAsJson(found) : undefined;
}

/** A value that should be text. */
export function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
