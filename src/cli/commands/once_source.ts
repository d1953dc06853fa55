/** The source that `once --backend` names: an equal one that exists, or a new one. */
import { basename } from "node:path";
import type { Agent } from "../../engine/agent.ts";
import type { SourceView } from "../../engine/views.ts";
import type { BackendInfo } from "../../readers/tasks.ts";
import { findBackend, shortName } from "../backend_names.ts";
import type { Cli } from "../cli.ts";
import type { Assignment } from "../set_option.ts";
import { configFromOptions } from "./source/options.ts";

/** The embedded platform has this scope from the start. */
const EMBEDDED_SCOPE = "default";

export interface OnceSourceOptions {
  backend: string;
  set?: Assignment[] | undefined;
  secret?: string[] | undefined;
  scope?: string | undefined;
  autoassign?: true | undefined;
  name?: string | undefined;
}

export async function sourceFromOptions(
  cli: Cli,
  agent: Agent,
  options: OnceSourceOptions,
): Promise<{ source: SourceView; isNew: boolean }> {
  const { backends } = await agent.describe();
  const backend = findBackend(options.backend, backends);
  const config = await configFromOptions(cli, backend, options, true);
  const before = new Set(agent.sources.list().map((s) => s.name));
  const embedded = agent.settings.platform.url === undefined;
  const assumed = embedded && !options.autoassign && backend.scope_policy !== "DISABLED"
    ? EMBEDDED_SCOPE
    : undefined;
  const source = await agent.sources.findOrAdd({
    name: options.name ?? freeName(backend, config, before),
    backend: backend.identifier,
    config,
    ...(options.scope === undefined ? {} : { scope: options.scope }),
    ...(assumed === undefined ? {} : { scopeIfNew: assumed }),
    ...(options.autoassign ? { autoassign: true } : {}),
  });
  const isNew = !before.has(source.name);
  const scope = isNew && options.scope === undefined && assumed ? `, scope ${assumed}` : "";
  cli.say(`Source "${source.name}"${isNew ? ` is new${scope}` : ""}.`);
  return { source, isNew };
}

/**
 * `qcodes experiments`, from the first path among the settings, or the backend's own name where there are none; with a
 * number when that is taken.
 */
function freeName(
  { identifier, display_name }: Pick<BackendInfo, "identifier" | "display_name">,
  config: Record<string, unknown>,
  taken: ReadonlySet<string>,
): string {
  const path = Object.values(config).find((v): v is string => typeof v === "string" && /[\\/]/.test(v));
  const part = path === undefined ? "" : ` ${basename(path).replace(/\.\w+$/, "")}`;
  const isBare = Object.keys(config).length === 0;
  const name = isBare ? display_name : `${shortName(identifier)}${part}`.slice(0, 90).trim();
  let candidate = name;
  for (let n = 2; taken.has(candidate); n++) candidate = `${name} ${n}`;
  return candidate;
}
