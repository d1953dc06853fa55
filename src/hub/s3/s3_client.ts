/** Signed requests to one bucket of an S3 store, and links that carry their signature. */
// @ts-types="./aws4.d.ts"
import aws4 from "aws4";
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
  readonly #host: string;
  /** Path of the bucket, or nothing where the host names it. */
  readonly #root: string;
  readonly #origin: string;
  readonly #closed = new AbortController();

  constructor(private readonly options: CheckedStoreOptions, private readonly env: Env) {
    const { endpoint, bucket, pathStyle } = options;
    const url = new URL(pathStyle ? `${endpoint}/${bucket}` : endpoint.replace("://", `://${bucket}.`));
    [this.#host, this.#origin, this.#root] = [url.host, url.origin, url.pathname.replace(/\/$/, "")];
  }

  /** A link that allows one method on one object for 24 h. */
  link(method: "PUT" | "GET", object: string, query: Query = {}): string {
    const limits = { "X-Amz-Expires": String(LINK_VALIDITY), "X-Amz-Date": this.#date() };
    return this.#sign({ method, path: this.#path(object, { ...query, ...limits }), signQuery: true }).url;
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
    const { url, headers } = this.#sign({
      method,
      path: this.#path(object, query),
      headers: { "X-Amz-Date": this.#date() },
      ...(body === undefined ? {} : { body }),
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

  /** By a library that signs at once: a way through WebCrypto costs each small file more than its upload does. */
  #sign(
    request: Omit<aws4.Request, "host" | "service" | "region">,
  ): { url: string; headers: Record<string, string> } {
    const { region } = this.options;
    const signed: aws4.Request = { ...request, host: this.#host, service: "s3", region };
    aws4.sign(signed, this.options);
    // What `fetch` sets itself.
    const { Host: _host, "Content-Length": _length, ...sent } = signed.headers ?? {};
    const text = Object.entries(sent).map(([name, value]): [string, string] => [name, String(value)]);
    return { url: `${this.#origin}${signed.path}`, headers: Object.fromEntries(text) };
  }

  #path(object: string, query: Query = {}): string {
    const search = new URLSearchParams(query).toString().replaceAll("+", "%20");
    return `${this.#root}${object && `/${object}`}${search && `?${search}`}`;
  }

  /** The signature's time, from the clock that everything else goes by. */
  #date(): string {
    return new Date(this.env.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
  }
}
