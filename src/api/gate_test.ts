/** Who may talk to the local API: hosts, pages, tokens, bodies, against every route. */
import { assert, assertEquals } from "../../tests/assert.ts";
import { ApiError } from "./api_error.ts";
import { checkRequest, type GatePolicy, MAX_BODY } from "./gate.ts";
import { TestApi } from "./test_api.ts";
import { tokenCheck } from "./token.ts";

const PORT = 10410;
const TOKEN = "0".repeat(43);
const BEARER = { authorization: `Bearer ${TOKEN}` };
const HERE = { host: `localhost:${PORT}` };
const JSON_BODY = { "content-type": "application/json" };

type Headers_ = Record<string, string>;

function policy(more: Partial<GatePolicy> = {}): GatePolicy {
  return { port: PORT, remote: false, names: [], token: tokenCheck(TOKEN), ...more };
}

/** 0 = it may pass. */
function verdict(method: string, headers: Headers_, p = policy()): number {
  try {
    checkRequest(new Request(`http://x/`, { method, headers }), p);
    return 0;
  } catch (e) {
    assert(e instanceof ApiError, String(e));
    return e.status;
  }
}

const GOOD_HOSTS = [
  "localhost:10410",
  "127.0.0.1:10410",
  "[::1]:10410",
  "LOCALHOST:10410",
];
const BAD_HOSTS = [
  "",
  "localhost",
  "localhost:",
  "localhost:80",
  "localhost:104100",
  "localhost:10410:10410",
  "localhost.:10410",
  "localhost.evil.example:10410",
  "evil.example:10410",
  "evil.example",
  "127.0.0.1",
  "127.0.0.1.nip.io:10410",
  "127.0.0.2:10410",
  "127.1:10410",
  "2130706433:10410",
  "0.0.0.0:10410",
  "192.168.1.7:10410",
  "[::]:10410",
  "[::ffff:127.0.0.1]:10410",
  "::1:10410",
  "user@localhost:10410",
  "localhost:10410, evil.example",
  "localhost:10410/",
  "xn--localhost:10410",
];
/** What a browser adds for a page that is not ours; each alone must be enough. */
const FOREIGN: Headers_[] = [
  { origin: "http://evil.example" },
  { origin: "https://evil.example:10410" },
  { origin: "http://localhost" },
  { origin: "http://localhost:3000" },
  { origin: "https://localhost:10410" },
  { origin: "http://127.0.0.1:10410" },
  { origin: "http://localhost:10410.evil.example" },
  { origin: "http://localhost:10410, http://evil.example" },
  { origin: "null" },
  { origin: "" },
  { origin: "file://" },
  { origin: "chrome-extension://abcdef" },
  { "sec-fetch-site": "cross-site" },
  { "sec-fetch-site": "same-site" },
  { "sec-fetch-site": "" },
  { "sec-fetch-site": "same-origin, cross-site" },
  { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-user": "?1" },
  { "sec-fetch-site": "cross-site", origin: "http://localhost:10410" },
  { "sec-fetch-site": "same-origin", origin: "http://evil.example" },
  { referer: "http://evil.example/page" },
  { referer: "http://localhost:3000/" },
  { referer: "nonsense" },
  { referer: "http://localhost:10410@evil.example/" },
];

Deno.test("the API answers under its own names only", () => {
  for (const method of ["GET", "POST"]) {
    for (const host of GOOD_HOSTS) assertEquals([host, verdict(method, { host })], [host, 0]);
    for (const host of BAD_HOSTS) assertEquals([host, verdict(method, { host })], [host, 403]);
    assertEquals(verdict(method, {}), 403);
    for (const host of BAD_HOSTS) assertEquals([host, verdict(method, { host, ...BEARER })], [host, 403]);
  }
});

Deno.test("port 80 is left out by browsers", () => {
  const on80 = policy({ port: 80 });
  assertEquals(["localhost", "127.0.0.1:80", "[::1]"].map((host) => verdict("GET", { host }, on80)), [
    0,
    0,
    0,
  ]);
  assertEquals(["evil.example", "localhost:81", ""].map((host) => verdict("GET", { host }, on80)), [
    403,
    403,
    403,
  ]);
});

Deno.test("no route answers to a page that is not the agent's own, with the token neither", async () => {
  await using api = await TestApi.open();
  const routes = api.routes();
  assert(routes.length >= 30, `only ${routes.length} routes were found`);
  let tried = 0;
  for (const [method, path] of routes) {
    const attempts = [
      ...BAD_HOSTS.map((host) => ({ host })),
      ...FOREIGN.map((headers) => ({ ...HERE, ...headers })),
    ];
    for (const headers of attempts) {
      for (const token of [{}, api.bearer]) {
        const response = await api.send(method, path, { headers: { ...JSON_BODY, ...headers, ...token } });
        assertEquals([method, path, headers, response.status], [method, path, headers, 403]);
        assertEquals(response.headers.get("access-control-allow-origin"), null);
        await response.body?.cancel();
        tried++;
      }
    }
  }
  assert(tried > 2500, `${tried} attempts`);
  assertEquals(api.calls, [], "something was done all the same");
});

Deno.test("a browser's own page reads freely and changes with the token only", () => {
  const own = { ...HERE, "sec-fetch-site": "same-origin", referer: "http://localhost:10410/" };
  assertEquals(verdict("GET", own), 0);
  assertEquals(verdict("GET", { ...HERE, "sec-fetch-site": "none", "sec-fetch-mode": "navigate" }), 0);
  const withOrigin = { ...own, origin: "http://localhost:10410" };
  for (const method of ["POST", "PATCH", "DELETE"]) {
    assertEquals(verdict(method, withOrigin), 401);
    assertEquals(verdict(method, own), 401);
    assertEquals(verdict(method, { ...HERE, "sec-fetch-mode": "cors" }), 401);
    assertEquals(verdict(method, { ...withOrigin, authorization: "Bearer wrong" }), 401);
    assertEquals(verdict(method, { ...withOrigin, authorization: TOKEN }), 401);
    assertEquals(verdict(method, { ...withOrigin, authorization: `Basic ${TOKEN}` }), 401);
    assertEquals(verdict(method, { ...withOrigin, ...BEARER }), 0);
    // Typed into an address bar: nothing that changes something starts like that.
    assertEquals(verdict(method, { ...HERE, ...BEARER, "sec-fetch-site": "none" }), 403);
  }
});

Deno.test("programs on this machine need no token", () => {
  for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
    assertEquals(verdict(method, { ...HERE, "user-agent": "python-httpx/0.28" }), 0);
    // What a client adds for purposes of its own is no reason to refuse it.
    assertEquals(verdict(method, { ...HERE, authorization: "Bearer of-something-else" }), 0);
  }
});

