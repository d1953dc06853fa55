/** The keys of an info file as typed values. Odd values are read as well as they can be, each with a log. */
import { isMap, isScalar, isSeq } from "yaml";
import { suggestion } from "../../src/kit/did_you_mean.ts";
import type { DraftLog } from "../../src/kit/drafts.ts";
import { parseTime } from "../../src/kit/time.ts";
import { INFO_FILE, type InfoDocument, infoFileInvalid } from "./info_document.ts";
import { type PlainValue, scalarText, YamlLimitError, type YamlValues } from "./yaml_values.ts";

const TIME_KEYS = ["collected", "created", "creation"];
const MAX_WARNINGS = 100;
const KNOWN_KEYS = [
  "version",
  "dataset_name",
  ...TIME_KEYS,
  "description",
  "attributes",
  "tags",
  "keywords",
  "skip",
  "converters",
  "thumbnails",
  "live",
];

/** What an info file says; what it leaves open is undefined or empty. */
export interface DatasetInfo {
  name?: string;
  /** ISO 8601 UTC. */
  collected?: string;
  description?: string;
  attributes: Record<string, unknown>;
  tags: string[];
  skip: string[];
  thumbnails: string[];
  /** Key and value of each declaration, not yet checked. */
  converters: [key: string, declaration: PlainValue][];
  /** Whether its files are followed while they grow; undefined: as the source says. */
  live?: boolean;
}

/**
 * @param info null for a dataset without info file: everything takes its default
 * @param timeZone IANA zone of times without zone
 * @param log is told about every value that could not be taken as written
 * @throws SyncError data `info_file_invalid` when the values, aliases expanded, are unreasonably large
 */
export function readDatasetInfo(
  info: InfoDocument | null,
  timeZone: string,
  log: (entry: DraftLog) => void,
): DatasetInfo {
  const empty: DatasetInfo = { attributes: {}, tags: [], skip: [], thumbnails: [], converters: [] };
  if (!info?.map) return empty;
  try {
    return new InfoReader(info, timeZone, log).read();
  } catch (e) {
    throw e instanceof YamlLimitError ? infoFileInvalid(info.path, e.message, e) : e;
  }
}

class InfoReader {
  readonly #values: YamlValues;
  readonly #entries: Map<string, unknown>;
  #warnings = 0;

  constructor(info: InfoDocument, readonly timeZone: string, readonly log: (entry: DraftLog) => void) {
    this.#values = info.values;
    this.#entries = this.#values.entries(info.map!, (key) => this.#warnDuplicate(key));
  }

  read(): DatasetInfo {
    this.#checkKeys();
    const description = this.#text("description")?.trimEnd();
    const collected = this.#collected();
    const name = this.#text("dataset_name")?.trim();
    const live = this.#boolean("live");
    return {
      ...(name ? { name } : {}),
      ...(collected ? { collected } : {}),
      ...(live === undefined ? {} : { live }),
      ...(description ? { description } : {}),
      attributes: this.#attributes(),
      tags: this.#texts(this.#entries.has("tags") ? "tags" : "keywords"),
      skip: this.#texts("skip"),
      thumbnails: this.#texts("thumbnails"),
      converters: this.#converters(),
    };
  }

  #warn(code: string, message: string) {
    if (++this.#warnings < MAX_WARNINGS) this.log({ code, message: `${INFO_FILE}: ${message}` });
    else if (this.#warnings === MAX_WARNINGS) {
      this.log({ code: "more_warnings", message: `${INFO_FILE}: further odd values are not listed` });
    }
  }

  #warnDuplicate(key: string) {
    this.#warn("duplicate_key", `"${key}" is given more than once; the last one counts`);
  }

  #checkKeys() {
    for (const key of this.#entries.keys()) {
      if (!KNOWN_KEYS.includes(key)) {
        this.#warn("unknown_key", `"${key}" has no meaning here${suggestion(key, KNOWN_KEYS)}`);
      }
    }
    const version = this.#text("version");
    if (version !== undefined && version !== "0.1") {
      this.#warn("unknown_version", `version "${version}" is not known; it is read as 0.1`);
    }
  }

  /** The node of a key; null when the key is absent or empty. */
  #node(key: string) {
    const node = this.#values.resolve(this.#entries.get(key));
    return isScalar(node) && node.value === null ? null : node;
  }

  #text(key: string): string | undefined {
    const node = this.#node(key);
    if (node === null) return undefined;
    if (isScalar(node)) return scalarText(node);
    this.#warn("text_expected", `"${key}" should be text; it is left out`);
    return undefined;
  }

  #boolean(key: string): boolean | undefined {
    const text = this.#text(key)?.toLowerCase();
    if (text === undefined || text === "true" || text === "false") {
      return text === undefined ? text : text === "true";
    }
    this.#warn("boolean_expected", `"${key}" should be true or false; it is left out`);
    return undefined;
  }

  /** A list of text; one text is a list of one. */
  #texts(key: string): string[] {
    const node = this.#node(key);
    if (node === null) return [];
    if (isScalar(node)) return [scalarText(node)].filter((t) => t !== "");
    const texts: string[] = [];
    for (const item of isSeq(node) ? node.items : [node]) {
      const target = this.#values.resolve(item);
      if (isScalar(target)) texts.push(scalarText(target));
      else this.#warn("list_of_text_expected", `"${key}" should be a list of text; what is not is left out`);
    }
    return texts.filter((text) => text !== "");
  }

  #collected(): string | undefined {
    for (const key of TIME_KEYS) {
      const node = this.#node(key);
      if (node === null) continue;
      const text = isScalar(node) ? scalarText(node) : "";
      const time = parseTime(text, this.timeZone);
      if (!time) {
        this.#warn("time_unusable", `"${key}" is no date and time: ${JSON.stringify(text.slice(0, 100))}`);
        continue;
      }
      if (time.note === "ambiguous") {
        this.#warn(
          "time_ambiguous",
          `"${key}": ${text} occurred twice in ${this.timeZone}; the first is taken`,
        );
      }
      if (time.note === "gap") {
        this.#warn("time_gap", `"${key}": ${text} did not occur in ${this.timeZone}; it is moved forward`);
      }
      return time.iso;
    }
    return undefined;
  }

  #attributes(): Record<string, unknown> {
    const node = this.#node("attributes");
    if (node === null) return {};
    if (!isMap(node)) {
      this.#warn("attributes_not_a_map", `"attributes" should be a map of names and values; it is left out`);
      return {};
    }
    const attributes: [string, PlainValue][] = [];
    for (const [key, value] of this.#values.entries(node, (k) => this.#warnDuplicate(`attributes.${k}`))) {
      const plain = this.#values.plain(value);
      if (plain === null) this.#warn("attribute_empty", `attribute "${key}" has no value; it is left out`);
      else attributes.push([key, plain]);
    }
    return Object.fromEntries(attributes);
  }

  #converters(): [string, PlainValue][] {
    const node = this.#node("converters");
    if (node === null) return [];
    if (!isMap(node)) {
      this.#warn("converters_not_a_map", `"converters" should be a map of converters; it is left out`);
      return [];
    }
    const entries = this.#values.entries(node, (k) => this.#warnDuplicate(`converters.${k}`));
    return [...entries].map(([key, value]) => [key, this.#values.plain(value)]);
  }
}
