/** How requests reach a platform: over the network, or by calling a hub in the same process. */

/** Bytes of known length that are produced while they are sent, so that a file of any size needs little memory. */
export interface FileBody {
  /** Exactly this many bytes; it becomes the `Content-Length`. */
  size: number;
  /** Starts over at byte 0. A chunk is valid until the next one is asked for. */
  chunks(): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** How long it was held back on purpose up to now, ms: no sign of a stalled connection. */
  heldBackMs?(): number;
}

export interface TransportRequest {
  method: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Path below the server's address, or an absolute URL (links to the object store). */
  url: string;
  headers: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | FileBody;
  /** Longest time for the whole exchange, ms; a file body has the no-progress limits of the transport instead. */
  timeoutMs?: number;
  /** The reply's body is a stream that may take any time; `timeoutMs` then covers its headers only. */
  streamReply?: boolean;
  /** What is attempted, for error messages. */
  what: string;
  signal?: AbortSignal;
  /** Called with the number of bytes of a file body handed to the network so far. */
  onProgress?: (sent: number) => void;
}

export interface Transport {
  /** Address of the server, without trailing slash. */
  readonly baseUrl: string;
  /**
   * Sends one request; redirects are not followed.
   * @returns the reply, its body read completely unless `streamReply`
   * @throws SyncError of class network when there was no reply; the signal's reason when aborted; whatever the file
   * body throws
   */
  send(request: TransportRequest): Promise<Response>;
  /** Closes idle connections. */
  close(): void;
}

/** True for a body that is produced while it is sent. */
export function isFileBody(body: TransportRequest["body"]): body is FileBody {
  return typeof body === "object" && "chunks" in body;
}

/** All bytes of a body that is known to be short. */
export async function bytesOf(
  body: FileBody,
  onProgress?: (sent: number) => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(body.size);
  let sent = 0;
  for await (const chunk of body.chunks()) {
    bytes.set(chunk, sent);
    sent += chunk.length;
    onProgress?.(sent);
  }
  return bytes.subarray(0, sent);
}

const WITHOUT_BODY = new Set([101, 103, 204, 205, 304]);

/** A reply whose body is in memory. */
export function completeReply(status: number, headers: Headers, body: Uint8Array<ArrayBuffer>): Response {
  return new Response(WITHOUT_BODY.has(status) ? null : body, { status, headers });
}
