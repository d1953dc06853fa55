/** Signed requests to one bucket of an S3 store, and links that carry their signature. */
import { AwsClient } from "aws4fetch";
import type { Env } from "../../env.ts";
import { S3Error } from "./s3_error.ts";
import type { CheckedStoreOptions } from "./store_options.ts";
import { textOf } from "./xml.ts";

/** How long a link is valid, s. */
export const LINK_VALIDITY = 86_400;

/** How long the store may take to answer, ms. Putting many parts together takes S3 minutes. */
const TIMEOUT = { short: 20_000, long: 600_000 };
const PAUSES = [200, 1000];

export type Query = Record<string, string>;

export interface S3Reply {
  status: number;
  headers: Headers;
  text: string;
}

export interface S3Request {
  method: "GET" | "HEAD" | "POST" | "DELETE";
  /** Empty: the bucket itself. */
  object?: string;
  query?: Query;
  body?: string;
  /** Whether the request is sent again when it was not answered, or by a 5xx. */
  repeat?: boolean;
  timeout?: keyof typeof TIMEOUT;
}

export class S3Client {
  readonly #aws: AwsClient;
  readonly #root: string;
  readonly #closed = new AbortController();

  constructor(private readonly options: CheckedStoreOptions, private readonly env: Env) {
    this.#aws = new AwsClient({ ...options, service: "s3", retries: 0 });
    const { endpoint, bucket, pathStyle } = options;
    this.#root = pathStyle ? `${endpoint}/${bucket}` : endpoint.replace("://", `://${bucket}.`);
  }

  /** A link that allows one method on one object for 24 h. */
  async link(method: "PUT" | "GET", object: string, query: Query = {}): Promise<string> {
    const url = this.#url(object, { ...query, "X-Amz-Expires": String(LINK_VALIDITY) });
    const { url: signed } = await this.#aws.sign(url, { method, aws: { ...this.#date(), signQuery: true } });
    return signed;
  }

  /** @throws S3Error for every status but 2xx */
  async send(request: S3Request): Promise<S3Reply> {
    for (let attempt = 0;; attempt++) {
      try {
        return await this.#sendOnce(request);
      } catch (e) {
        const pause = PAUSES[attempt];
        const again = request.repeat !== false && e instanceof S3Error && e.isAmbiguous;
        if (!again || pause === undefined || this.#closed.signal.aborted) throw e;
        await this.env.sleep(pause * (0.5 + this.env.random()));
      }
    }
  }

  async #sendOnce({ method, object = "", query, body, timeout = "short" }: S3Request): Promise<S3Reply> {
    const { url, headers } = await this.#aws.sign(this.#url(object, query), {
      method,
      body,
      aws: this.#date(),
    });
    const what = `${method} ${object || "bucket"}`;
    let reply: Response;
    let text: string;
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(TIMEOUT[timeout]), this.#closed.signal]);
      reply = await fetch(url, { method, headers, body, signal, redirect: "manual" });
      text = await reply.text();
    } catch (cause) {
      throw new S3Error(0, "", `the object store ${this.options.endpoint} did not answer ${what}`, { cause });
    }
    if (!reply.ok) {
      const code = textOf(text, "Code") ?? "";
      const message = textOf(text, "Message") ?? "";
      throw new S3Error(
        reply.status,
        code,
        `the object store answered ${what} ${reply.status} ${code}: ${message}`,
      );
    }
    return { status: reply.status, headers: reply.headers, text };
  }

  /** Ends requests under way. */
  close(): void {
    this.#closed.abort(new Error("the hub is being closed"));
  }

  #url(object: string, query: Query = {}): string {
    const search = new URLSearchParams(query).toString().replaceAll("+", "%20");
    return `${this.#root}${object && `/${object}`}${search && `?${search}`}`;
  }

  /** The signature's time, from the clock that everything else goes by. */
  #date(): { datetime: string } {
    return { datetime: new Date(this.env.now()).toISOString().replace(/[-:]|\.\d{3}/g, "") };
  }
}
