import { z } from "zod";
import { assert, assertEquals, assertMatch } from "../../tests/assert.ts";
import { ORIGIN, ScopeReply, type TestHub, withHub } from "./test_hub.ts";

const ErrorV3 = z.object({ error: z.string(), detail: z.string(), trace_id: z.string() }).strict();

async function refusal(hub: TestHub, status: number, method: string, path: string, body?: unknown) {
  return ErrorV3.parse(await hub.expect(status, method, path, body));
}

Deno.test("a new hub has one scope named default and one local administrator", () =>
  withHub(async (hub) => {
    const scopes = z.array(ScopeReply).parse(await hub.expect(200, "GET", "/api/v3/scopes"));
    assertEquals(scopes.map((scope) => scope.name), ["default"]);
    const User = z.looseObject({ sub: z.string().min(4), role: z.string(), created: z.string() });
    const me = User.parse(await hub.expect(200, "GET", "/api/v3/me"));
    assertEquals(me.role, "admin");
    assertMatch(me.created, /^\d{4}-.*\.\d{6}\+00:00$/);
    assertEquals(await hub.expect(200, "GET", `/api/v3/users/${me.sub}`), me);
    assertEquals(await hub.expect(200, "GET", `/api/v3/users?name=${me.sub}`), [me]);
    assertEquals(await hub.expect(200, "GET", "/api/v3/users?email=nobody"), []);
    assertEquals((await refusal(hub, 404, "GET", "/api/v3/users/nobody")).error, "user_not_found");
    const info = z.looseObject({ sub: z.string() }).parse(
      await hub.expect(200, "GET", "/api/v3/token/userinfo"),
    );
    assertEquals(info.sub, me.sub);
  }));

Deno.test("scopes are created with either spelling of the id, changed, and deleted when empty", () =>
  withHub(async (hub) => {
    const [uid, old] = [crypto.randomUUID(), crypto.randomUUID()];
    const scope = { name: "Fridge 1", uid, description: "d", bucket_uuid: crypto.randomUUID() };
    assertEquals(await hub.expect(201, "POST", "/api/v3/scopes", scope), null);
    await hub.expect(201, "POST", "/api/v3/scopes", {
      ...scope,
      uid: undefined,
      uuid: old,
      name: "Fridge old",
    });
    assertEquals((await refusal(hub, 409, "POST", "/api/v3/scopes", scope)).error, "scope_uid_in_use");
    const names = async (query: string) =>
      z.array(ScopeReply).parse(await hub.expect(200, "GET", `/api/v3/scopes${query}`)).map((s) => s.name);
    assertEquals(await names("?name=fridge"), ["Fridge 1", "Fridge old"]);

    const path = `/api/v3/scopes/${uid}`;
    assertEquals(
      await hub.expect(200, "PATCH", path, { name: null, is_archived: true, is_restricted: false }),
      null,
    );
    const read = ScopeReply.parse(await hub.expect(200, "GET", path));
    assertEquals([read.name, read.description, read.is_archived, read.archived], [
      "Fridge 1",
      "d",
      true,
      true,
    ]);
    assertEquals([read.uid, read.uuid, read.is_restricted], [uid, uid, false]);

    await hub.dataset({ scope_uuid: uid });
    await refusal(hub, 400, "DELETE", path);
    assertEquals(await hub.expect(204, "DELETE", `/api/v3/scopes/${old}`), undefined);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const body = method === "PATCH" ? {} : undefined;
      assertEquals((await refusal(hub, 404, method, `/api/v3/scopes/${old}`, body)).error, "scope_not_found");
    }
    assertMatch(
      (await refusal(hub, 422, "POST", "/api/v3/scopes", { ...scope, name: "abc" })).detail,
      /^name: /,
    );
    assertMatch((await refusal(hub, 422, "POST", "/api/v3/scopes", { name: "abcd" })).detail, /^uid: /);
    await refusal(hub, 422, "GET", "/api/v3/scopes/7");
  }));

Deno.test("a scope's bucket is that of the hub's list", () =>
  withHub(async (hub) => {
    const bucket = await hub.expect(200, "GET", `/api/v3/scopes/${hub.scope}/bucket`);
    assertEquals(await hub.expect(200, "GET", "/api/v2/S3/bucket/read/"), [bucket]);
    await refusal(hub, 404, "GET", `/api/v3/scopes/${crypto.randomUUID()}/bucket`);
  }));

