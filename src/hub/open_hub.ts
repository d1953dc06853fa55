/** The embedded platform: the eTiKeT HTTP API on one SQLite file and a folder. */
import type { Env } from "../env.ts";
import { SyncError } from "../kit/errors.ts";
import { hubApplication } from "./application.ts";
import { bucketRoutes } from "./folder/bucket_routes.ts";
import { FolderObjects } from "./folder/folder_objects.ts";
import { LinkSigner } from "./folder/link_signer.ts";
import { localSub } from "./local_user.ts";
import type { Authenticate } from "./routes/hub_parts.ts";
import { SqliteCatalogue } from "./sqlite/sqlite_catalogue.ts";

export interface HubOptions {
  /** Folder of the hub; made when it does not exist. May be open in several processes at once. */
  directory: string;
  env: Env;
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
 * Opens or creates a hub.
 * @throws SyncError of class local: `hub_unreadable`, `hub_too_new`
 */
export function openHub({ directory, env, authenticate }: HubOptions): Hub {
  const { catalogue, objects } = openStores(directory, env);
  const localUser = catalogue.ensureLocalUser(localSub());
  const app = hubApplication(
    { catalogue, objects },
    bucketRoutes(objects, catalogue.files),
    authenticate ?? ((request) => request.headers.has("authorization") ? null : localUser),
    env,
  );
  // What a process that died had left to delete; what can't be deleted now is tried when the hub opens next.
  const leftovers = objects.purge(catalogue.files.removed()).catch(() => {});
  const requests = new Set<Promise<unknown>>([leftovers]);
  let closing: Promise<void> | null = null;

  async function close(): Promise<void> {
    await Promise.allSettled(requests);
    try {
      objects.close();
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

function openStores(directory: string, env: Env): { catalogue: SqliteCatalogue; objects: FolderObjects } {
  let catalogue: SqliteCatalogue | null = null;
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    catalogue = new SqliteCatalogue(`${directory}/hub.sqlite`, env);
    const signer = new LinkSigner(catalogue.setting("signing_key"), () => env.now());
    return { catalogue, objects: new FolderObjects(directory, catalogue.files, signer, env) };
  } catch (e) {
    catalogue?.close();
    if (e instanceof SyncError) throw e;
    throw new SyncError("local", "hub_unreadable", `the hub in ${directory} can not be opened`, {
      hint: "Check that the folder is on a local disk, writable, and that the disk is not full.",
      cause: e,
    });
  }
}
