/** The backends and converters that a reader process can run, found by identifier, short name or alias. */
import { type Backend, defineBackend } from "../kit/define_backend.ts";
import { type Converter, defineConverter } from "../kit/define_converter.ts";
import { allFields } from "../kit/config_check.ts";
import { suggestion } from "../kit/did_you_mean.ts";
import { SyncError } from "../kit/errors.ts";
import { BUILTIN_BACKENDS, BUILTIN_CONVERTERS, type ModuleLoader } from "./builtins.ts";
import type { BackendInfo, BrokenModule, InstalledConverter, ReaderTasks } from "./tasks.ts";

const PREFIX = "etiket_sync_agent_";

interface Loaded {
  backends: { definition: Backend; origin: string }[];
  converters: { definition: Converter; origin: string }[];
  broken: BrokenModule[];
}

/** Loads each module once, when it is first needed. */
export class Registry {
  readonly #load: readonly string[];
  #all: Promise<Loaded> | undefined;

  /** @param load URLs of modules besides the built-in ones; each default export is a definition or a list of them */
  constructor(load: readonly string[]) {
    this.#load = load;
  }

  /** @throws SyncError `backend_not_found` */
  async backend(name: string): Promise<Backend> {
    const builtin = BUILTIN_BACKENDS[shortName(name)];
    if (builtin) return asBackend((await builtin()).default);
    const { backends, broken } = await this.#loadAll();
    const found = backends.find(({ definition: d }) => answersTo(name, d.identifier, d.aliases));
    if (found) return found.definition;
    const known = backends.map((b) => b.definition).flatMap((d) => [shortName(d.identifier), d.identifier]);
    throw notFound("backend", name, known, broken);
  }

  /** @throws SyncError `converter_not_found` */
  async converter(name: string): Promise<Converter> {
    const builtin = BUILTIN_CONVERTERS[shortName(name)];
    if (builtin) return asConverter((await builtin()).default);
    const { converters, broken } = await this.#loadAll();
    const found = converters.find(({ definition: d }) => answersTo(name, d.id, d.aliases));
    if (found) return found.definition;
    throw notFound("converter", name, converters.map((c) => c.definition.id), broken);
  }

  async describe(): Promise<ReaderTasks["describe"]["output"]> {
    const { backends, converters, broken } = await this.#loadAll();
    return {
      backends: backends.map(({ definition, origin }) => backendInfo(definition, origin)),
      converters: converters.map(({ definition, origin }) => converterInfo(definition, origin)),
      broken,
    };
  }

  #loadAll(): Promise<Loaded> {
    return this.#all ??= this.#loadEach();
  }

  /** Built-in ones first, so that they win over others of the same name; a broken module stops no other. */
  async #loadEach(): Promise<Loaded> {
    const loaded: Loaded = { backends: [], converters: [], broken: [] };
    const builtins = [...Object.values(BUILTIN_BACKENDS), ...Object.values(BUILTIN_CONVERTERS)];
    const modules: [string, ModuleLoader][] = [
      ...builtins.map((load): [string, ModuleLoader] => ["built-in", load]),
      ...this.#load.map((url): [string, ModuleLoader] => [url, () => import(url)]),
    ];
    for (const [origin, load] of modules) {
      try {
        for (const definition of [(await load()).default].flat()) {
          if (isConverter(definition)) {
            loaded.converters.push({ definition: asConverter(definition), origin });
          } else loaded.backends.push({ definition: asBackend(definition), origin });
        }
      } catch (e) {
        loaded.broken.push({ origin, error: brokenModule(origin, e).toData() });
      }
    }
    return loaded;
  }
}

const isConverter = (definition: unknown) =>
  typeof definition === "object" && definition !== null && "convert" in definition;

// The define functions check every member at run time; a definition comes from code that no compiler saw with ours.
const asBackend = (definition: unknown) => defineBackend((definition ?? {}) as Backend);
const asConverter = (definition: unknown) => defineConverter((definition ?? {}) as Converter);

const normal = (name: string) => name.toLowerCase().replaceAll("-", "_");

function shortName(name: string): string {
  const plain = normal(name);
  return plain.startsWith(PREFIX) ? plain.slice(PREFIX.length) : plain;
}

function answersTo(name: string, identifier: string, aliases: string[] = []): boolean {
  return [identifier, ...aliases].some((known) => shortName(known) === shortName(name));
}

function notFound(
  what: "backend" | "converter",
  name: string,
  known: string[],
  broken: BrokenModule[],
): SyncError {
  const why = broken.length
    ? `; not loaded: ${broken.map((b) => `${b.origin} (${b.error.message})`).join(", ")}`
    : "";
  return new SyncError(
    "usage",
    `${what}_not_found`,
    `there is no ${what} "${name}"${suggestion(name, known)}${why}`,
    { hint: `\`etiket-sync ${what} list\` shows the ones that are installed.` },
  );
}

function brokenModule(origin: string, thrown: unknown): SyncError {
  if (thrown instanceof SyncError) return thrown;
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new SyncError("usage", "module_broken", `the module (${origin}) can't be loaded: ${message}`, {
    cause: thrown,
    hint: "Correct the module or uninstall it.",
  });
}

function backendInfo(b: Backend, origin: string): BackendInfo {
  return {
    identifier: b.identifier,
    display_name: b.display_name,
    aliases: b.aliases ?? [],
    version: b.version,
    kind: b.kind,
    scope_policy: b.scope_policy,
    supports_scope_mapping: b.supports_scope_mapping,
    has_owner: b.has_owner,
    live: typeof b.live === "function",
    fields: allFields(b.fields),
    origin,
  };
}

function converterInfo(c: Converter, origin: string): InstalledConverter {
  const { id, version, input, output, auto, folder } = c;
  return { id, version, input, output, auto, folder, aliases: c.aliases ?? [], origin };
}