Deno.test("a request with a login that nobody gave is refused, in the form of its version", () =>
  withHub(async (hub) => {
    const headers = { authorization: "Bearer stolen" };
    const v3 = await hub.call("GET", "/api/v3/me", undefined, headers);
    assertEquals([v3.status, ErrorV3.parse(v3.body).error], [401, "token_invalid"]);
    const v2 = await hub.call("POST", "/api/v2/datasets/search/", {}, headers);
    assertEquals([v2.status, v2.body], [401, { detail: "the login is not valid" }]);
    assertEquals((await hub.call("GET", "/api/v2/version/API/", undefined, headers)).status, 200);
  }));

Deno.test("an authenticate function decides who is asking", () =>
  withHub(async (hub) => {
    assertEquals((await hub.call("GET", "/api/v3/me")).status, 401);
    const reply = await hub.call("GET", "/api/v3/me", undefined, { authorization: "Bearer right" });
    assertEquals([reply.status, z.looseObject({ sub: z.string() }).parse(reply.body).sub], [200, "alice"]);
  }, {
    authenticate: (request) =>
      request.headers.get("authorization") !== "Bearer right" ? null : {
        sub: "alice",
        firstname: "A",
        lastname: "L",
        email: null,
        role: "user",
        is_enabled: true,
        created: "2026-01-01T00:00:00.000000+00:00",
        modified: "2026-01-01T00:00:00.000000+00:00",
      },
  }));

Deno.test("unknown routes are 404, known ones with another method 405, both as JSON", () =>
  withHub(async (hub) => {
    assertEquals((await refusal(hub, 404, "GET", "/api/v3/nothing")).error, "not_found");
    assertEquals(
      Object.keys(z.record(z.string(), z.string()).parse(await hub.expect(404, "GET", "/api/v2/dataset"))),
      ["detail"],
    );
    const put = await hub.call("PUT", "/api/v2/dataset/");
    assertEquals(put.status, 405);
    assertEquals(put.headers.get("allow"), "POST, GET, PATCH, DELETE");
    await refusal(hub, 405, "POST", "/api/v3/me");
    await refusal(hub, 501, "POST", "/api/v3/token");
  }));

Deno.test("the hub says what it can do, its version, and that it has no schemas", () =>
  withHub(async (hub) => {
    const probe = z.looseObject({ capabilities: z.record(z.string(), z.boolean()) });
    assertEquals(probe.parse(await hub.expect(200, "GET", "/api/v3/")).capabilities, {
      dataset_move: true,
      multipart: true,
    });
    assert(z.string().parse(await hub.expect(200, "GET", "/api/v2/version/API/")));
    assertEquals(await hub.expect(200, "GET", "/api/v2/schemas/?offset=0"), []);
    await hub.expect(400, "GET", `/api/v2/schema/?schema_uuid=${crypto.randomUUID()}`);
    assertEquals(await hub.expect(200, "GET", "/api/v2/version/?software_type=qdrive&allow_beta=False"), []);
  }));

Deno.test("bug reports are stored, unless their attachments are broken or too large", () =>
  withHub(async (hub) => {
    const report = { subject: "s", description: "d" };
    const attachment = { filename: "log.txt", content_type: "text/plain" };
    assertEquals(await hub.expect(201, "POST", "/api/v3/bug-reports", report), null);
    await hub.expect(201, "POST", "/api/v3/bug-reports", {
      ...report,
      attachments: [{ ...attachment, data: "aGk=" }],
    });
    const send = (status: number, data: string) =>
      refusal(hub, status, "POST", "/api/v3/bug-reports", {
        ...report,
        attachments: [{ ...attachment, data }],
      });
    assertEquals((await send(400, "a")).error, "invalid_attachment");
    assertEquals((await send(413, "A".repeat(14_000_000))).error, "attachment_too_large");
    assertEquals((await send(413, "A".repeat(17_000_000))).error, "invalid_request");
  }));

Deno.test("links lead back the way the request came", () =>
  withHub(async (hub) => {
    const key = await hub.file(await hub.dataset(), 1);
    assert((await hub.uploadLink(key)).startsWith(`${ORIGIN}/bucket/${key.uuid}/${key.version_id}?token=`));
    const path =
      `/api/v2/file/presigned_link/single_part/?file_uuid=${key.uuid}&version_id=${key.version_id}`;
    const reply = await hub.fetch(`https://hub.lab:8443${path}`);
    assertMatch(
      z.object({ url: z.string() }).parse(await reply.json()).url,
      /^https:\/\/hub\.lab:8443\/bucket\//,
    );
  }));
