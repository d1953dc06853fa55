/** What routes work with. */
import type { Catalogue } from "../catalogue.ts";
import type { LiveSessions } from "../../live/live_sessions.ts";
import type { MultipartUploads } from "../multipart_uploads.ts";
import type { Objects } from "../objects.ts";
import type { User } from "../schemas.ts";

export interface HubParts {
  catalogue: Catalogue;
  objects: Objects;
  uploads: MultipartUploads;
  /** Measurements that agents are following now. */
  live: LiveSessions;
  /** The hub closes: streams end. */
  closing: AbortSignal;
}

/** Decides who sent a request; null = a login that is not valid. */
export type Authenticate = (request: Request) => User | null | Promise<User | null>;

/** Variables that Hono carries along with a request. */
export interface HubEnv {
  Variables: { user: User };
}
