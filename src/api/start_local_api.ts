/** Listens for clients of the local API. */
import { networkInterfaces } from "node:os";
import type { Serving } from "../engine/serving.ts";
import { SyncError } from "../kit/errors.ts";
import type { LocalAgent } from "./local_agent.ts";
import { localApi } from "./local_api.ts";
import { openToken } from "./token.ts";

export interface StartOptions {
  agent: LocalAgent;
  serving: Serving;
  /** `127.0.0.1`, `::1` or `localhost`; any other address is open to other machines, with the token only. */
  host: string;
  /** 0 = any free one. */
  port: number;
  /** File of the capability token; made on first use. */
  tokenPath: string;
  log?: (line: string) => void;
}

export interface ListeningApi {
  /** Base address for clients on this machine, such as `http://localhost:10410`. */
  url: string;
  port: number;
  /** Whether other machines can reach it. */
  remote: boolean;
  /** Ends streams and listening; answers under way are finished. */
  close(): Promise<void>;
}

const LOOPBACK = ["127.0.0.1", "::1"];

/**
 * @throws SyncError `port_taken` when another program listens there, `host_unusable` when the address is not this
 * machine's, `state_folder_unusable` when there is no token
 */
export async function startLocalApi(options: StartOptions): Promise<ListeningApi> {
  const host = options.host === "localhost" ? "127.0.0.1" : options.host.replace(/^\[(.*)\]$/, "$1");
  const remote = !LOOPBACK.includes(host);
  const token = await openToken(options.tokenPath);
  let port = options.port;
  const names = [Deno.hostname().toLowerCase(), `${Deno.hostname().toLowerCase()}.local`];
  const log = options.log ?? (() => {});
  const api = localApi(options.agent, options.serving, {
    policy: () => ({ port, remote, names, token }),
    log,
  });
  const listen = (hostname: string) =>
    Deno.serve({
      hostname,
      port,
      onListen: () => {},
      onError: (e) => {
        log(`local API: ${e}`);
        return new Response(null, { status: 500 });
      },
    }, (request) => api.fetch(request));

  const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  try {
    const first = listen(host);
    servers.push(first);
    port = first.addr.port;
    // `localhost` may be either; nobody else should answer on the other one.
    if (host === "127.0.0.1" && hasIpv6()) servers.push(listen("::1"));
  } catch (e) {
    await Promise.all(servers.map((s) => s.shutdown()));
    throw asListenFailure(e, host, port);
  }
  const named = host === "0.0.0.0" || host === "::" || host === "127.0.0.1" ? "localhost" : host;
  return {
    url: `http://${named.includes(":") ? `[${named}]` : named}:${port}`,
    port,
    remote,
    async close() {
      api.close();
      await Promise.all(servers.map((s) => s.shutdown()));
    },
  };
}

/** Whether this machine has a loopback address of the newer family. */
export function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).flat().some((address) => address?.address === "::1");
}

function asListenFailure(e: unknown, host: string, port: number): unknown {
  if (e instanceof Deno.errors.AddrInUse) {
    return new SyncError("usage", "port_taken", `port ${port} of ${host} is taken by another program`, {
      cause: e,
      hint: "Choose another one with --port, or with port under [api] in the configuration file.",
    });
  }
  const message = `cannot listen on ${host}, port ${port}: ${e instanceof Error ? e.message : e}`;
  return new SyncError("usage", "host_unusable", message, {
    cause: e,
    hint: "Give an address of this machine with --host, and a port above 1023 with --port.",
  });
}
