/**
 * Plain values from YAML nodes. The package's own conversion takes exponential time on nested keys (`? ? ? …`) and
 * counts aliases, not bytes; this one has a budget, so that no info file can fill the memory.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
} from "yaml";

const MAX_NODES = 100_000;
const MAX_CHARACTERS = 4 * 1024 * 1024;
const MAX_DEPTH = 100;

/** A value that JSON can hold. Integers beyond 2^53 are decimal text. */
export type PlainValue = string | number | boolean | null | PlainValue[] | { [key: string]: PlainValue };

/** The values of a document are larger than anybody writes by hand. */
export class YamlLimitError extends Error {
  override readonly name = "YamlLimitError";
}

/** Converts the nodes of one document. */
export class YamlValues {
  readonly #targets = new Map<Alias, Node>();
  #nodes = 0;
  #characters = 0;

  /** @param unknownAlias called for an alias whose anchor does not come before it */
  constructor(document: Document.Parsed, unknownAlias: (alias: Alias) => never) {
    // An alias means the last node before it that carries its anchor.
    const anchors = new Map<string, Node>();
    visit(document, {
      Alias: (_, alias) => {
        const target = anchors.get(alias.source);
        this.#targets.set(alias, target ?? unknownAlias(alias));
      },
      Value: (_, node) => {
        if (node.anchor) anchors.set(node.anchor, node);
      },
    });
  }

  /** Follows an alias to the node it stands for; null for an absent value. */
  resolve(node: unknown): Node | null {
    if (isAlias(node)) return this.#targets.get(node) ?? null;
    return isScalar(node) || isMap(node) || isSeq(node) ? node : null;
  }

  /** The pairs of a map node with their keys as text; of equal keys, `duplicate` is told and the last one counts. */
  entries(node: { items: Pair[] }, duplicate: (key: string) => void): Map<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = this.#keyText(key);
      if (entries.has(name)) duplicate(name);
      entries.set(name, value);
    }
    return entries;
  }

  /**
   * @throws YamlLimitError when the value, aliases expanded, is larger or deeper than an info file may be
   */
  plain(node: unknown, depth = 0): PlainValue {
    const target = this.resolve(node);
    if (++this.#nodes > MAX_NODES) throw new YamlLimitError(`its values are more than ${MAX_NODES}`);
    if (depth > MAX_DEPTH) throw new YamlLimitError(`its values are nested deeper than ${MAX_DEPTH} levels`);
    if (isScalar(target)) return this.#scalar(target, depth === 0);
    if (isSeq(target)) return target.items.map((item) => this.plain(item, depth + 1));
    if (!isMap(target)) return null;
    const entries = this.entries(target, () => {});
    return Object.fromEntries([...entries].map(([key, value]) => [key, this.plain(value, depth + 1)]));
  }

  #keyText(key: unknown): string {
    const node = this.resolve(key);
    return isScalar(node) ? scalarText(node) : "(complex key)";
  }

  #scalar(node: Scalar, alone: boolean): PlainValue {
    const { value } = node;
    this.#characters += typeof value === "string" ? value.length : 8;
    if (this.#characters > MAX_CHARACTERS) {
      throw new YamlLimitError(`its values exceed ${MAX_CHARACTERS} characters`);
    }
    if (typeof value === "bigint") {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : value.toString();
    }
    if (typeof value === "number") return floatValue(value, alone);
    if (typeof value === "string" || typeof value === "boolean") return value;
    return value === null || value === undefined ? null : String(value);
  }
}

/**
 * Floats as JSON can hold them. `alone`, one without fraction is text that keeps its point (`1.0`, as Python
 * writes it): nobody could tell it from an integer any more.
 */
function floatValue(value: number, alone: boolean): string | number {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  return alone && Number.isInteger(value) && Math.abs(value) < 1e16 ? value.toFixed(1) : value;
}

/** A scalar as text: numbers as they were written (`012` stays `012`), booleans `True`/`False`, null "". */
export function scalarText(node: Scalar): string {
  const { value, source } = node;
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (value === null || value === undefined) return "";
  return source ?? String(value);
}
