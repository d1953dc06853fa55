/** Parts of the platform's contract that this hub does not have: said clearly instead of "not found". */
import { Hono } from "hono";
import { HubError } from "../hub_error.ts";
import type { HubEnv } from "./hub_parts.ts";

const ROUTES: [method: string, path: string, what: string][] = [
  ["POST", "/api/v3/token", "logging in"],
  ["POST", "/api/v3/token/revoke", "logging in"],
  ["GET", "/api/v3/api-tokens", "API tokens"],
  ["POST", "/api/v3/api-tokens", "API tokens"],
  ["DELETE", "/api/v3/api-tokens/:uid", "API tokens"],
  ["PATCH", "/api/v3/me/password", "changing passwords"],
  ["POST", "/api/v3/users", "user administration"],
  ["PATCH", "/api/v3/users/:sub", "user administration"],
  ["DELETE", "/api/v3/users/:sub", "user administration"],
  ["GET", "/api/v2/version/latest/", "program releases"],
  ["GET", "/api/v2/release/latest/", "program releases"],
  ["GET", "/api/v2/release/get_release_from_version/", "program releases"],
  ["POST", "/api/v2/logs/deposit/create/", "log deposits"],
  ["POST", "/api/v2/logs/deposit/confirm/", "log deposits"],
];

export function notOfferedRoutes(): Hono<HubEnv> {
  const app = new Hono<HubEnv>();
  for (const [method, path, what] of ROUTES) {
    app.on(method, path, () => {
      throw new HubError(501, `${what} is not offered by this hub`);
    });
  }
  return app;
}
