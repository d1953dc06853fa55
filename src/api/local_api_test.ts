/** The routes as clients of the published interface use them, on a real agent and its catalog. */
import { join } from "node:path";
import { z } from "zod";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { TestApi } from "./test_api.ts";

const FOLDERBASE = "etiket_sync_agent_folderbase";
const UNKNOWN_UUID = "11111111-2222-4333-8444-555555555555";
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

const Source = z.looseObject({
  id: z.number(),
  name: z.string(),
  status: z.string(),
  backend: z.string(),
  connector: z.string(),
  owner: z.string().nullable(),
  config_data: z.record(z.string(), z.unknown()),
  default_scope: z.string().nullable(),
  last_update: z.string(),
  scope_mappings: z.array(z.object({ scope_identifier: z.string(), scope_uuid: z.string() })),
});
const Items = z.array(z.looseObject({ id: z.number(), dataIdentifier: z.string(), status: z.string() }));
const Errors = z.array(z.looseObject({ id: z.number(), log_exception: z.string(), viewed: z.boolean() }));

async function defaultScope(api: TestApi): Promise<string> {
  const [scope] = await api.agent.client.scopes();
  assert(scope);
  return scope.uid;
}

/** What creates a source of dataset folders below the test's own folder. */
async function folderSource(api: TestApi, folder: string) {
  const root = join(api.root, folder);
  await Deno.mkdir(root, { recursive: true });
  return {
    name: folder,
    backend: FOLDERBASE,
    default_scope: await defaultScope(api),
    config_data: { root_directory: root, is_server_folder: false },
  };
}

async function made(api: TestApi, folder = "raw") {
  const [status, body] = await api.call("POST", "/sources", await folderSource(api, folder));
  assertEquals([status, typeof body], [201, "object"], JSON.stringify(body));
  return Source.parse(body);
}

/** Status and code of a refusal. */
async function refusal(api: TestApi, method: string, path: string, json?: unknown): Promise<string> {
  const [status, body] = await api.call(method, path, json);
  const { error, detail } = z.object({ error: z.string(), detail: z.string() }).parse(body);
  assert(detail !== "", "a refusal says why");
  return `${status} ${error}`;
}

Deno.test("the agent's state has all fields that clients need, and no word they do not know", async () => {
  await using api = await TestApi.open();
  const [status, body] = await api.call("GET", "/agent/status");
  const known = {
    sync_agent_service: "running",
    sync_api_service: "running",
    sync_agent_status: "running",
    sync_iteration_count: 7,
    last_update: "2024-11-06T13:21:30.123Z",
  };
  assertEquals([status, { ...z.looseObject({}).parse(body), ...known }], [200, body]);

  assertEquals(await refusal(api, "POST", "/agent/start"), "409 sync_agent_already_running");
  const [, stopped] = await api.call("POST", "/agent/stop");
  const { sync_agent_service, sync_agent_status, state } = z.looseObject({}).parse(stopped);
  assertEquals([sync_agent_service, sync_agent_status, state], ["not_running", "unavailable", "stopped"]);
  assertEquals(await refusal(api, "POST", "/agent/stop"), "409 sync_agent_already_stopped");
  assertEquals((await api.call("POST", "/agent/start"))[0], 200);
  assertEquals(api.calls, ["stop", "start"]);
});

