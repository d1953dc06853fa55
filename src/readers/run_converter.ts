/** Runs one converter and checks what it left behind (rules K2, K8). */
import { readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Converter } from "../kit/define_converter.ts";
import { SyncError } from "../kit/errors.ts";
import type { ReaderTasks } from "./tasks.ts";

/**
 * @returns path of the output, which is the one regular file in `output_dir`
 * @throws SyncError of the converter; `converter_failed` for anything else it throws or leaves behind
 */
export async function runConverter(
  converter: Converter,
  input: ReaderTasks["convert"]["input"],
): Promise<ReaderTasks["convert"]["output"]> {
  const logs: string[] = [];
  let path: string;
  try {
    path = await converter.convert(input.input, input.output_dir, {
      temp: input.temp,
      options: input.options,
      outputName: input.output_name,
      log: (message) => logs.push(message),
    });
  } catch (e) {
    if (e instanceof SyncError) throw e;
    throw failed(converter, input.input, e instanceof Error ? `${e.name}: ${e.message}` : String(e), e);
  }
  return { path: checkedOutput(path, converter, input), logs };
}

function checkedOutput(path: unknown, converter: Converter, input: ReaderTasks["convert"]["input"]): string {
  const fail = (reason: string) => failed(converter, input.input, reason);
  if (typeof path !== "string") throw fail("it returned no path");
  const entries = readdirSync(input.output_dir, { withFileTypes: true });
  if (entries.length !== 1) throw fail(`it left ${entries.length} outputs where one is expected`);
  const [only] = entries;
  if (!only?.isFile()) throw fail(`its output "${only?.name}" is no regular file`);
  const expected = join(realpathSync(input.output_dir), only.name);
  if (!statSync(path, { throwIfNoEntry: false }) || realpathSync(path) !== expected) {
    throw fail(`it returned "${path}", which is not its output "${only.name}"`);
  }
  return join(input.output_dir, only.name);
}

function failed(converter: Converter, input: string, reason: string, cause?: unknown): SyncError {
  return new SyncError("converter", "converter_failed", `converter ${converter.id} on ${input}: ${reason}`, {
    cause,
    hint:
      `The input is uploaded all the same; report this to the author of ${converter.id} ${converter.version}.`,
  });
}
