/** Whether the modules that a reader process loads are those of an earlier time. */
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { IN_CHECKOUT, roleCommand } from "./launch.ts";

/** Of a checkout, what definitions of backends and converters are made of. */
const PARTS = ["backends", "converters", "src/kit", "src/readers"];

/**
 * Changes when another executable, bundle or state of the checkout takes the place of the one before.
 * @param version of this program
 * @returns undefined when that cannot be told
 */
export function moduleStamp(version: string): string | undefined {
  try {
    const { program, args } = roleCommand("__reader", []);
    const files = IN_CHECKOUT ? PARTS.flatMap(filesBelow) : args.filter((arg) => /\.[cm]?[jt]s$/.test(arg));
    return [version, program, ...[program, ...files].map(state)].join("\n");
  } catch {
    return undefined;
  }
}

function filesBelow(part: string): string[] {
  const folder = fileURLToPath(new URL(`../../${part}/`, import.meta.url));
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => `${entry.parentPath}/${entry.name}`);
}

function state(path: string): string {
  const { mtimeMs, size, ino } = statSync(path);
  return `${path} ${mtimeMs} ${size} ${ino}`;
}