Deno.test("from other machines every request needs the token, whatever its name", () => {
  const remote = policy({ remote: true, names: ["lab-pc", "lab-pc.local"] });
  const hosts = [
    "192.168.1.7:10410",
    "[fe80::1]:10410",
    "lab-pc:10410",
    "LAB-PC.local:10410",
    "localhost:10410",
  ];
  for (const host of hosts) {
    for (const method of ["GET", "POST"]) {
      assertEquals([host, verdict(method, { host }, remote)], [host, 401]);
      assertEquals([host, verdict(method, { host, ...BEARER }, remote)], [host, 0]);
      const foreign = { host, ...BEARER, origin: "http://evil.example" };
      assertEquals([host, verdict(method, foreign, remote)], [host, 403]);
    }
  }
  for (const host of ["evil.example:10410", "lab-pc", "lab-pc.evil.example:10410", "192.168.1.7"]) {
    assertEquals([host, verdict("GET", { host, ...BEARER }, remote)], [host, 403]);
  }
});

Deno.test("bodies are JSON and of bounded length", () => {
  const lengthy = (n: number) => ({ ...HERE, ...JSON_BODY, "content-length": String(n) });
  assertEquals(verdict("POST", lengthy(MAX_BODY)), 0);
  assertEquals(verdict("POST", lengthy(MAX_BODY + 1)), 413);
  for (
    const type of ["application/json", "Application/JSON; charset=utf-8", 'application/json;charset="UTF-8"']
  ) {
    assertEquals([type, verdict("POST", { ...HERE, "content-type": type, "content-length": "2" })], [
      type,
      0,
    ]);
  }
  const others = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json-patch+json",
    "text/plain; application/json",
    "application/json, text/plain",
    "application/jsonx",
    "",
  ];
  for (const type of others) {
    assertEquals([type, verdict("POST", { ...HERE, "content-type": type, "content-length": "2" })], [
      type,
      415,
    ]);
    assertEquals([type, verdict("DELETE", { ...HERE, "content-type": type })], [type, 415]);
  }
  assertEquals(verdict("POST", { ...HERE, "content-length": "2" }), 415);
  assertEquals(verdict("POST", { ...HERE, "transfer-encoding": "chunked" }), 415);
  assertEquals(verdict("POST", { ...HERE, "content-length": "0" }), 0);
});

Deno.test("only the methods of the interface are taken, and no page may ask beforehand", () => {
  for (const method of ["OPTIONS", "PUT", "PROPFIND"]) {
    assertEquals([method, verdict(method, HERE)], [method, 405]);
  }
  const preflight = { ...HERE, origin: "http://evil.example", "access-control-request-method": "POST" };
  assertEquals(verdict("OPTIONS", preflight), 403);
});
