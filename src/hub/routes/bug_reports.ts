import { Hono } from "hono";
import { HubError } from "../hub_error.ts";
import { BugReport } from "../schemas.ts";
import type { HubEnv, HubParts } from "./hub_parts.ts";
import { readBody } from "./input.ts";

const MAX_ATTACHMENTS = 10 * 1024 * 1024;

export function bugReportRoutes({ catalogue }: HubParts): Hono<HubEnv> {
  const app = new Hono<HubEnv>();
  app.post("/bug-reports", async (c) => {
    const report = await readBody(c, BugReport);
    const size = report.attachments.reduce((sum, { filename, data }) => sum + sizeOf(filename, data), 0);
    if (size > MAX_ATTACHMENTS) {
      throw new HubError(413, `attachments are ${size} bytes, more than 10 MiB`, "attachment_too_large");
    }
    await catalogue.storeBugReport(report, c.var.user.sub);
    return c.json(null, 201);
  });
  return app;
}

/** Bytes of an attachment. @throws HubError 400 invalid_attachment */
function sizeOf(filename: string, base64: string): number {
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new HubError(400, `attachment "${filename}" is not base64`, "invalid_attachment");
  }
  return base64.length / 4 * 3 - (/=*$/.exec(base64)?.[0].length ?? 0);
}
