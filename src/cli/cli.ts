/** What every command works with: global options, the agent, and the two output streams. */
import type { Agent } from "../engine/agent.ts";
import { EXIT } from "./exit_codes.ts";
import { stateFolder } from "./home_dir.ts";
import { writeErr, writeOut } from "./streams.ts";

export interface GlobalOptions {
  home?: string | undefined;
  config?: string | undefined;
  json?: boolean | undefined;
  quiet?: boolean | undefined;
  verbose?: boolean | undefined;
}

export class Cli {
  /** Set once the command line is parsed, before a command runs. */
  globals: GlobalOptions = {};
  exitCode: number = EXIT.ok;

  /** Absolute path of the state folder. */
  get home(): string {
    return stateFolder(this.globals.home);
  }

  /** Progress bars and questions only make sense when a person sees them. */
  get interactive(): boolean {
    return !this.globals.quiet && Deno.stderr.isTerminal();
  }

  /** Opens the agent on the state folder, and closes it in every outcome. */
  async withAgent<T>(work: (agent: Agent) => T | Promise<T>): Promise<T> {
    const agent = await this.openAgent();
    try {
      return await work(agent);
    } finally {
      await agent.close();
    }
  }

  /** The caller closes it. Imported here, so that commands that need no agent start at once. */
  async openAgent(): Promise<Agent> {
    const { Agent } = await import("../engine/agent.ts");
    return await Agent.open({
      home: this.home,
      ...(this.globals.config ? { configFile: this.globals.config } : {}),
      log: (line) => this.detail(line),
    });
  }

  /** The result of a command on stdout: as one JSON document with `--json`, else as text for people. */
  print<T>(data: T, human: (data: T) => string): void {
    const text = this.globals.json ? JSON.stringify(data, null, 2) : human(data);
    writeOut(text.endsWith("\n") || text === "" ? text : text + "\n");
  }

  /** Talk for people, on stderr; not with `--quiet`. */
  say(text: string): void {
    if (!this.globals.quiet) writeErr(text + "\n");
  }

  /** Talk that only `--verbose` shows. */
  detail(text: string): void {
    if (this.globals.verbose) writeErr(text + "\n");
  }

  /** Something the user should know even with `--quiet`. */
  warn(text: string): void {
    writeErr(`warning: ${text}\n`);
  }

  /** Columns of the terminal that tables should fit, undefined when stdout is a file or pipe. */
  get width(): number | undefined {
    return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined;
  }
}
