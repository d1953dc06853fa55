/** What a check of `doctor` is given and what it answers. */
import type { SyncError } from "../../../kit/errors.ts";
import type { Agent } from "../../agent.ts";

export type CheckStatus = "ok" | "warn" | "fail";

export interface CheckResult {
  status: CheckStatus;
  /** What was found. */
  detail: string;
  /** One sentence: what to do; empty when all is well. */
  fix: string;
  /** What exactly was looked at, when one check looks at several things. */
  subject?: string;
}

export interface CheckContext {
  /** State folder; exists unless it could not be made. */
  home: string;
  /** The opened agent, or why it cannot be opened. */
  agent: Agent | null;
  openError: SyncError | null;
}

export interface Check {
  id: string;
  title: string;
  run(context: CheckContext): CheckResult | CheckResult[] | Promise<CheckResult | CheckResult[]>;
}

export const ok = (detail: string): CheckResult => ({ status: "ok", detail, fix: "" });
export const warn = (detail: string, fix: string): CheckResult => ({ status: "warn", detail, fix });
export const fail = (detail: string, fix: string): CheckResult => ({ status: "fail", detail, fix });

/** For checks that need the agent: why there is none. */
export function noAgent({ openError }: CheckContext): CheckResult {
  return fail(
    `not checked: ${openError?.message ?? "the state folder cannot be opened"}`,
    openError?.hint || "Repair what the other checks name first.",
  );
}
