/** Looks for what commonly keeps an agent from working, and says what to do about each finding. */
import { SyncError } from "../../kit/errors.ts";
import { apiPort } from "./doctor_checks/api_port.ts";
import { catalogIntegrity } from "./doctor_checks/catalog_integrity.ts";
import type { Check, CheckContext, CheckResult, CheckStatus } from "./doctor_checks/check.ts";
import { diskSpace } from "./doctor_checks/disk_space.ts";
import { fileEvents } from "./doctor_checks/file_events.ts";
import { inotifyLimits } from "./doctor_checks/inotify_limits.ts";
import { libraryVersions } from "./doctor_checks/library_versions.ts";
import { clock, platformReachable } from "./doctor_checks/platform.ts";
import { secrets } from "./doctor_checks/secrets.ts";
import { sourceEvents } from "./doctor_checks/source_events.ts";
import { sourcesReadable } from "./doctor_checks/sources_readable.ts";
import { stateFolder } from "./doctor_checks/state_folder.ts";

export type { CheckContext } from "./doctor_checks/check.ts";

/** In the order in which a person would repair things. */
export const CHECKS: readonly Check[] = [
  stateFolder,
  diskSpace,
  catalogIntegrity,
  platformReachable,
  clock,
  fileEvents,
  inotifyLimits,
  apiPort,
  secrets,
  sourcesReadable,
  sourceEvents,
  libraryVersions,
];

export interface Finding extends CheckResult {
  id: string;
  title: string;
}

export interface DoctorReport {
  /** The worst of all findings. */
  status: CheckStatus;
  checks: Finding[];
}

/** Runs all checks, one after the other; a check that throws is a finding of its own. */
export async function doctor(
  context: CheckContext,
  checks: readonly Check[] = CHECKS,
): Promise<DoctorReport> {
  const findings: Finding[] = [];
  for (const check of checks) {
    const results = await run(check, context);
    findings.push(...results.map((r) => ({ id: check.id, title: check.title, ...r })));
  }
  const found = new Set(findings.map((f) => f.status));
  return { status: found.has("fail") ? "fail" : found.has("warn") ? "warn" : "ok", checks: findings };
}

async function run(check: Check, context: CheckContext): Promise<CheckResult[]> {
  try {
    return [await check.run(context)].flat();
  } catch (e) {
    return [{
      status: "fail",
      detail: `not checked: ${e instanceof Error ? e.message : String(e)}`,
      fix: e instanceof SyncError && e.hint ? e.hint : "Repair what the other checks name first.",
    }];
  }
}
