/** What a dataset is called and labelled with, from a log file's own attributes and tags. */
import { basename } from "node:path";
import type { ReadItem } from "../../src/kit/define_backend.ts";
import type { DatasetDraft } from "../../src/kit/drafts.ts";
import { numberText } from "../../src/kit/number_text.ts";
import { attributesAsJson, type Json } from "./json_values.ts";
import type { LogFile } from "./log_file.ts";
import { type Log, textOf } from "./log_layout.ts";

export interface Description
  extends Pick<DatasetDraft, "name" | "alt_uid" | "description" | "keywords" | "ranking" | "attributes"> {
  /** Start, seconds since 1970 UTC; undefined where the file does not say. */
  creationTime?: number;
}

/** What is known of a file that cannot be read. */
export function describeByPath(item: ReadItem): Description {
  return {
    name: basename(item.path, ".hdf5"),
    alt_uid: item.identifier.replace(/\.hdf5$/, ""),
    keywords: [],
    ranking: 0,
    attributes: {},
  };
}

/**
 * Reads the description of a file.
 * @param logs all that could be read, for the names of their channels
 */
export function describe(file: LogFile, logs: readonly Log[], item: ReadItem): Description {
  const byPath = describeByPath(item);
  const root = attributesAsJson(file.root);
  const tagGroup = file.find("/Tags");
  const tags = tagGroup?.kind === "group" ? attributesAsJson(tagGroup) : {};
  const [projects, labels, users] = [texts(tags.Project), texts(tags.Tags), texts(tags.User)];
  const name = textOf(root.log_name).trim() || byPath.name;
  const creationTime = unixTime(root.creation_time);
  const comment = textOf(root.comment);
  const channels = logs.flatMap((log) => [...log.setpoints, ...log.scalars, ...log.traces]);
  const named = channels.flatMap(({ name, unit }) => texts([name, unit]));
  return {
    name,
    alt_uid: creationTime === undefined ? byPath.alt_uid : `${name}_${numberText(creationTime)}`,
    ...(creationTime === undefined ? {} : { creationTime }),
    ...(comment.trim() === "" ? {} : { description: comment }),
    keywords: [...new Set([...projects, ...labels, ...users, ...named])],
    ranking: root.star === true || root.star === 1 ? 1 : 0,
    attributes: {
      ...(projects.length > 0 ? { project: single(projects) } : {}),
      ...(users.length > 0 ? { user: single(users) } : {}),
    },
  };
}

/** The texts of a list, without empty ones; an empty list of Labber is one of numbers. */
function texts(value: Json | undefined): string[] {
  const list = Array.isArray(value) ? value : [value];
  return list.map((text) => textOf(text).trim()).filter((text) => text !== "");
}

function single(list: string[]): string | string[] {
  return list.length === 1 && list[0] !== undefined ? list[0] : list;
}

/** Seconds since 1970 that a date of four-digit year can hold. */
function unixTime(value: Json | undefined): number | undefined {
  return typeof value === "number" && value > 0 && value < 253_402_300_800 ? value : undefined;
}
