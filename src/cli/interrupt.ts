/** Ctrl-C and SIGTERM as an abort signal: the first one asks for an orderly end, the second one ends at once. */
import { EXIT } from "./exit_codes.ts";

export interface Interrupt {
  signal: AbortSignal;
  /** Gives the signals back to the system. */
  done(): void;
}

export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  const handler = () => {
    if (controller.signal.aborted) Deno.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const s of signals) Deno.addSignalListener(s, handler);
  return {
    signal: controller.signal,
    done() {
      for (const s of signals) Deno.removeSignalListener(s, handler);
    },
  };
}
