/** The local API on a real agent with a state folder of its own, and an engine that only writes down what it is told. */
import { Agent } from "../engine/agent.ts";
import type { Serving } from "../engine/serving.ts";
import { systemEnv } from "../env.ts";
import { LiveSessions } from "../live/live_sessions.ts";
import type { ActivityView, AgentState, AgentStatusView } from "../engine/views.ts";
import { SyncError } from "../kit/errors.ts";
import { type LocalApi, localApi } from "./local_api.ts";
import { tokenCheck } from "./token.ts";

const TOKEN = "t".repeat(43);
const PORT = 10410;

export class FakeServing implements Serving {
  readonly live = new LiveSessions({ env: systemEnv });
  readonly calls: string[] = [];
  state: AgentState = "running";
  bytes_uploaded = 0;
  looks = 0;

  status(): AgentStatusView {
    return {
      state: this.state,
      reason: null,
      iterations: 7,
      last_update: "2024-11-06T13:21:30.123456+00:00",
      since: "2024-11-06T13:00:00.000000+00:00",
      platform: "http://hub.internal",
      clock_offset_ms: 0,
      version: "1.2.3",
    };
  }

  activity(): ActivityView {
    this.looks++;
    return {
      status: this.status(),
      sources: [],
      running: [],
      live: 0,
      speed: 0,
      bytes_uploaded: this.bytes_uploaded,
      files_uploaded: 0,
      unread_errors: 0,
    };
  }

  start(): AgentStatusView {
    if (this.state !== "stopped") throw refused("sync_agent_already_running");
    this.state = "running";
    this.calls.push("start");
    return this.status();
  }

  stop(): AgentStatusView {
    if (this.state === "stopped") throw refused("sync_agent_already_stopped");
    this.state = "stopped";
    this.calls.push("stop");
    return this.status();
  }

  notice(): void {
    this.calls.push("notice");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function refused(code: string): SyncError {
  return new SyncError("usage", code, "refused");
}

export class TestApi implements AsyncDisposable {
  readonly bearer = { authorization: `Bearer ${TOKEN}` };

  private constructor(
    readonly root: string,
    readonly agent: Agent,
    readonly serving: FakeServing,
    readonly api: LocalApi,
  ) {}

  static async open(): Promise<TestApi> {
    const root = await Deno.realPath(await Deno.makeTempDir({ prefix: "local_api_" }));
    const agent = await Agent.open({ home: `${root}/home` });
    const serving = new FakeServing();
    const policy = { port: PORT, remote: false, names: [], token: tokenCheck(TOKEN) };
    return new TestApi(root, agent, serving, localApi(agent, serving, { policy: () => policy }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.api.close();
    this.serving.live.close();
    await this.agent.close();
    await Deno.remove(this.root, { recursive: true });
  }

  /** What the engine was told. */
  get calls(): string[] {
    return this.serving.calls;
  }

  /** Every route, with numbers and names for its parameters. */
  routes(): [method: string, path: string][] {
    const filled = this.api.routes().map(([method, path]): [string, string] => [
      method,
      path.replace(/:name|:identifier/, "n").replaceAll(/:\w+/g, "1"),
    ]);
    return [...filled, ["HEAD", "/api/v1/sync/agent/status"], ["GET", "/"], ["GET", "/nowhere"]];
  }

  async send(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string } = {},
  ): Promise<Response> {
    const headers = { host: `localhost:${PORT}`, ...options.headers };
    return await this.api.fetch(
      new Request(`http://localhost:${PORT}${path}`, {
        method,
        headers,
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
    );
  }

  /** As a client of the interface does it; below `/api/v1/sync`. @returns status and what was answered */
  async call(method: string, path: string, json?: unknown): Promise<[status: number, body: unknown]> {
    const response = await this.send(method, `/api/v1/sync${path}`, {
      headers: json === undefined ? {} : { "content-type": "application/json" },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    const text = await response.text();
    return [response.status, text === "" ? null : JSON.parse(text)];
  }
}
