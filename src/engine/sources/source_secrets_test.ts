import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../../tests/assert.ts";
import { Catalog } from "../../catalog/catalog.ts";
import { systemEnv } from "../../env.ts";
import { checkConfig } from "../../kit/config_check.ts";
import type { Config, Field } from "../../kit/define_backend.ts";
import { SyncError } from "../../kit/errors.ts";
import type { BackendInfo, ReaderPool } from "../../readers/tasks.ts";
import { openSecretStore } from "../../secrets/sealed_files.ts";
import { resolveSource } from "./resolve_source.ts";
import { sealStored } from "./seal_stored.ts";
import type { Services } from "../services.ts";
import { SourceSecrets } from "./source_secrets.ts";
import { SourceService } from "./source_service.ts";
import { unsealingReaders } from "./unsealing_readers.ts";

const text = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  type: "string",
  required: false,
  description: name,
  ...more,
});
const BACKEND: BackendInfo = {
  identifier: "etiket_sync_agent_vault",
  display_name: "Vault",
  aliases: [],
  version: "1",
  kind: "database",
  scope_policy: "OPTIONAL",
  supports_scope_mapping: true,
  has_owner: false,
  live: false,
  fields: [text("host"), text("password", { secret: true, aliases: ["passwd"] })],
  origin: "test",
};
const OLD = "canary-Old+1 'secret'";
const NEW = "canary-New+2 'secret'";

/** A backend that lets everybody in with the passwords it knows, and quotes the ones it refuses. */
class Vault implements ReaderPool {
  readonly seen: Config[] = [];
  /** A host that lets nobody in. */
  broken = "broken";
  run: ReaderPool["run"] = (_kind, input) => {
    assert("config" in input);
    const isAsked = !("unvalidated" in input && input.unvalidated);
    this.seen.push(input.config);
    const options = { home: "/", defaultTimeZone: "UTC" };
    const { config, problems } = checkConfig(BACKEND.fields, input.config, options);
    const { host, password } = config;
    if (isAsked && host === this.broken) {
      const quoting = new SyncError("source", "no_entry", `vault://me:${password}/@x refused "${password}"`);
      return Promise.reject(quoting);
    }
    if (isAsked && password === "wrong-canary") problems.push(`"${password}" is not the password`);
    const plan = { kind: "database" as const, watch_paths: [`/${host}`] };
    const resolved = problems.length > 0
      ? { problems, plan: null, config: null }
      : { problems, plan, config };
    return Promise.resolve(resolved as never);
  };
  close = () => Promise.resolve();
}

class Sandbox {
  readonly vault = new Vault();
  readonly secretsFolder: string;
  readonly catalogPath: string;
  readonly s: Services;
  readonly sources: SourceService;
  readonly secrets: SourceSecrets;

  constructor(readonly root: string) {
    this.secretsFolder = join(root, "secrets");
    this.catalogPath = join(root, "catalog.db");
    this.secrets = new SourceSecrets(
      openSecretStore(this.secretsFolder, { keys: "file" }),
      () => systemEnv.uuid(),
    );
    this.s = {
      env: systemEnv,
      catalog: Catalog.open(this.catalogPath),
      readers: unsealingReaders(this.vault, this.secrets),
      registry: () => Promise.resolve({ backends: [BACKEND], converters: [], broken: [] }),
      log: () => {},
    } as unknown as Services;
    this.sources = new SourceService(this.s, [BACKEND], this.secrets);
  }

  row(name = "v") {
    const row = this.s.catalog.sources.byName(name);
    assert(row, `there is a source ${name}`);
    return row;
  }

  sealedFiles(end = ".sealed"): string[] {
    try {
      return [...Deno.readDirSync(this.secretsFolder)].map((e) => e.name).filter((name) =>
        name.endsWith(end)
      );
    } catch {
      return [];
    }
  }

  loseKeys(): Sandbox {
    for (const name of this.sealedFiles(".key")) Deno.removeSync(join(this.secretsFolder, name));
    return new Sandbox(this.root);
  }

  /** Everything in the state folder, as one text. */
  bytes(): string {
    const read = (folder: string): string[] =>
      [...Deno.readDirSync(folder)].flatMap((e) => {
        const path = join(folder, e.name);
        return e.isDirectory ? read(path) : [new TextDecoder("latin1").decode(Deno.readFileSync(path))];
      });
    return read(this.root).join("\n");
  }
}

function inSandbox(name: string, test: (box: Sandbox) => Promise<void>): void {
  Deno.test(name, async () => {
    const root = await Deno.makeTempDir({ prefix: "source_secrets_" });
    const box = new Sandbox(root);
    try {
      await test(box);
    } finally {
      box.s.catalog.close();
      await Deno.remove(root, { recursive: true });
    }
  });
}

const failure = async (call: () => Promise<unknown>): Promise<SyncError> => {
  const error = await assertRejects(call);
  assert(error instanceof SyncError);
  return error;
};

inSandbox(
  "the backend gets the password; the catalog, what is shown and the disk do not have it",
  async (box) => {
    const shown = await box.sources.add({ name: "v", backend: "vault", config: { host: "a", passwd: OLD } });
    assertEquals([shown.config_data, shown.secrets], [{ host: "a", time_zone: "UTC" }, ["password"]]);
    const { config } = await resolveSource(box.s, box.row());
    assertEquals(box.vault.seen.map((c) => c.password ?? c.passwd), [OLD, OLD]);
    for (const quoted of [JSON.stringify(config), JSON.stringify(box.row()), box.bytes()]) {
      assert(!quoted.includes("canary"), quoted.slice(0, 300));
    }
  },
);