Deno.test("sources: create, find, change, stop, start, own, delete", async () => {
  await using api = await TestApi.open();
  const source = await made(api, "räw data/1 %2F ü");
  assertEquals([source.backend, source.connector, source.status], [FOLDERBASE, FOLDERBASE, "scanning"]);
  assertMatch(source.last_update, UTC);
  const byName = await api.call("GET", `/sources/name/${encodeURIComponent(source.name)}`);
  assertEquals(Source.parse(byName[1]).id, source.id);
  const one = `/sources/${source.id}`;

  const [, renamed] = await api.call("PATCH", one, { name: "other", default_scope: null, config_data: null });
  assertEquals(Source.parse(renamed), {
    ...source,
    ...Source.pick({ last_update: true }).parse(renamed),
    name: "other",
  });
  const [, changed] = await api.call("PATCH", one, { name: null, config_data: { is_server_folder: true } });
  assertEquals(Source.parse(changed).config_data, { ...source.config_data, is_server_folder: true });

  assertEquals(await refusal(api, "POST", `${one}/start`), "409 sync_source_already_running");
  assertEquals(Source.parse((await api.call("POST", `${one}/stop`))[1]).status, "stopped");
  assertEquals(await refusal(api, "POST", `${one}/stop`), "409 sync_source_already_stopped");
  assertEquals(Source.parse((await api.call("POST", `${one}/start`))[1]).status, "syncing");

  for (const owner of [null, null]) {
    assertEquals(Source.parse((await api.call("POST", `${one}/release-ownership`))[1]).owner, owner);
  }
  assertEquals(Source.parse((await api.call("POST", `${one}/take-ownership`))[1]).owner, source.owner);

  assertEquals(await api.call("DELETE", one), [204, null]);
  assertEquals(await refusal(api, "DELETE", one), "404 sync_source_not_found");
  assertEquals(await api.call("GET", "/sources"), [200, []]);
  assert(api.calls.length >= 6, "the engine hears of what the user changed");
});

Deno.test("a source that is wrong is refused in the order backend, configuration, name, scope, and not made", async () => {
  await using api = await TestApi.open();
  const good = await folderSource(api, "raw");
  await made(api, "raw");
  const create = (more: Record<string, unknown>) => refusal(api, "POST", "/sources", { ...good, ...more });
  const wrong = { backend: "nothing", config_data: {}, default_scope: UNKNOWN_UUID };
  assertEquals(await create(wrong), "404 sync_source_backend_not_found");
  assertEquals(await create({ ...wrong, backend: FOLDERBASE }), "422 sync_source_config_error");
  assertEquals(await create({ default_scope: UNKNOWN_UUID }), "409 sync_source_name_already_taken");
  assertEquals(await create({ name: "x", default_scope: UNKNOWN_UUID }), "404 sync_source_scope_not_found");
  assertEquals(await create({ name: "x", default_scope: null }), "422 sync_source_config_error");
  // The same folder again.
  assertEquals(await create({ name: "x" }), "422 sync_source_config_error");
  assertEquals(await create({ name: "  " }), "422 sync_source_name_invalid");
  for (
    const more of [
      { name: 7 },
      { name: undefined },
      { config_data: [] },
      { default_scope: "default" },
      {
        backend: undefined,
      },
      { connector: "qcodes" },
      { autoassign_scope_mapping: "yes" },
    ]
  ) {
    assertEquals([more, await create(more)], [more, "422 validation_error"]);
  }
  assertEquals(z.array(Source).parse((await api.call("GET", "/sources"))[1]).length, 1);
});

Deno.test("clients that say connector get their own word back", async () => {
  await using api = await TestApi.open();
  const { backend, ...rest } = await folderSource(api, "raw");
  const [status, source] = await api.call("POST", "/sources", { ...rest, connector: backend });
  assertEquals([status, Source.parse(source).connector], [201, backend]);
  assertEquals(
    await refusal(api, "POST", "/sources", { ...rest, connector: "nothing" }),
    "404 sync_source_connector_not_found",
  );
  assertEquals(await api.call("GET", "/sources/connectors"), await api.call("GET", "/sources/backends"));
});

