/**
 * Errors as data: every failure carries what the CLI, the API, the dashboard and the logs need to say the same
 * thing, and what the engine needs to decide whether and when to try again.
 */

/** What kind of failure it is; decides whether an attempt is counted and what happens next (docs/ARCHITECTURE.md). */
export type ErrorClass =
  | "network"
  | "auth"
  | "busy"
  | "local"
  | "source"
  | "permission"
  | "platform"
  | "data"
  | "converter"
  | "reader"
  | "usage"
  | "internal";

export type Retry = "now" | "later" | "never" | "after-user";
export type Blame = "file" | "source" | "network" | "server" | "us";

/** The serializable form of a {@link SyncError}: crosses process borders, sits in records and JSON output. */
export interface ErrorData {
  code: string;
  class: ErrorClass;
  retry: Retry;
  blame: Blame;
  message: string;
  hint: string;
  /** Messages of the causes, outermost first. */
  causes?: string[];
  stack?: string;
  /** Origin of the server that it is about, where that is not the platform. */
  endpoint?: string;
}

const DEFAULTS: Record<ErrorClass, { retry: Retry; blame: Blame }> = {
  network: { retry: "later", blame: "network" },
  auth: { retry: "after-user", blame: "us" },
  busy: { retry: "later", blame: "source" },
  local: { retry: "later", blame: "us" },
  source: { retry: "later", blame: "source" },
  permission: { retry: "later", blame: "server" },
  platform: { retry: "later", blame: "server" },
  data: { retry: "never", blame: "file" },
  converter: { retry: "never", blame: "file" },
  reader: { retry: "later", blame: "us" },
  usage: { retry: "after-user", blame: "us" },
  internal: { retry: "later", blame: "us" },
};

/** An error with a code, a class and one sentence that says what to do. */
export class SyncError extends Error {
  override readonly name = "SyncError";
  readonly code: string;
  readonly class: ErrorClass;
  readonly retry: Retry;
  readonly blame: Blame;
  readonly hint: string;
  /** Origin of the server that it is about, where that is not the platform. */
  endpoint: string | undefined;

  constructor(
    cls: ErrorClass,
    code: string,
    message: string,
    options: { hint?: string; retry?: Retry; blame?: Blame; cause?: unknown; endpoint?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.class = cls;
    this.code = code;
    this.retry = options.retry ?? DEFAULTS[cls].retry;
    this.blame = options.blame ?? DEFAULTS[cls].blame;
    this.hint = options.hint ?? "";
    this.endpoint = options.endpoint;
  }

  toData(): ErrorData {
    const causes: string[] = [];
    for (let c: unknown = this.cause; c instanceof Error && causes.length < 8; c = c.cause) {
      causes.push(c.message);
    }
    return {
      code: this.code,
      class: this.class,
      retry: this.retry,
      blame: this.blame,
      message: this.message,
      hint: this.hint,
      ...(causes.length ? { causes } : {}),
      ...(this.stack ? { stack: this.stack } : {}),
      ...(this.endpoint ? { endpoint: this.endpoint } : {}),
    };
  }

  /** Rebuilds an error that came from another process; the stack is the other side's. */
  static fromData(data: ErrorData): SyncError {
    const cause = (data.causes ?? []).reduceRight<Error | undefined>(
      (inner, message) => inner ? new Error(message, { cause: inner }) : new Error(message),
      undefined,
    );
    const e = new SyncError(data.class, data.code, data.message, { ...data, ...(cause ? { cause } : {}) });
    if (data.stack) e.stack = data.stack;
    return e;
  }

  /** Wraps anything thrown; an error without a class is a bug of ours, hence `internal`. */
  static from(thrown: unknown): SyncError {
    if (thrown instanceof SyncError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new SyncError("internal", "internal_error", message, {
      cause: thrown,
      hint: "This is a bug in etiket-sync: please report it with the output of `etiket-sync doctor`.",
    });
  }
}
