/** Carries out tasks inside a reader process. */
import { homedir } from "node:os";
import { checkConfig } from "../kit/config_check.ts";
import type { Backend, Config } from "../kit/define_backend.ts";
import { SyncError } from "../kit/errors.ts";
import type { Registry } from "./registry.ts";
import { runConverter } from "./run_converter.ts";
import type { ReaderTasks, SourcePlan, TaskKind } from "./tasks.ts";

type Runners = {
  [K in TaskKind]: (input: ReaderTasks[K]["input"], registry: Registry) => Promise<ReaderTasks[K]["output"]>;
};

const RUNNERS: Runners = {
  describe: (_input, registry) => registry.describe(),
  resolve: async ({ backend, config, unvalidated }, registry) =>
    resolve(await registry.backend(backend), config, unvalidated),
  discover: async ({ backend, config, since }, registry) => {
    const found = await registry.backend(backend);
    if (found.kind !== "database") {
      throw new SyncError(
        "internal",
        "not_a_database",
        `backend ${found.identifier} lists folders, not a database`,
      );
    }
    return await guarded(found, () => found.discover(config, since));
  },
  read: async ({ backend, config, item, context }, registry) => {
    const found = await registry.backend(backend);
    return await guarded(found, () => found.read(config, item, context));
  },
  write_back: async ({ backend, config, item, outcome }, registry) => {
    const found = await registry.backend(backend);
    return await guarded(found, () => {
      if (found.writeBack) return found.writeBack(config, item, outcome);
      throw new Error("its drafts are replicas, but it has no writeBack");
    });
  },
  find_dataset: async ({ backend, config, alt_uid, scope }, registry) => {
    const found = await registry.backend(backend);
    return { uuid: await guarded(found, () => found.findDataset?.(config, alt_uid, scope) ?? null) };
  },
  convert: async (input, registry) => runConverter(await registry.converter(input.converter), input),
  inspect: async ({ path, filename }) => {
    const { inspectFile } = await import("../kit/hdf5/file_type.ts");
    return inspectFile(path, filename);
  },
  compare_live: async ({ live, files }) => {
    const { compareLive } = await import("../kit/hdf5/compare_live.ts");
    return { differences: await compareLive(live, files) };
  },
  thumbnail: async ({ path, output }) => {
    const { makeThumbnail } = await import("../kit/images/thumbnail.ts");
    return makeThumbnail(path, output);
  },
};

/** Runs one task. @throws SyncError always of that type */
export async function runTask<K extends TaskKind>(
  kind: K,
  input: ReaderTasks[K]["input"],
  registry: Registry,
): Promise<ReaderTasks[K]["output"]> {
  try {
    return await RUNNERS[kind](input, registry);
  } catch (e) {
    throw SyncError.from(e);
  }
}

async function resolve(
  backend: Backend,
  raw: Config,
  unvalidated = false,
): Promise<ReaderTasks["resolve"]["output"]> {
  const checked = checkConfig(backend.fields, raw, {
    home: homedir(),
    defaultTimeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
  });
  // A backend may rely on types, so that it sees a configuration only when those are right.
  const problems = checked.problems.length || unvalidated
    ? checked.problems
    : await guarded(backend, () => backend.validate(checked.config));
  if (problems.length) return { problems, plan: null, config: null };
  return {
    problems,
    plan: await guarded(backend, () => planOf(backend, checked.config)),
    config: checked.config,
  };
}

function planOf(backend: Backend, config: Config): SourcePlan {
  if (backend.kind === "database") {
    return {
      kind: "database",
      watch_paths: backend.watchPaths(config),
      ...(backend.address ? { address: backend.address(config) } : {}),
    };
  }
  const pattern = backend.name_pattern;
  if (pattern?.flags) {
    throw new SyncError("usage", "backend_invalid", `backend ${backend.identifier}: name_pattern has flags`, {
      hint: "Write the pattern without flags.",
    });
  }
  return {
    kind: "folder",
    root: backend.rootPath(config),
    level: typeof backend.level === "function" ? backend.level(config) : backend.level,
    single_file: backend.single_file,
    server_folder: backend.isServerFolder(config),
    name_pattern: pattern?.source ?? null,
    scope_from_path: backend.scope_from_path ?? false,
  };
}

/** Calls code of a backend; whatever it throws without a class is a crash of that backend, not a bug of the agent. */
export async function guarded<T>(backend: Backend, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (e) {
    if (e instanceof SyncError) throw e;
    const message = e instanceof Error ? `${e.name}: ${e.message}` : String(e);
    throw new SyncError("reader", "reader_exception", `backend ${backend.identifier} failed: ${message}`, {
      cause: e,
      hint: `This is a bug in the backend ${backend.identifier} ${backend.version}: report it to its author.`,
    });
  }
}
