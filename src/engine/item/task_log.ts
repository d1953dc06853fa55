/** The tree of tasks in which a run writes what it does, with logs and errors where they belong (R1, R2). */
import type { ErrorData } from "../../kit/errors.ts";
import { redact } from "../../kit/redact.ts";

export interface TaskNode {
  type: "task";
  name: string;
  date: string;
  sync_iteration: number;
  has_errors: boolean;
  content: LogNode[];
}
export type LogNode =
  | TaskNode
  | { type: "log"; date: string; message: string; code?: string }
  | (
    & { type: "error"; date: string; message: string; exception: string; stacktrace: string | null }
    & Pick<ErrorData, "code" | "class" | "retry" | "hint">
  );

/** Writes one tree; one task at a time is open. */
export class TaskLog {
  readonly errors: ErrorData[] = [];
  readonly root: TaskNode;
  readonly #stack: TaskNode[];

  /** @param now gives ISO times */
  constructor(name: string, readonly iteration: number, readonly now: () => string) {
    this.root = this.#node(name);
    this.#stack = [this.root];
  }

  #node(name: string): TaskNode {
    return {
      type: "task",
      name,
      date: this.now(),
      sync_iteration: this.iteration,
      has_errors: false,
      content: [],
    };
  }

  #add(...nodes: LogNode[]): void {
    this.#stack.at(-1)?.content.push(...nodes);
  }

  /** Runs `work` as a task of its own. */
  async task<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const node = this.#node(name);
    this.#add(node);
    this.#stack.push(node);
    try {
      return await work();
    } finally {
      this.#stack.pop();
    }
  }

  log(code: string, message: string): void {
    this.#add({ type: "log", date: this.now(), code, message: redact(message) });
  }

  /** Records an error at the current task and flags all tasks above it (R1). */
  error(e: ErrorData): void {
    this.#flag([e]);
    this.#add({
      type: "error",
      date: this.now(),
      message: redact(e.message),
      exception: e.code,
      stacktrace: e.stack ? redact(e.stack).slice(0, 8000) : null,
      code: e.code,
      class: e.class,
      retry: e.retry,
      hint: redact(e.hint),
    });
  }

  /** Takes over what another log holds, below the current task. */
  append(other: TaskLog): void {
    this.#flag(other.errors);
    this.#add(...other.root.content);
  }

  #flag(errors: readonly ErrorData[]): void {
    if (errors.length === 0) return;
    this.errors.push(...errors);
    for (const t of this.#stack) t.has_errors = true;
  }
}

/** Every log below a node, as text to compare. */
export function logTexts(node: LogNode): string[] {
  if (node.type === "task") return node.content.flatMap(logTexts);
  return node.type === "log" ? [`${node.code ?? ""} ${node.message}`] : [];
}