Deno.test("definitions are complete enough to fill in a form", async () => {
  await using api = await TestApi.open();
  const Definition = z.array(z.looseObject({
    identifier: z.string(),
    scope_requirement: z.enum(["REQUIRED", "DISABLED"]),
    config_data: z.array(z.looseObject({
      name: z.string(),
      type: z.string(),
      is_required: z.boolean(),
      default: z.union([z.string(), z.number(), z.boolean(), z.array(z.unknown()), z.null()]),
    })),
  }));
  const list = Definition.parse((await api.call("GET", "/sources/backends"))[1]);
  const folders = list.find((d) => d.identifier === FOLDERBASE);
  const required = folders?.config_data.filter((f) => f.is_required).map((f) => f.name);
  assertEquals(required, ["root_directory", "is_server_folder"]);
  assertEquals(list.find((d) => d.identifier.endsWith("qcodes"))?.scope_requirement, "DISABLED");
});

Deno.test("scope mappings: identifiers with slashes, refusals, what is not mapped", async () => {
  await using api = await TestApi.open();
  const source = await made(api);
  const all = `/sources/${source.id}/scope-mappings`;
  const identifier = "scope A/ü %2F";
  const one = `${all}/${encodeURIComponent(identifier)}`;
  const scope_uuid = await defaultScope(api);
  assertEquals(await refusal(api, "PATCH", one, { scope_uuid }), "404 scope_mapping_not_found");
  assertEquals(await refusal(api, "DELETE", one), "404 scope_mapping_not_found");
  const create = { scope_identifier: identifier, scope_uuid };
  assertEquals(
    await refusal(api, "POST", all, { ...create, scope_uuid: UNKNOWN_UUID }),
    "404 scope_mapping_invalid_scope",
  );
  const [status, mapping] = await api.call("POST", all, create);
  const { id: _, ...rest } = z.looseObject({ id: z.number() }).parse(mapping);
  assertEquals([status, rest], [201, { ...create, sync_source_id: source.id }]);
  assertEquals(await refusal(api, "POST", all, create), "409 scope_mapping_already_exists");
  assertEquals(
    await refusal(api, "PATCH", one, { scope_uuid: UNKNOWN_UUID }),
    "404 scope_mapping_invalid_scope",
  );
  assertEquals((await api.call("PATCH", one, { scope_uuid }))[0], 200);
  assertEquals(await api.call("GET", `${all}/unmapped`), [200, []]);
  assertEquals(await api.call("POST", `${all}/autoassign`), [200, 0]);
  assertEquals(await api.call("DELETE", one), [204, null]);
});

Deno.test("what is not there is said with the code of its kind", async () => {
  await using api = await TestApi.open();
  const one = `/sources/${(await made(api)).id}`;
  const cases: [method: string, path: string, code: string, json?: unknown][] = [
    ...["", "/errors", "/scope-mappings/unmapped"].map((rest): [string, string, string] => [
      "GET",
      `/sources/99${rest}`,
      "404 sync_source_not_found",
    ]),
    ...["/start", "/stop", "/reset-sync-items", "/take-ownership", "/errors/mark-all-viewed"].map(
      (rest): [string, string, string] => ["POST", `/sources/99${rest}`, "404 sync_source_not_found"],
    ),
    ["GET", "/sources/name/no%20such%2Fsource", "404 sync_source_not_found"],
    ["PATCH", `${one}/errors/99`, "404 sync_source_error_not_found", { viewed: true }],
    ["PATCH", "/agent/errors/99", "404 sync_status_error_not_found", { viewed: true }],
    ["GET", "/items/99", "404 sync_item_not_found"],
    ["PATCH", "/items/99/reset", "404 sync_item_not_found"],
    ["PATCH", "/items/99/prioritize", "404 sync_item_not_found"],
    ["GET", "/items?source_id=99", "404 sync_source_not_found"],
    ["GET", "/nothing", "404 not_found"],
    ["GET", "/sources/twelve", "422 validation_error"],
    ["GET", "/items?limit=many", "422 validation_error"],
    ["GET", "/items?order_by=color", "422 validation_error"],
    ["GET", "/agent/errors?viewed=perhaps", "422 validation_error"],
    ["PATCH", "/agent/errors/1", "422 validation_error", { viewed: "yes" }],
    ["PATCH", "/agent/errors/1", "422 validation_error", [1]],
    ["POST", "/agent/status", "405 method_not_allowed"],
    ["GET", `${one}/start`, "405 method_not_allowed"],
  ];
  for (const [method, path, code, json] of cases) {
    assertEquals([path, await refusal(api, method, path, json)], [path, code]);
  }
  const broken = await api.send("PATCH", "/api/v1/sync/agent/errors/1", {
    headers: { "content-type": "application/json" },
    body: "{",
  });
  assertEquals([broken.status, z.looseObject({}).parse(await broken.json()).error], [
    422,
    "validation_error",
  ]);
  const long = await api.send("PATCH", "/api/v1/sync/agent/errors/1", {
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ viewed: "x".repeat(1 << 20) }),
  });
  assertEquals([long.status, z.looseObject({}).parse(await long.json()).error], [413, "body_too_long"]);
});

