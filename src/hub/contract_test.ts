import { assert, assertEquals } from "../../tests/assert.ts";
import { ContractChecker } from "./contract.ts";
import { bytesOf, md5, type TestHub, UploadLinksReply, withHub } from "./test_hub.ts";

/** Statuses of the contract that this hub never answers, with the reason. */
const NOT_HERE = new Set([
  // log-in, API tokens and user administration are not offered by the embedded hub (501)
  "POST /api/v3/token 200",
  "POST /api/v3/token 400",
  "POST /api/v3/token/revoke 200",
  "PATCH /api/v3/me/password 200",
  "POST /api/v3/users 201",
  "POST /api/v3/users 409",
  "PATCH /api/v3/users/{sub} 200",
  "DELETE /api/v3/users/{sub} 204",
  "GET /api/v3/api-tokens 200",
  "POST /api/v3/api-tokens 201",
  "POST /api/v3/api-tokens 409",
  "DELETE /api/v3/api-tokens/{uid} 204",
  "DELETE /api/v3/api-tokens/{uid} 404",
  // neither are releases and log deposits
  "GET /api/v2/version/latest/ 200",
  "GET /api/v2/release/latest/ 200",
  "GET /api/v2/release/get_release_from_version/ 200",
  "POST /api/v2/logs/deposit/create/ 200",
  "POST /api/v2/logs/deposit/confirm/ 202",
  // a folder does not refuse what an S3 store may
  "POST /api/v2/file/validate_upload/ 500",
  // there are no schemas, and every scope is open to the local user
  "GET /api/v2/schema/ 200",
  "GET /api/v3/scopes/{uid} 403",
  "PATCH /api/v2/dataset/ 403",
  "DELETE /api/v2/dataset/ 403",
  // the probe tells what the hub can do (200), which the contract leaves open
  "GET /api/v3/ 404",
  // one of two equal statuses is enough
  "PUT /bucket/{file_uuid}/{version_id} 201",
]);
const BEYOND = new Set([
  "GET /api/v3/ 200",
  "POST /api/v2/dataset/move/ 200",
  "GET /bucket/{file_uuid}/{version_id} 206",
]);

/** Sends requests, and holds each reply against the contract. */
class CheckedHub {
  readonly contract = new ContractChecker();
  readonly seen = new Set<string>();
  readonly problems: string[] = [];

  constructor(private readonly hub: TestHub) {}

  async send(
    method: string,
    path: string,
    json?: unknown,
    headers?: Record<string, string>,
  ): Promise<unknown> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    return await this.check(method, path, await this.hub.fetch(path, { method, body, headers }));
  }

  async check(method: string, path: string, reply: Response): Promise<unknown> {
    const { pathname } = new URL(path, "http://x.y");
    const route = this.contract.routeOf(method, pathname);
    const name = `${route?.name ?? `${method} ${pathname}`} ${reply.status}`;
    this.seen.add(name);
    const isJson = reply.headers.get("content-type")?.startsWith("application/json") ?? false;
    const body = isJson ? await reply.json() : void await reply.bytes();
    const report = (problem: string) => problem && this.problems.push(`${name}: ${problem}`);
    if (route?.statuses.includes(String(reply.status))) {
      report(this.contract.problems(route, reply.status, body));
    } else if (reply.status >= 400) report(this.contract.errorProblems(pathname, body));
    else if (!BEYOND.has(name)) report("not in the contract");
    return body;
  }
}

