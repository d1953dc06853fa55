/** What Labber stores about how a log was set up, as JSON. */
import { Hdf5Dataset, Hdf5Group } from "../../src/kit/hdf5/objects.ts";
import type { Hdf5File } from "../../src/kit/hdf5/open.ts";
import type { Attributes } from "../../src/kit/labelled.ts";
import { attributesAsJson, type Json, jsonText, tableAsJson } from "./json_values.ts";
import { type Log, memberPath, readTable, textOf } from "./log_layout.ts";

/** Attributes of a converted log, each JSON text. */
export function configurationAttributes(file: Hdf5File, log: Log): Attributes {
  const channels = readTable(file, memberPath(log, "Log list")) ?? [];
  return {
    instrument_config: jsonText(instrumentConfig(file, log)),
    log_list: jsonText(channels.map((row) => textOf(row.channel_name))),
    step_config: jsonText(stepConfig(file, log)),
    step_list: jsonText(readTable(file, memberPath(log, "Step list")) ?? []),
  };
}

/** Value of every quantity, by instrument. */
function instrumentConfig(file: Hdf5File, log: Log): Record<string, Json> {
  return Object.fromEntries(
    [...membersBelow(file, memberPath(log, "Instrument config"))]
      .filter(([, member]) => member instanceof Hdf5Group && member.attributeNames().length > 0)
      .map(([id, member]) => [id, attributesAsJson(member)]),
  );
}

/** Optimizer, relation parameters and step items, by channel. */
function stepConfig(file: Hdf5File, log: Log): Record<string, Json> {
  const channels = new Map<string, Record<string, Json>>();
  for (const [path, member] of membersBelow(file, memberPath(log, "Step config"))) {
    const [, channel, part] = /^(.+)\/(Optimizer|Relation parameters|Step items)$/.exec(path) ?? [];
    if (channel === undefined || part === undefined) continue;
    const content = member instanceof Hdf5Dataset ? tableAsJson(member) : attributesAsJson(member);
    channels.set(channel, { ...channels.get(channel), [part]: content });
  }
  return Object.fromEntries(channels);
}

/**
 * All groups and datasets below a group with their path in it. A `/` in the name of a channel or instrument makes
 * nested groups, so that the path is the name again.
 */
function* membersBelow(file: Hdf5File, path: string): Generator<[string, Hdf5Group | Hdf5Dataset]> {
  const group = file.find(path);
  if (!(group instanceof Hdf5Group)) return;
  for (const member of file.walk(group)) {
    if (!(member instanceof Hdf5Group || member instanceof Hdf5Dataset) || member.path === group.path) {
      continue;
    }
    yield [member.path.slice(group.path.length + 1), member];
  }
}
