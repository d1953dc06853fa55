/** The embedded platform: the eTiKeT HTTP API on one SQLite file and a folder. */
import { join } from "node:path";
import { Hono } from "hono";
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { LiveSessions } from "../live/live_sessions.ts";
import { hubApplication } from "./application.ts";
import { bucketRoutes } from "./folder/bucket_routes.ts";
import { FolderObjects } from "./folder/folder_objects.ts";
import { LinkSigner } from "./folder/link_signer.ts";
import { localSub } from "./local_user.ts";
import { MultipartUploads } from "./multipart_uploads.ts";
import type { Objects } from "./objects.ts";
import type { Authenticate } from "./routes/hub_parts.ts";
import { S3Objects } from "./s3/s3_objects.ts";
import { checkStoreOptions, type S3StoreOptions } from "./s3/store_options.ts";
import { SqliteCatalogue } from "./sqlite/sqlite_catalogue.ts";

export interface HubOptions {
  /** Folder of the hub; made when it does not exist. May be open in several processes at once. */
  directory: string;
  env: Env;
  /** An S3 store for the bytes of files; without it they are in the folder of the hub. */
  store?: S3StoreOptions;
  /** Who sent a request. Without it: the user of this computer, and no login is accepted. */
  authenticate?: Authenticate;
}

export interface Hub {
  /** Answers one request of the platform's HTTP contract; never rejects. */
  fetch(request: Request): Promise<Response>;
  /** Waits for requests under way, then lets go of the folder. Later requests are answered 503. */
  close(): Promise<void>;
}

/**
 * Opens or creates a hub. A store is not asked before it is needed.
 * @throws SyncError of class local: `hub_unreadable`, `hub_too_new`; of class usage: `store_invalid`
 */
export function openHub({ directory, env, store, authenticate }: HubOptions): Hub {
  const { catalogue, objects, bucket } = openStores(directory, env, store);
  const uploads = new MultipartUploads(catalogue, objects, env);
  const live = new LiveSessions({ env, folder: liveFolder(directory, env) });
  const streams = new AbortController();
  const localUser = catalogue.ensureLocalUser(localSub());
  const app = hubApplication(
    { catalogue, objects, uploads, live, closing: streams.signal },
    bucket,
    authenticate ?? ((request) => request.headers.has("authorization") ? null : localUser),
    env,
  );
  // What a process that died had left to delete; what can't be deleted now is tried when the hub opens next.
  const leftovers = Promise.resolve(objects.purge(catalogue.files.removed())).catch(() => {});
  uploads.sweep();
  const requests = new Set<Promise<unknown>>([leftovers]);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    streams.abort();
    live.close();
    await Promise.allSettled(requests);
    try {
      await objects.close();
      await uploads.settled();
      await catalogue.durable();
    } finally {
      catalogue.close();
    }
  }

  return {
    async fetch(request) {
      if (closing) return Response.json({ detail: "the hub is closed" }, { status: 503 });
      const answer = Promise.resolve(app.fetch(request));
      requests.add(answer);
      try {
        return await answer;
      } catch (e) {
        // A body that fails with something that is no Error, such as an aborted upload.
        return Response.json({ detail: `the request failed: ${e}` }, { status: 500 });
      } finally {
        requests.delete(answer);
      }
    },
    close: () => closing ??= close(),
  };
}

/** A leftover of running measurements that nobody touched for so long is of a process that was killed, ms. */
const LEFT_OVER_MS = 24 * 3_600_000;

/** Where running measurements are kept, without what killed processes left; others may be at work. */
function liveFolder(directory: string, env: Env): string {
  const folder = join(directory, "live");
  try {
    for (const { name } of Deno.readDirSync(folder)) {
      const path = join(folder, name);
      const touched = Deno.statSync(path).mtime?.getTime() ?? 0;
      if (touched < env.now() - LEFT_OVER_MS) Deno.removeSync(path, { recursive: true });
    }
  } catch {
    // There is none yet, or another process was faster.
  }
  return folder;
}

interface Stores {
  catalogue: SqliteCatalogue;
  objects: Objects;
  /** Routes of a store that the hub serves itself. */
  bucket: Hono;
}

function openStores(directory: string, env: Env, store?: S3StoreOptions): Stores {
  let catalogue: SqliteCatalogue | null = null;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    catalogue = new SqliteCatalogue(`${directory}/hub.sqlite`, env);
    if (store) {
      const objects = new S3Objects(checkStoreOptions(store), catalogue.files, catalogue.uploads, env);
      return { catalogue, objects, bucket: new Hono() };
    }
    const signer = new LinkSigner(catalogue.setting("signing_key"), () => env.now());
    const objects = new FolderObjects(directory, catalogue, signer, env);
    return { catalogue, objects, bucket: bucketRoutes(objects, catalogue.files) };
  } catch (e) {
    catalogue?.close();
    if (e instanceof SyncError) throw e;
    throw new SyncError("local", "hub_unreadable", `the hub in ${directory} can not be opened`, {
      hint: "Check that the folder is on a local disk, writable, and that the disk is not full.",
      cause: e,
    });
  }
}
