/** The thread of a reader process that stays awake while a task keeps the main thread busy. */
import { MARKER } from "./wire.ts";

/**
 * Starts the thread. It owns stdin and hands its text over; at its end, which is when the agent has closed it or
 * died, it kills the process at once. It also kills it when it grows past the limit of {@link Guard.limitMemory}.
 * @param everyMs between looks at the memory
 */
export function startGuard(onText: (text: string) => void, everyMs = 200): Guard {
  // Made from source text: a worker in a file of its own would be missing from a bundle.
  const source = `(${guardThread})(${JSON.stringify(MARKER)}, ${everyMs})`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = (event: MessageEvent<string>) => onText(event.data);
  return { limitMemory: (bytes) => worker.postMessage(bytes) };
}

export interface Guard {
  /** Sets the limit of resident memory for the task that starts, bytes. */
  limitMemory(bytes: number): void;
}

/** Runs in the thread; must not refer to anything outside of itself. */
function guardThread(marker: string, everyMs: number): void {
  const thread = globalThis as unknown as {
    postMessage(text: string): void;
    onmessage: (event: MessageEvent<number>) => void;
  };
  let limit = Infinity;
  thread.onmessage = (event) => limit = event.data;
  setInterval(() => {
    const { rss } = Deno.memoryUsage();
    if (rss <= limit) return;
    try {
      const lastWords = `\n${marker}${JSON.stringify({ type: "memory", rss })}\n`;
      Deno.stdout.writeSync(new TextEncoder().encode(lastWords));
    } finally {
      Deno.kill(Deno.pid, "SIGKILL");
    }
  }, everyMs);
  (async () => {
    try {
      for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
        thread.postMessage(text);
      }
    } finally {
      Deno.kill(Deno.pid, "SIGKILL");
    }
  })();
}
