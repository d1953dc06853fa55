/** What becomes of an item after a run: its next state, and what is said about it. */
import type { ItemRow } from "../../catalog/item_rows.ts";
import type { ItemPatch } from "../../catalog/items.ts";
import { reasonOf } from "../../catalog/reason.ts";
import { settle } from "../../catalog/settle.ts";
import { type ErrorData, SyncError } from "../../kit/errors.ts";
import { afterFailure } from "../retry.ts";
import type { ReadySource, Services } from "../services.ts";
import type { OnceItem } from "../views.ts";

export interface Verdict {
  patch: ItemPatch;
  result: OnceItem["result"];
  /** Code and sentence, null when synchronized. */
  reason: string | null;
  /** What went wrong. */
  error?: ErrorData;
}

/** Code that judged an item: when it changes, quarantined items get another chance. */
export function verdictKey(s: Services, source: ReadySource): string {
  return `${source.info.version} ${s.version}`;
}

export function unmapped({ scope_identifier }: ItemRow): Verdict {
  const of = scope_identifier === null ? "" : ` for "${scope_identifier}"`;
  return {
    patch: { state: "unmapped" },
    result: "unmapped",
    reason: `no_mapping: no scope is mapped${of} and there is no default scope`,
  };
}

export function inputGone(path: string, now: number): Verdict {
  const error = new SyncError("busy", "input_gone", `${path} is not there any more`, {
    hint: "When it stays away it is marked as vanished; when it comes back it is synchronized.",
  });
  return {
    patch: { state: "deferred", reason: reasonOf(error.toData()), next_attempt_at: now + 60_000 },
    result: "skipped",
    reason: `${error.code}: ${error.message}`,
  };
}

/** @param why there is nothing to publish yet */
export function notStarted(why: string): Verdict {
  const error = new SyncError("busy", "not_started", why, {
    hint: "It is published as soon as something is measured.",
  });
  return {
    patch: { state: "not_started", reason: reasonOf(error.toData()) },
    result: "skipped",
    reason: `not_started: ${why}`,
  };
}

/** @param fingerprint of the input as it is now (L4) */
export function changedMeanwhile(fingerprint: string, now: number): Verdict {
  return {
    patch: {
      state: "settling",
      fingerprint,
      ...settle(now, { changed_at: now, changed_since: null }, now),
      changed_at: now,
      reason: null,
    },
    result: "skipped",
    reason: "changed_during_sync: the input changed while it was read",
  };
}

/** @param key {@link verdictKey} @param random uniform in [0, 1) */
export function failed(item: ItemRow, error: ErrorData, key: string, now: number, random: number): Verdict {
  const patch = afterFailure(item, error, now, random);
  return {
    patch: { ...patch, verdict_key: key },
    result: patch.state === "deferred" ? "skipped" : "failed",
    reason: `${error.code}: ${error.message}`,
    error,
  };
}

export function scopeChanged(): Verdict {
  return {
    patch: { state: "waiting", reason: null },
    result: "skipped",
    reason: "scope_changed: the item is to go to another scope meanwhile",
  };
}

/**
 * @param key {@link verdictKey}
 * @param lookAgainAt when the platform has to be looked at once more, ms; null = never
 */
export function synchronized(key: string, lookAgainAt: number | null = null): Verdict {
  return {
    patch: {
      ...(lookAgainAt === null ? { state: "done" } : { state: "settling", due_at: lookAgainAt }),
      reason: null,
      attempts: 0,
      streak: 0,
      streak_code: null,
      streak_since: null,
      next_attempt_at: null,
      has_priority: false,
      verdict_key: key,
    },
    result: "synchronized",
    reason: null,
  };
}
