/** Plain tables for people: left-aligned text, right-aligned numbers, no frame. */
import { printable } from "./readable.ts";
import type { Paint } from "./style.ts";

export interface Column<T> {
  title: string;
  value: (row: T) => string | number | null | undefined;
  /** Shortened first when the terminal is too narrow. */
  flexible?: boolean;
}

const WIDE =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Hangul}|\p{Emoji_Presentation}/u;
const ZERO = /\p{Mark}/u;

/** Terminal cells that a text takes. */
export function textWidth(text: string): number {
  let width = 0;
  for (const c of text) width += ZERO.test(c) ? 0 : WIDE.test(c) ? 2 : 1;
  return width;
}

/** Cuts a text to `width` cells, the last one being `…`. */
export function shorten(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let result = "";
  let used = 1;
  for (const c of text) {
    used += textWidth(c);
    if (used > width) break;
    result += c;
  }
  return result + "…";
}

/**
 * Rows as lines; `maxWidth` (a terminal's columns) shortens flexible columns down to 12 cells, undefined shortens nothing.
 */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], maxWidth?: number): string {
  const cells = rows.map((row) => columns.map((c) => cellText(c.value(row))));
  const numeric = columns.map((c) => rows.length > 0 && rows.every((r) => typeof c.value(r) === "number"));
  const widths = columns.map((c, i) =>
    Math.max(textWidth(c.title), ...cells.map((line) => textWidth(line[i] ?? "")))
  );
  if (maxWidth !== undefined) fit(widths, columns, maxWidth);
  const format = (line: readonly string[]) =>
    line.map((text, i) => {
      const width = widths[i] ?? 0;
      const shown = shorten(text, width);
      const pad = " ".repeat(Math.max(0, width - textWidth(shown)));
      return numeric[i] ? pad + shown : shown + pad;
    }).join("  ").trimEnd();
  return [format(columns.map((c) => c.title)), ...cells.map(format)].join("\n") + "\n";
}

function cellText(value: string | number | null | undefined): string {
  return value === null || value === undefined || value === ""
    ? "–"
    : printable(String(value)).replace(/\s*[\n\t]\s*/g, " ");
}

function fit<T>(widths: number[], columns: readonly Column<T>[], maxWidth: number): void {
  let excess = widths.reduce((a, b) => a + b, 0) + 2 * (widths.length - 1) - maxWidth;
  while (excess > 0) {
    let widest = -1;
    columns.forEach((c, i) => {
      const width = widths[i] ?? 0;
      if (c.flexible && width > 12 && width > (widths[widest] ?? 0)) widest = i;
    });
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess--;
  }
}

export type KeyValue = readonly [key: string, value: string | number | null | undefined, paint?: Paint];

/** `key  value` lines for one object; empty values are left out. */
export function keyValues(pairs: readonly KeyValue[]): string {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = Math.max(0, ...shown.map(([key]) => textWidth(key)));
  const indent = " ".repeat(width + 2);
  return shown.map(([key, value, paint = (text) => text]) => {
    const text = printable(String(value)).replaceAll("\n", "\n" + indent);
    return `${key}${" ".repeat(width - textWidth(key))}  ${paint(text)}\n`;
  }).join("");
}
