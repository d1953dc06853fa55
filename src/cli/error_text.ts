/** The error inbox as people read it. */
import type { ErrorView } from "../engine/views.ts";
import { printable, readableTime } from "./readable.ts";
import { bold, dim } from "./style.ts";

/** Errors newest first; `source` null = of the agent itself. */
export function errorList(errors: readonly (ErrorView & { source: string | null })[]): string {
  if (errors.length === 0) return "No errors.";
  return errors.map((e) => {
    const repeated = e.count > 1 ? `  (${e.count} times)` : "";
    const head = `${readableTime(e.log_timestamp)}  ${bold(printable(e.source ?? "agent"))}${repeated}`;
    const lines = [head, `  ${printable(e.log_exception)}`];
    if (e.log_context) lines.push(`  ${dim(printable(e.log_context))}`);
    return lines.join("\n");
  }).join("\n");
}
