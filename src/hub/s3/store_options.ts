/** Where an S3 store is and how to get in. */
import { z } from "zod";
import { SyncError } from "../../kit/errors.ts";

const S3StoreOptions = z.object({
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "Invalid bucket name"),
  /** Put before the name of every object, such as `lab-3/`. */
  prefix: z.string().regex(/^[\w./-]*$/, "Invalid prefix: letters, digits and . _ / - only").default(""),
  /** `https://s3.eu-central-1.amazonaws.com`; clients have to reach it by the same name. */
  endpoint: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, "")),
  region: z.string().min(1).default("us-east-1"),
  /** The bucket in the path instead of the host name: what stores that are not AWS mostly want. */
  pathStyle: z.boolean().default(true),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
});
export type S3StoreOptions = z.input<typeof S3StoreOptions>;
export type CheckedStoreOptions = z.output<typeof S3StoreOptions>;

/** @throws SyncError of class usage: `store_invalid`, naming what is wrong */
export function checkStoreOptions(options: S3StoreOptions): CheckedStoreOptions {
  const checked = S3StoreOptions.safeParse(options);
  if (checked.success) return checked.data;
  throw new SyncError("usage", "store_invalid", `the object store: ${z.prettifyError(checked.error)}`, {
    hint: "Give the store's bucket, endpoint, region and access key as its operator names them.",
  });
}
