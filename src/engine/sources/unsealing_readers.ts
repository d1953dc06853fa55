/** The one way by which secrets reach a backend: in the message on the standard input of its reader process. */
import type { Config } from "../../kit/define_backend.ts";
import { type ErrorData, SyncError } from "../../kit/errors.ts";
import { hideKnownSecrets } from "../../kit/redact.ts";
import type { ReaderPool, ReaderTasks, RunOptions, TaskKind } from "../../readers/tasks.ts";
import { isReference, type SourceSecrets } from "./source_secrets.ts";

/**
 * A pool that takes configurations with references to secrets and hands on their values; what comes back has
 * references again, and no secret in its messages.
 */
export function unsealingReaders(pool: ReaderPool, secrets: SourceSecrets): ReaderPool {
  async function run<K extends TaskKind>(
    kind: K,
    input: ReaderTasks[K]["input"],
    options?: RunOptions,
  ): Promise<ReaderTasks[K]["output"]> {
    if (!("config" in input)) return await pool.run(kind, input, options);
    const { config } = input;
    const opened = Object.assign({}, input, { config: await secrets.open(config) });
    let output: ReaderTasks[K]["output"];
    try {
      output = await pool.run(kind, opened, options);
    } catch (e) {
      throw withoutSecretsInTexts(SyncError.from(e));
    }
    if (!("problems" in output && "plan" in output)) return output;
    return Object.assign({}, output, {
      problems: output.problems.map(hideKnownSecrets),
      config: output.config && withReferences(output.config, config),
    });
  }
  return { run, close: () => pool.close() };
}

/** Backends fill in defaults and correct paths; they do not touch what stands under a reference. */
function withReferences(config: Config, sealed: Config): Config {
  return {
    ...config,
    ...Object.fromEntries(Object.entries(sealed).filter(([, value]) => isReference(value))),
  };
}

function withoutSecretsInTexts(error: SyncError): SyncError {
  const data = error.toData();
  const text = JSON.stringify(data);
  if (hideKnownSecrets(text) === text) return error;
  const clean: ErrorData = {
    ...data,
    message: hideKnownSecrets(data.message),
    hint: hideKnownSecrets(data.hint),
    ...(data.causes ? { causes: data.causes.map(hideKnownSecrets) } : {}),
    ...(data.stack ? { stack: hideKnownSecrets(data.stack) } : {}),
  };
  return SyncError.fromData(clean);
}