/** Every route of the hub, in every outcome that the contract names. */
async function tour(hub: TestHub, checked: CheckedHub): Promise<void> {
  const send = checked.send.bind(checked);
  const unknown = crypto.randomUUID();
  const other = crypto.randomUUID();

  await send("GET", "/api/v3/");
  await send("GET", "/api/v2/version/API/");
  await send("GET", "/api/v2/version/?software_type=qdrive");
  await send("GET", "/api/v3/me");
  await send("GET", "/api/v3/me", undefined, { authorization: "Bearer wrong" });
  await send("GET", "/api/v3/token/userinfo");
  await send("GET", "/api/v3/token/userinfo", undefined, { authorization: "Bearer wrong" });
  await send("GET", "/api/v3/users");
  await send("GET", `/api/v3/users/${await localSub(hub)}`);
  await send("GET", "/api/v3/users/nobody");
  await send("POST", "/api/v3/bug-reports", { subject: "s", description: "d" });
  const attachment = { filename: "f", content_type: "t", data: "AAAA".repeat(3_600_000) };
  await send("POST", "/api/v3/bug-reports", { subject: "s", description: "d", attachments: [attachment] });

  const scope = { name: "other", uid: other, description: "", bucket_uuid: unknown };
  await send("POST", "/api/v3/scopes", scope);
  await send("POST", "/api/v3/scopes", scope);
  await send("POST", "/api/v3/scopes", { ...scope, name: "x" });
  await send("GET", "/api/v3/scopes");
  await send("GET", `/api/v3/scopes/${other}`);
  await send("GET", `/api/v3/scopes/${unknown}`);
  await send("PATCH", `/api/v3/scopes/${other}`, { description: "new" });
  await send("GET", `/api/v3/scopes/${other}/bucket`);
  await send("GET", "/api/v2/S3/bucket/read/");
  await send("GET", "/api/v2/schemas/?offset=0");
  await send("GET", `/api/v2/schema/?schema_uuid=${unknown}`);

  const uuid = crypto.randomUUID();
  const dataset = {
    uuid,
    alt_uid: "alt",
    collected: "2026-03-01T12:00:00+01:00",
    name: "n",
    creator: "",
    description: "d",
    notes: null,
    keywords: ["k"],
    ranking: 0,
    scope_uuid: hub.scope,
    attributes: { a: "b" },
  };
  await send("POST", "/api/v2/dataset/", dataset);
  await send("POST", "/api/v2/dataset/", dataset);
  await send("POST", "/api/v2/dataset/", { ...dataset, uuid: unknown, scope_uuid: unknown });
  await send("POST", "/api/v2/dataset/", { ...dataset, uuid: unknown, scope_uuid: other });
  await send("POST", "/api/v2/dataset/", { name: 1 });
  for (
    const query of [
      `?dataset_uuid=${uuid}`,
      `?dataset_uuid=${other}`,
      `?dataset_uuid=${uuid}&scope_uuid=${uuid}`,
      `by_uuid_or_alt_uid/?dataset_uuid_or_uid=${uuid}`,
      "by_uuid_or_alt_uid/?dataset_uuid_or_uid=alt",
      "by_uuid_or_alt_uid/?dataset_uuid_or_uid=nothing",
      `by_uuid_or_alt_uid/?dataset_uuid_or_uid=alt&scope_uuid=${uuid}`,
      `by_alt_uid/?dataset_alt_uid=alt&scope_uuid=${hub.scope}`,
      `by_alt_uid/?dataset_alt_uid=nothing&scope_uuid=${hub.scope}`,
      `by_alt_uid/?dataset_alt_uid=alt&scope_uuid=${uuid}`,
    ]
  ) await send("GET", `/api/v2/dataset/${query}`);
  await send("PATCH", `/api/v2/dataset/?dataset_uuid=${uuid}`, { name: "new" });
  await send("PATCH", `/api/v2/dataset/?dataset_uuid=${other}`, { name: "new" });
  await send("POST", "/api/v2/datasets/attributes/", {});
  await send("POST", "/api/v2/datasets/distinct_dates/", {});

  const file = {
    name: "f",
    filename: "f.bin",
    uuid: crypto.randomUUID(),
    creator: "",
    collected: "2026-03-01T12:00:00Z",
    size: 3,
    type: "UNKNOWN",
    file_generator: null,
    version_id: 1_760_000_000_000,
    ds_uuid: uuid,
  };
  const key = { uuid: file.uuid, version_id: file.version_id };
  const link =
    `/api/v2/file/presigned_link/single_part/?file_uuid=${file.uuid}&version_id=${file.version_id}`;
  const validation = { ...key, md5_checksum: md5(bytesOf("abc")), upload_id: "", etags: [] };
  await send("POST", "/api/v2/file/", file);
  await send("POST", "/api/v2/file/", file);
  await send("POST", "/api/v2/file/", { ...file, ds_uuid: other });
  await send("GET", `/api/v2/file/read/?uuid=${file.uuid}`);
  await send("GET", link);
  await send("GET", `/api/v2/dataset/?dataset_uuid=${uuid}`);
  await send("POST", "/api/v2/file/validate_upload/single_part/", validation);
  const url = await hub.uploadLink(key);
  await checked.check("PUT", url, await hub.put(url, bytesOf("abc")));
  await checked.check("PUT", url, await hub.put(`${url}x`, bytesOf("abc")));
  await send("POST", "/api/v2/file/validate_upload/single_part/", validation);
  await send("POST", "/api/v2/file/validate_upload/single_part/", validation);
  await send("GET", link);
  await multipartTour(hub, checked, file);
  await send("GET", `/api/v2/file/read/?uuid=${file.uuid}&version_id=${file.version_id}`);
  await send("GET", `/api/v2/file/read/?uuid=${unknown}`);
  await send("GET", `/api/v2/file/by_name/?dataset_uuid=${uuid}&name=f`);
  const download = (await hub.readVersion(key)).S3_link ?? "";
  await send("GET", download);
  await send("GET", download, undefined, { range: "bytes=0-1" });
  await send("GET", download, undefined, { range: "bytes=9-" });
  await send("PATCH", `/api/v2/file/?uuid=${file.uuid}&version_id=${file.version_id}`, { ranking: 1 });
  await send("POST", "/api/v2/file/mark_immutable/", { file_uuid: file.uuid, version_id: file.version_id });
  await send("POST", "/api/v2/datasets/search/", {});
  await send("POST", "/api/v2/datasets/search/", { scope_uuids: [unknown] });

  await send("GET", "/api/v2/dataset/by_uuid_or_alt_uid/?dataset_uuid_or_uid=alt");
  await send("POST", `/api/v2/dataset/move/?dataset_uuid=${unknown}&scope_uuid=${hub.scope}`);
  await send("DELETE", `/api/v2/dataset/?dataset_uuid=${unknown}`);
  await send("POST", `/api/v2/dataset/move/?dataset_uuid=${uuid}&scope_uuid=${other}`);
  await send("DELETE", `/api/v2/file/?file_uuid=${file.uuid}`);
  await send("DELETE", `/api/v2/dataset/?dataset_uuid=${uuid}`);
  await send("DELETE", `/api/v2/dataset/?dataset_uuid=${uuid}`);
  await send("DELETE", `/api/v3/scopes/${other}`);
  await send("PUT", "/api/v2/dataset/", {});
  await send("GET", "/api/v3/elsewhere");
  await send("GET", "/elsewhere");
}