inSandbox(
  "another password: the same source, read on from where it was, and the old one is forgotten",
  async (box) => {
    await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
    box.s.catalog.sources.setCursor(box.row().id, { last: 7 });
    const [before, [file]] = [box.row(), box.sealedFiles()];
    await box.sources.update("v", { config: { password: NEW } });
    assertEquals([box.row().id, box.row().cursor], [before.id, { last: 7 }]);
    assert(
      JSON.stringify(box.row().config) !== JSON.stringify(before.config),
      "a serving agent sees that it changed",
    );
    assertEquals(box.sealedFiles().length, 1);
    assert(box.sealedFiles()[0] !== file);
    // The same again changes nothing.
    const after = box.row().config;
    await box.sources.update("v", { config: { password: NEW } });
    assertEquals(box.row().config, after);
  },
);

inSandbox("a change of something else leaves the password as it is", async (box) => {
  await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
  const { password } = box.row().config;
  await box.sources.update("v", { config: { host: "b" } });
  assertEquals(box.row().config.password, password);
  assertEquals(box.vault.seen.at(-1)?.password, OLD);
  await box.sources.update("v", { config: { password: null } });
  assertEquals([box.row().config.password, box.sealedFiles()], [undefined, []]);
});

inSandbox("what is refused leaves no secret behind, and quotes none", async (box) => {
  const wrong = { name: "v", backend: "vault", config: { host: "a", password: "wrong-canary" } };
  const refused = await failure(() => box.sources.add(wrong));
  assertEquals(refused.message, '"<redacted>" is not the password');
  const broken = await failure(() =>
    box.sources.add({ ...wrong, config: { host: "broken", password: OLD } })
  );
  assert(!JSON.stringify(broken.toData()).includes("canary"), broken.stack);
  assertEquals(box.sealedFiles(), []);
  await box.sources.add({ ...wrong, config: { host: "a", password: OLD } });
  const taken = await failure(() => box.sources.add({ ...wrong, config: { host: "b", password: OLD } }));
  assertEquals([taken.code, box.sealedFiles().length], ["sync_source_name_already_taken", 1]);
});

inSandbox("nobody can have a secret handed to another server by naming its reference", async (box) => {
  await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
  const { password } = box.row().config;
  for (const config of [{ host: "evil", password }, { host: password }]) {
    const refused = await failure(() => box.sources.add({ name: "w", backend: "vault", config }));
    assertEquals(refused.code, "sync_source_config_error");
  }
  assertEquals((await failure(() => box.sources.update("v", { config: { host: password } }))).class, "usage");
});

inSandbox("the same source with another password is found, and takes it", async (box) => {
  const input = { name: "v", backend: "vault", config: { host: "a", password: OLD } };
  await box.sources.add(input);
  const found = await box.sources.findOrAdd({ ...input, name: "w", config: { host: "a", password: NEW } });
  assertEquals([found.name, box.sources.list().length], ["v", 1]);
  await resolveSource(box.s, box.row());
  assertEquals(box.vault.seen.at(-1)?.password, NEW);
});

inSandbox("what is stored already is not asked for again, so it need not be in reach", async (box) => {
  await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
  const before = box.row().config;
  box.vault.broken = "a";
  await box.sources.update("v", { config: { host: "a", password: OLD } });
  await box.sources.update("v", { config: { host: "a" } });
  assertEquals(box.row().config, before);
  assertEquals(
    (await failure(() => box.sources.update("v", { config: { password: NEW } }))).code,
    "no_entry",
  );
  await box.sources.update("v", { config: { host: "b" } });
  assertEquals(box.row().config.password, before.password);
});

inSandbox("removing a source forgets its secret", async (box) => {
  await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
  await box.sources.remove("v");
  assertEquals(box.sealedFiles(), []);
});

inSandbox(
  "a lost key stops the one source and says what to do; the password entered again heals it",
  async (box) => {
    await box.sources.add({ name: "v", backend: "vault", config: { host: "a", password: OLD } });
    await box.sources.add({ name: "open", backend: "vault", config: { host: "b" } });
    const later = box.loseKeys();
    try {
      const error = await failure(() => resolveSource(later.s, later.row()));
      assertEquals([error.class, error.code], ["source", "secret_lost"]);
      assertEquals(error.hint, 'Enter the password again: etiket-sync source update "v" --secret password');
      await resolveSource(later.s, later.row("open"));
      assertEquals(later.sources.list().length, 2);
      assertEquals(
        (await failure(() => later.sources.update("v", { config: { host: "c" } }))).code,
        "secret_lost",
      );
      await later.sources.update("v", { name: "vault" });
      await later.sources.update("vault", { config: { password: NEW } });
      await resolveSource(later.s, later.row("vault"));
      assertEquals(later.vault.seen.at(-1)?.password, NEW);
    } finally {
      later.s.catalog.close();
    }
  },
);

inSandbox(
  "rows that were written in clear are sealed, and nothing of them stays in the catalog's files",
  async (box) => {
    const { catalog } = box.s;
    const config = { host: "a", password: OLD, time_zone: "UTC" };
    const source = {
      name: "v",
      backend: BACKEND.identifier,
      config,
      default_scope: null,
      autoassign: false,
      owner: null,
    };
    const id = catalog.sources.add(source, 1);
    catalog.sources.setCursor(id, 3);
    assert(box.bytes().includes("canary"), "the search finds what is in clear");
    await sealStored(box.s, [BACKEND], box.secrets);
    assertEquals(box.row().cursor, 3);
    assert(!box.bytes().includes("canary"));
    await resolveSource(box.s, box.row());
    assertEquals(box.vault.seen.at(-1)?.password, OLD);
    const sealed = box.row().config;
    await sealStored(box.s, [BACKEND], box.secrets);
    assertEquals(box.row().config, sealed);
  },
);
