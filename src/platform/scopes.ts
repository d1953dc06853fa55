/** Users and scopes of the platform (`/api/v3`). */
import { z } from "zod";
import { SyncError } from "../kit/errors.ts";
import { type Api, nothing } from "./api.ts";
import { type Bucket, bucketSchema, type Scope, scopeSchema, type User, userSchema } from "./schemas.ts";

export interface ScopeCreate {
  uid: string;
  /** 4 to 100 characters. */
  name: string;
  description?: string;
  /** Where its files are to be stored; left out: the first bucket that the platform offers. */
  bucket_uuid?: string;
}

export interface ScopeCalls {
  /** The user who is logged in. */
  me(): Promise<User>;
  /** Scopes the user may see; `name` keeps those whose name contains it. */
  scopes(name?: string): Promise<Scope[]>;
  /** @returns null when there is no such scope */
  scope(uid: string): Promise<Scope | null>;
  /** Creates a scope and returns it as the platform now has it. */
  createScope(create: ScopeCreate): Promise<Scope>;
  buckets(): Promise<Bucket[]>;
}

export function scopeCalls(api: Api): ScopeCalls {
  const scope = (uid: string) =>
    api.callOrNull({
      method: "GET",
      path: `/api/v3/scopes/${encodeURIComponent(uid)}`,
      what: `reading scope ${uid}`,
      reply: scopeSchema,
    });
  const buckets = () =>
    api.call({
      method: "GET",
      path: "/api/v2/S3/bucket/read/",
      what: "listing storage buckets",
      reply: z.array(bucketSchema),
    });

  return {
    scope,
    buckets,
    me: () => api.call({ method: "GET", path: "/api/v3/me", what: "reading the user", reply: userSchema }),
    scopes: (name) =>
      api.call({
        method: "GET",
        path: "/api/v3/scopes",
        query: { name },
        what: "listing scopes",
        reply: z.array(scopeSchema),
      }),
    async createScope(create) {
      const bucket = create.bucket_uuid ?? (await buckets())[0]?.bucket_uuid;
      if (bucket === undefined) {
        throw new SyncError(
          "permission",
          "no_bucket",
          `creating scope "${create.name}": no storage bucket is offered`,
          {
            hint: "Ask an administrator of the platform to create the scope.",
          },
        );
      }
      await api.call({
        method: "POST",
        path: "/api/v3/scopes",
        json: {
          name: create.name,
          uid: create.uid,
          description: create.description ?? "",
          is_restricted: true,
          is_archived: false,
          bucket_uuid: bucket,
        },
        what: `creating scope "${create.name}"`,
        reply: nothing,
      });
      const made = await scope(create.uid);
      if (made) return made;
      throw new SyncError(
        "platform",
        "scope_not_created",
        `scope "${create.name}" was created but cannot be read`,
        {
          hint: "Ask an administrator of the platform whether you may see the scope.",
        },
      );
    },
  };
}
