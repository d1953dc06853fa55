/** A TCP proxy that reads along what passes to the server, and cuts all connections when told to. */
import { PartMeter } from "./part_meter.ts";

export class CuttingProxy {
  readonly parts = new PartMeter();
  /** Called after bytes went to the server. */
  onBytes: () => void = () => {};
  readonly #listener: Deno.TcpListener;
  readonly #pairs = new Set<[Deno.TcpConn, Deno.TcpConn]>();

  private constructor(private readonly target: number) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accept();
  }

  /** @param target port of the server on this computer */
  static start(target: number): CuttingProxy {
    return new CuttingProxy(target);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  /** Ends every connection, whatever is on its way. */
  cut(): void {
    for (const pair of this.#pairs) for (const connection of pair) close(connection);
  }

  stop(): void {
    close(this.#listener);
    this.cut();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      this.#connect(client).catch(() => close(client));
    }
  }

  async #connect(client: Deno.TcpConn): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    const pair: [Deno.TcpConn, Deno.TcpConn] = [client, server];
    this.#pairs.add(pair);
    const metered = this.parts.connection();
    const end = () => {
      metered.ended();
      this.#pairs.delete(pair);
      pair.forEach(close);
    };
    await Promise.all([
      pipe(client, server, (bytes) => {
        metered.sent(bytes);
        this.onBytes();
      }),
      pipe(server, client, () => {}),
    ]).catch(() => {}).finally(end);
  }
}

async function pipe(
  from: Deno.TcpConn,
  to: Deno.TcpConn,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  const buffer = new Uint8Array(256 * 1024);
  try {
    for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
      onBytes(buffer.subarray(0, n));
      for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
    }
  } finally {
    // One side is done: the other one is told.
    close(to);
  }
}

function close(closable: { close(): void }): void {
  try {
    closable.close();
  } catch {
    // It is closed already.
  }
}
