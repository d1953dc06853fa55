/** Options that several commands about sources share. */
import { SyncError } from "../../../kit/errors.ts";
import type { BackendInfo } from "../../../readers/tasks.ts";
import type { Cli } from "../../cli.ts";
import { readSecrets } from "../../secrets.ts";
import { type Assignment, configFromAssignments, parseAssignment } from "../../set_option.ts";

/** Collects the values of a repeatable `--set`. */
export function collectAssignments(text: string, before: Assignment[] = []): Assignment[] {
  return [...before, parseAssignment(text)];
}

/** Collects the values of a repeatable option. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text];
}

/**
 * The configuration that `--set` and `--secret` give.
 * @param complete true for a new source: required secrets are then asked for too
 */
export async function configFromOptions(
  cli: Cli,
  backend: BackendInfo | undefined,
  options: { set?: readonly Assignment[] | undefined; secret?: readonly string[] | undefined },
  complete: boolean,
): Promise<Record<string, unknown>> {
  const fields = backend?.fields ?? [];
  const config = configFromAssignments(options.set ?? [], fields);
  const asked = options.secret ?? [];
  const secrets = fields.filter((f) => f.secret);
  const given = secrets.filter((f) => [f.name, ...(f.aliases ?? [])].some((name) => name in config));
  for (const { name } of given) {
    cli.warn(`--set ${name}=… shows a secret in the list of processes; use --secret ${name}`);
  }
  for (const name of asked) {
    if (backend && !secrets.some((f) => f.name === name)) {
      throw new SyncError("usage", "secret_unknown", `${backend.identifier} has no secret "${name}"`, {
        hint: secrets.length ? `Its secrets: ${secrets.map((f) => f.name).join(", ")}.` : "Use --set for it.",
      });
    }
  }
  const missing = complete
    ? secrets.filter((f) => f.required && !given.includes(f) && !asked.includes(f.name))
    : [];
  return { ...config, ...await readSecrets([...asked, ...missing.map((f) => f.name)]) };
}
