/** What is installed, remembered: to ask a reader process costs each command of the user a part of a second. */
import { createHash } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import { moduleStamp } from "../readers/module_stamp.ts";
import { TASKS } from "../readers/task_schemas.ts";
import type { ReaderPool } from "../readers/tasks.ts";
import { decode, encode } from "../readers/wire.ts";
import { VERSION } from "../version.ts";
import type { Registry } from "./services.ts";

/** Name of the fact: a hash of the modules' stamp, a blank, and the registry. */
const FACT = "installed_modules";

/**
 * Installed backends and converters, as a reader process described them when the program was last another one.
 * @param stampOf changes with the modules; undefined: nothing is remembered
 */
export async function installedModules(
  catalog: Pick<Catalog, "getFact" | "setFact">,
  readers: Pick<ReaderPool, "run">,
  stampOf: (version: string) => string | undefined = moduleStamp,
): Promise<Registry> {
  const stamp = stampOf(VERSION);
  if (stamp === undefined) return await readers.run("describe", {});
  const key = createHash("sha256").update(stamp).digest("hex");
  const known = remembered(catalog.getFact(FACT), key);
  if (known) return known;
  const registry = await readers.run("describe", {});
  // What could not be loaded may be mended without a new program.
  if (registry.broken.length === 0) catalog.setFact(FACT, `${key} ${encode(registry)}`);
  return registry;
}

function remembered(fact: string | undefined, key: string): Registry | undefined {
  if (!fact?.startsWith(`${key} `)) return undefined;
  try {
    return TASKS.describe.output.parse(decode(fact.slice(key.length + 1)));
  } catch {
    return undefined;
  }
}
