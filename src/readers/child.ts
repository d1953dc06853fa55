/** The inside of a reader process: takes tasks as lines on stdin, answers as lines on stdout. */
import { SyncError } from "../kit/errors.ts";
import { hdf5ErrorCount } from "../kit/hdf5/module.ts";
import { startGuard } from "./guard.ts";
import { check, type Message, type Request, requestSchema } from "./protocol.ts";
import { Registry } from "./registry.ts";
import { runTask } from "./run_task.ts";
import { TASKS } from "./task_schemas.ts";
import type { TaskKind } from "./tasks.ts";
import { decode, encode, MARKER } from "./wire.ts";

/**
 * Serves tasks until the agent kills this process, closes its stdin or dies. An error that no task answers for
 * (such as an unhandled rejection) ends the process, which the agent reports as a crash.
 * @param args `--load <url>` for each module besides the built-in ones
 */
export function runReader(args: string[]): void {
  const registry = new Registry(args.filter((_, i) => args[i - 1] === "--load"));
  let rest = "";
  let last = Promise.resolve();
  const guard = startGuard((text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) last = last.then(() => serve(line));
  });
  send(message({ type: "ready" }));

  async function serve(line: string): Promise<void> {
    const request = check(requestSchema, decode(line), "the request", "agent");
    guard.limitMemory(request.memory);
    send(await answer(request, registry));
  }
}

/** The encoded answer to one request; a result that can't be encoded is an error like any other. */
async function answer({ id, kind, input }: Request, registry: Registry): Promise<string> {
  try {
    const output = await perform(kind, input, registry);
    return message({ type: "result", id, output, ...afterwards() });
  } catch (e) {
    const error = SyncError.from(e);
    return message({ type: "error", id, error: error.toData(), ...afterwards(error) });
  }
}

/** An error inside HDF5, also one that a backend has dealt with, leaves open files and stale caches behind. */
function afterwards(error?: SyncError): { rss: number; damaged: boolean } {
  return { rss: Deno.memoryUsage().rss, damaged: hdf5ErrorCount() > 0 || isWasmAbort(error) };
}

async function perform<K extends TaskKind>(kind: K, input: unknown, registry: Registry): Promise<unknown> {
  const { input: inputSchema, output: outputSchema } = TASKS[kind];
  const output = await runTask(kind, check(inputSchema, input, `the input of ${kind}`, "agent"), registry);
  return check(outputSchema, output, `the result of ${kind}`);
}

/** An aborted WASM module may go on with broken state. */
export function isWasmAbort(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = e.cause) if (e instanceof WebAssembly.RuntimeError) return true;
  return false;
}

/** Taken before any other code can replace it. */
const writeSync = Deno.stdout.writeSync.bind(Deno.stdout);

const message = (m: Message) => encode(m);

function send(encoded: string): void {
  let bytes = new TextEncoder().encode(`\n${MARKER}${encoded}\n`);
  while (bytes.length > 0) bytes = bytes.subarray(writeSync(bytes));
}
