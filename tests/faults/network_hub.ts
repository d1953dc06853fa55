/** A hub that is reached over a network with weather: it may be down, cut connections, or answer as proxies do. */
import { systemEnv } from "../../src/env.ts";
import { type Hub, openHub } from "../../src/hub/open_hub.ts";
import { type PlatformClient, platformClient } from "../../src/platform/client.ts";
import { inProcessTransport } from "../../src/platform/transport_in_process.ts";

export type Weather =
  | "good"
  /** Nothing listens. */
  | "refused"
  /** Connections are taken and never answered. */
  | "silent"
  /** Connections are closed after some kilobytes, in the middle of uploads and of replies. */
  | "cut"
  /** The request takes effect, its reply is lost. */
  | "reply lost"
  /** A reply of the proxy in place of the hub's. */
  | 429
  | 502
  | "web page";

/** Bytes of a connection that a cutting network lets pass in each direction. */
const CUT_AFTER = 6000;

export class NetworkHub implements AsyncDisposable {
  #weather: Weather = "good";
  #gate: Deno.TcpListener | undefined;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #port: number;
  /** Requests that reached the hub. */
  requests = 0;

  private constructor(private readonly hub: Hub) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#answer(request),
    );
    this.#gate = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = this.#gate.addr.port;
    this.#accept(this.#gate);
  }

  static open(directory: string): NetworkHub {
    return new NetworkHub(openHub({ directory, env: systemEnv }));
  }

  /** For `platform.url`. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    if (weather === "refused") {
      this.#gate?.close();
      this.#gate = undefined;
    } else this.#listen();
    if (weather === "good") return;
    // What was on its way is lost.
    for (const connection of this.#connections) close(connection);
  }

  /** Talks to the hub past the network. */
  async directly<T>(work: (client: PlatformClient) => Promise<T>): Promise<T> {
    const client = platformClient({
      transport: inProcessTransport((r) => this.hub.fetch(r)),
      env: systemEnv,
    });
    try {
      return await work(client);
    } finally {
      client.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.weather = "refused";
    await this.#server.shutdown();
    await this.hub.close();
  }

  #listen(): void {
    if (this.#gate) return;
    this.#gate = Deno.listen({ hostname: "127.0.0.1", port: this.#port });
    this.#accept(this.#gate);
  }

  async #accept(gate: Deno.TcpListener): Promise<void> {
    try {
      for await (const connection of gate) this.#pass(connection).catch(() => {});
    } catch {
      // The listener was closed.
    }
  }

  /** Copies bytes both ways, as the weather allows. */
  async #pass(client: Deno.TcpConn): Promise<void> {
    this.#connections.add(client);
    const cut = this.#weather === "cut";
    try {
      if (this.#weather === "silent") return await new Promise(() => {});
      using server = await Deno.connect({ hostname: "127.0.0.1", port: this.#server.addr.port });
      this.#connections.add(server);
      await Promise.race([pump(client, server, cut), pump(server, client, cut)]);
      this.#connections.delete(server);
    } finally {
      this.#connections.delete(client);
      close(client);
    }
  }

  async #answer(request: Request): Promise<Response> {
    switch (this.#weather) {
      case 429:
        return new Response("slow down", { status: 429, headers: { "retry-after": "1" } });
      case 502:
        return new Response("bad gateway", { status: 502 });
      case "web page":
        return new Response("<html>Please log in to the guest network</html>", {
          headers: { "content-type": "text/html" },
        });
    }
    this.requests++;
    const reply = await this.hub.fetch(request);
    if (this.#weather !== "reply lost") return reply;
    await reply.body?.cancel();
    for (const connection of this.#connections) close(connection);
    return new Response(null, { status: 204 });
  }
}

async function pump(from: Deno.TcpConn, to: Deno.TcpConn, cut: boolean): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let passed = 0; !cut || passed < CUT_AFTER;) {
    const n = await from.read(cut ? buffer.subarray(0, CUT_AFTER) : buffer);
    if (n === null) return;
    for (let done = 0; done < n;) done += await to.write(buffer.subarray(done, n));
    passed += n;
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The other side was faster.
  }
}
