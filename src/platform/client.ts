/**
 * Client of the eTiKeT platform's HTTP API, for any server that speaks it: the cloud, a lab's hub, the embedded one.
 * All calls throw SyncErrors of class network, auth, permission or platform, with a hint.
 */
import { z } from "zod";
import { Api, type ApiOptions } from "./api.ts";
import { type DatasetCalls, datasetCalls } from "./datasets.ts";
import { type FileCalls, fileCalls } from "./files.ts";
import { type LiveCalls, liveCalls } from "./live.ts";
import { type ObjectCalls, objectCalls } from "./objects.ts";
import { type ScopeCalls, scopeCalls } from "./scopes.ts";

export type { Credentials } from "./api.ts";
export type {
  Bucket,
  Dataset,
  DatasetChanges,
  DatasetCreate,
  DatasetSearch,
  FileCreate,
  FileRecord,
  MultipartLinks,
  Scope,
  UploadLink,
  User,
} from "./schemas.ts";

export interface PlatformClient extends ScopeCalls, DatasetCalls, FileCalls, ObjectCalls, LiveCalls {
  readonly baseUrl: string;
  /** Platform time minus the PC's time, ms; shown to the user when beyond a minute. */
  readonly clockOffsetMs: number;
  /** The platform's time, ms since 1970 UTC, as far as known. */
  platformNow(): number;
  /** Version text of the server. */
  version(): Promise<string>;
  /** Closes idle connections. */
  close(): void;
}

/** Makes a client; nothing is sent yet. */
export function platformClient(options: ApiOptions): PlatformClient {
  const api = new Api(options);
  return {
    ...scopeCalls(api),
    ...datasetCalls(api),
    ...fileCalls(api),
    ...objectCalls(api),
    ...liveCalls(api),
    baseUrl: api.transport.baseUrl,
    get clockOffsetMs() {
      return api.clock.offsetMs;
    },
    platformNow: () => api.clock.platformNow(),
    version: () =>
      api.call({
        method: "GET",
        path: "/api/v2/version/API/",
        what: "asking for the server's version",
        reply: z.string(),
      }),
    close: () => api.transport.close(),
  };
}