/** Upload in several parts, of another file like `like`. */
async function multipartTour(
  hub: TestHub,
  checked: CheckedHub,
  like: Record<string, unknown>,
): Promise<void> {
  const key = { uuid: crypto.randomUUID(), version_id: 1_760_000_000_000 };
  await checked.send("POST", "/api/v2/file/", { ...like, ...key, name: "in parts" });
  const presign = `/api/v2/file/presigned_link/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
  const aborted = UploadLinksReply.parse(await checked.send("GET", presign));
  const validation = { ...key, md5_checksum: md5(bytesOf("abc")), etags: [`"${md5(bytesOf("abc"))}"`] };
  await checked.send("POST", "/api/v2/file/abort_upload/", { ...validation, upload_id: aborted.upload_id });
  await checked.send("POST", "/api/v2/file/abort_upload/", { ...validation, upload_id: aborted.upload_id });
  const { upload_id, presigned_urls: [url = ""] } = UploadLinksReply.parse(
    await checked.send("GET", presign),
  );
  await checked.send("POST", "/api/v2/file/validate_upload/", { ...validation, upload_id });
  await checked.check("PUT", url, await hub.put(url, bytesOf("abcd")));
  await checked.check("PUT", url, await hub.put(url, bytesOf("abc")));
  await checked.send("POST", "/api/v2/file/validate_upload/", { ...validation, upload_id });
  await checked.send("POST", "/api/v2/file/validate_upload/", { ...validation, upload_id: "other" });
  await checked.send("GET", presign);
  await checked.send("DELETE", `/api/v2/file/?file_uuid=${key.uuid}`);
}

async function localSub(hub: TestHub): Promise<string> {
  const reply = await hub.call("GET", "/api/v3/me");
  return String(Object.entries(reply.body ?? {}).find(([name]) => name === "sub")?.[1]);
}

Deno.test("every reply fits the platform's contract, and every status that it names for our routes occurs", () =>
  withHub(async (hub) => {
    const checked = new CheckedHub(hub);
    await tour(hub, checked);
    const notOffered = checked.contract.routes.filter((route) =>
      route.statuses.every((status) => NOT_HERE.has(`${route.name} ${status}`)) && route.path !== "/api/v3/"
    );
    for (const { method, path } of notOffered) {
      const name = `${method.toUpperCase()} ${path}`;
      await checked.send(
        method.toUpperCase(),
        path.replace(/\{\w+\}/g, "x"),
        method === "get" ? undefined : {},
      );
      assert(checked.seen.has(`${name} 501`), `${name} is answered 501`);
    }
    assertEquals(checked.problems, []);
    const declared = checked.contract.routes.flatMap((route) =>
      route.statuses.map((s) => `${route.name} ${s}`)
    );
    assertEquals(declared.filter((name) => !checked.seen.has(name) && !NOT_HERE.has(name)), []);
    assertEquals(declared.filter((name) => checked.seen.has(name) && NOT_HERE.has(name)), []);
  }));

Deno.test("the contract test notices a reply that does not fit", () => {
  const contract = new ContractChecker();
  const route = contract.routeOf("GET", "/api/v3/me");
  assert(route);
  const user = {
    sub: "alice",
    firstname: "A",
    lastname: "L",
    email: null,
    role: "admin",
    is_enabled: true,
    created: "2026-01-01T00:00:00.000000+00:00",
    modified: "2026-01-01T00:00:00.000000+00:00",
  };
  assertEquals(contract.problems(route, 200, user), "");
  assert(contract.problems(route, 200, { ...user, role: "king" }));
  assert(contract.problems(route, 200, { ...user, created: "2026-01-01T00:00:00" }));
  assert(contract.errorProblems("/api/v2/dataset/", { detail: "d", error: "e" }));
});
