/** Connections that are kept between uploads: straight to this computer, through the network's proxy to others (U15). */
import http from "node:http";
import https from "node:https";

/** `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and their lower-case forms, as the environment has them. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/** Known to Deno's node:http as to Node 24's, but not yet to its types. */
interface ProxyAgentOptions extends https.AgentOptions {
  proxyEnv?: ProxyEnvironment;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

export class PutAgents {
  readonly #straight = {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true }),
  };
  readonly #proxied: { http: http.Agent; https: https.Agent };

  constructor(proxyEnv: ProxyEnvironment) {
    const options: ProxyAgentOptions = { keepAlive: true, proxyEnv };
    this.#proxied = { http: new http.Agent(options), https: new https.Agent(options) };
  }

  /** The connections to a server. No proxy can reach a server that only this computer sees. */
  for(url: URL): { http: http.Agent; https: https.Agent } {
    return LOOPBACK.test(url.hostname) ? this.#straight : this.#proxied;
  }

  close(): void {
    for (const agents of [this.#straight, this.#proxied]) {
      agents.http.destroy();
      agents.https.destroy();
    }
  }
}
