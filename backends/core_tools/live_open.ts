/** What a running measurement is: its variables, laid out as in the file that it becomes, and its facts. */
import type { Attributes } from "../../src/kit/labelled.ts";
import type { LiveOpen, LiveVariable } from "../../src/kit/live.ts";
import type { RunningLayout } from "./arrays.ts";
import { attributesOf, fieldsOf, keywordsIn } from "./describe.ts";
import type { Measurement } from "./overview.ts";
import { readJson } from "./snapshot_json.ts";
import { timesOf } from "./times.ts";

export function openOf(measurement: Measurement, layout: RunningLayout, timeZone: string): LiveOpen {
  const times = timesOf(measurement, timeZone);
  const keywords = keywordsIn(measurement.keywords).list;
  const [snapshot, metadata] = [
    readJson(measurement.snapshot, "snapshot"),
    readJson(measurement.metadata, "metadata"),
  ];
  const { name, attributes } = fieldsOf(measurement, "", keywords, times.started ?? 0);
  return {
    type: "open",
    name,
    attrs: { ...attributes, ...plain(attributesOf(measurement, times, keywords, snapshot, metadata)) },
    variables: variablesOf(layout),
  };
}

function variablesOf({ axes, measured }: RunningLayout): LiveVariable[] {
  const common = (label: string, unit: string) => ({
    dtype: "f8" as const,
    units: unit === "" ? null : unit,
    long_name: label === "" ? null : label,
  });
  return [
    ...[...axes].map(([name, { length, label, unit }]): LiveVariable => ({
      name,
      ...common(label, unit),
      dims: [name],
      shape: [length],
      role: "setpoint",
      depends_on: [],
    })),
    ...measured.map(({ name, dims, shape, parameter: { label, unit } }): LiveVariable => ({
      name,
      ...common(label, unit),
      dims,
      shape,
      role: "measured",
      depends_on: dims.filter((dim) => axes.has(dim)),
    })),
  ];
}

/** Integers that a number cannot hold become text. */
function plain(attributes: Attributes): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => {
      if (typeof value !== "bigint") return [name, value];
      return [name, Number.isSafeInteger(Number(value)) ? Number(value) : String(value)];
    }),
  );
}