Deno.test("errors: of the agent and of a source, in pages, marked as read", async () => {
  await using api = await TestApi.open();
  const { id } = await made(api);
  const error = (code: string) => new SyncError("source", code, "it is gone").toData();
  const { errors } = api.agent.catalog;
  for (let n = 0; n < 12; n++) errors.add(null, error(`agent_${n}`), n, Date.now());
  errors.add(id, error("source_1"), 1, Date.now());
  errors.add(id, error("source_2"), 2, Date.now());
  const list = async (path: string) => Errors.parse((await api.call("GET", path))[1]);

  const first = await list("/agent/errors");
  assertEquals([first.length, first[0]?.log_exception], [10, "agent_11: it is gone"]);
  assertEquals((await list("/agent/errors?skip=10&limit=5")).length, 2);
  assertEquals((await list("/agent/errors?include_sources=true&limit=50")).length, 14);
  const [, marked] = await api.call("PATCH", `/agent/errors/${first[0]?.id}`, { viewed: true });
  assertEquals(Errors.element.parse(marked).viewed, true);
  assertEquals((await list("/agent/errors?viewed=true")).map((e) => e.id), [first[0]?.id]);
  assertEquals(await api.call("POST", "/agent/errors/mark-all-viewed"), [200, 11]);
  assertEquals(await api.call("POST", "/agent/errors/mark-all-viewed"), [200, 0]);

  const ofSource = `/sources/${id}/errors`;
  const own = await list(ofSource);
  assertEquals(own.map((e) => [e.log_exception, e.sync_source_id, e.viewed]), [
    ["source_2: it is gone", id, false],
    ["source_1: it is gone", id, false],
  ]);
  assertMatch(String(own[0]?.log_timestamp), UTC);
  // An error of the agent is none of a source.
  const foreign = `${ofSource}/${first[0]?.id}`;
  assertEquals(await refusal(api, "PATCH", foreign, { viewed: true }), "404 sync_source_error_not_found");
  assertEquals((await api.call("PATCH", `${ofSource}/${own[0]?.id}`, { viewed: true }))[0], 200);
  assertEquals(await api.call("POST", `${ofSource}/mark-all-viewed`), [200, 1]);
});

