/** Names that netCDF-4 can hold. */
import { isBookkeeping } from "./conventions.ts";

/**
 * A name for a variable, dimension or group: NFC, without `/`, control characters and blanks at the ends (each `/` or
 * control character becomes `_`); `_` for nothing, `.` and `..`.
 */
export function netcdfName(name: string): string {
  const clean = name.normalize("NFC").toWellFormed().replace(/[/\p{Cc}]/gu, "_").trim();
  return /^\.{0,2}$/.test(clean) ? "_" : clean;
}

/** A name for an attribute: as {@link netcdfName}, but `/` may stay, and reserved names get a `_` behind them. */
export function netcdfAttributeName(name: string): string {
  const clean = name.split("/").map((part) => part === "" ? "" : netcdfName(part)).join("/") || "_";
  return isBookkeeping(clean) || clean === "DIMENSION_LABELS" ? `${clean}_` : clean;
}

/** Makes names distinct within one group: the second `a` becomes `a_2`. */
export class DistinctNames {
  readonly #taken = new Set<string>();

  take(name: string): string {
    let free = name;
    for (let n = 2; this.#taken.has(free); n++) free = `${name}_${n}`;
    this.#taken.add(free);
    return free;
  }
}

/** Text as a C string holds it: valid Unicode, with U+0000 shown as the visible symbol U+2400. */
export function netcdfText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\u2400");
}