Deno.test("items: filters, order, pages, reset and prioritize", async () => {
  await using api = await TestApi.open();
  const source = await folderSource(api, "raw");
  for (const name of ["run 1", "run 2", "run 3"]) {
    const folder = join(api.root, "raw", name);
    await Deno.mkdir(folder);
    await Deno.writeTextFile(
      join(folder, "_QH_dataset_info.yaml"),
      name === "run 3" ? "attributes: [\n" : "",
    );
    await Deno.utime(join(folder, "_QH_dataset_info.yaml"), 1_700_000_000, 1_700_000_000);
  }
  const { id } = await made(api, source.name);
  await api.agent.once();

  const list = async (query: string) =>
    Items.parse((await api.call("GET", `/items?source_id=${id}&${query}`))[1]).map((i) => i.dataIdentifier);
  assertEquals((await list("")).toSorted(), ["run 1", "run 2", "run 3"]);
  assertEquals((await list("is_synchronized=true")).toSorted(), ["run 1", "run 2"]);
  assertEquals(await list("is_synchronized=False"), ["run 3"]);
  assertEquals(await list("status=error"), ["run 3"]);
  assertEquals(await list("status=error&is_synchronized=true"), []);
  assertEquals(await list("query=RUN%202"), ["run 2"]);
  assertEquals(await list("query=%25"), []);
  assertEquals(await list("scope_identifier=nowhere"), []);
  const ascending = await list("order_by=id");
  assertEquals(await list("order_by=id&order_direction=desc"), ascending.toReversed());
  assertEquals(await list("order_by=id&limit=2&offset=2"), ascending.slice(2));
  assertEquals(await list("limit=0"), []);
  for (const order of ["last_update", "attempts", "syncpriority", "SyncPriority"]) {
    assertEquals((await list(`order_by=${order}`)).length, 3);
  }

  const [item] = Items.parse((await api.call("GET", "/items?query=run%201"))[1]);
  const [, detail] = await api.call("GET", `/items/${item?.id}`);
  const { sync_record, datasetUUID, last_update, syncPriority, hasPriority } = z.looseObject({}).parse(
    detail,
  );
  assert(sync_record !== null && typeof datasetUUID === "string" && typeof syncPriority === "number");
  assertEquals(hasPriority, false);
  assertMatch(String(last_update), UTC);
  assertEquals(await api.call("PATCH", `/items/${item?.id}/prioritize`), [204, null]);
  assertEquals(await list("has_priority=true"), ["run 1"]);
  assertEquals(await api.call("POST", `/sources/${id}/reset-sync-items`), [200, 1]);
  assertEquals(await api.call("POST", `/sources/${id}/reset-sync-items?include_successful=true`), [200, 3]);
  const all = { include_successful: true };
  assertEquals(await api.call("POST", `/sources/${id}/reset-sync-items`, all), [200, 3]);
  assertEquals(await api.call("PATCH", `/items/${item?.id}/reset`), [204, null]);
});

Deno.test("an item without a scope cannot be hurried", async () => {
  await using api = await TestApi.open();
  const { default_scope: _, ...source } = await folderSource(api, "raw");
  const folder = join(api.root, "raw", "project", "run");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "_QH_dataset_info.yaml"), "");
  await api.call("POST", "/sources", { ...source, autoassign_scope_mapping: true });
  await api.agent.once();
  const [item] = Items.parse((await api.call("GET", "/items"))[1]);
  assertEquals(item?.status, "no_mapping");
  assertEquals(
    await refusal(api, "PATCH", `/items/${item?.id}/prioritize`),
    "404 sync_item_scope_mapping_not_found",
  );
  const source_id = Source.parse((z.array(z.unknown()).parse((await api.call("GET", "/sources"))[1]))[0]).id;
  assertEquals(await api.call("GET", `/sources/${source_id}/scope-mappings/unmapped`), [200, ["project"]]);
});

Deno.test("HEAD answers like GET without a body, and opens no stream", async () => {
  await using api = await TestApi.open();
  const head = await api.send("HEAD", "/api/v1/sync/agent/activity/stream");
  assertEquals([head.status, await head.text()], [200, ""]);
  assertEquals(api.serving.looks, 0);
});

Deno.test("no answer may be kept, embedded or read by another page", async () => {
  await using api = await TestApi.open();
  for (const path of ["/api/v1/sync/agent/status", "/nowhere"]) {
    const { headers } = await api.send("GET", path);
    assertEquals(
      ["cache-control", "x-content-type-options", "x-frame-options", "cross-origin-resource-policy"].map((
        h,
      ) => headers.get(h)),
      ["no-store", "nosniff", "DENY", "same-origin"],
    );
    assertEquals([...headers.keys()].filter((h) => h.startsWith("access-control-")), []);
  }
});
