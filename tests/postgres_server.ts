/**
 * A real PostgreSQL server for tests, on a free port of this computer and a temporary folder, with passwords that are
 * checked (scram-sha-256) and with `listen`, transactions and large objects as any other:
 *
 * ```ts
 * await using server = await PostgresServer.start();
 * await server.createRole("reader", { password: "secret" });
 * await server.createDatabase("coretools", "reader");
 * await server.loadSql("coretools", "reader", "tests/fixtures/core_tools/core_tools.sql");
 * ```
 */
import { join } from "node:path";
import postgres from "postgres";
import { postgresBinaries, programPath } from "./postgres_binaries.ts";

const ADMINISTRATOR = "postgres";

/** A row of a reply, as the client decodes it. */
export type Row = Record<string, unknown>;

/** Who runs the programs; nobody in particular: whoever runs the test. */
type User = { uid?: number; gid?: number };

export class PostgresServer {
  readonly host = "127.0.0.1";
  #passwords = new Map([[ADMINISTRATOR, "administrator"]]);
  #process: Deno.ChildProcess | null = null;

  private constructor(
    readonly port: number,
    private readonly bin: string,
    private readonly folder: string,
    private readonly user: User,
  ) {}

  /** Starts a server with no databases of its own. @throws Error where its programs cannot be had or do not start */
  static async start(): Promise<PostgresServer> {
    const bin = await postgresBinaries();
    const folder = await Deno.makeTempDir({ prefix: "postgres_" });
    // Root may not run the server.
    const user: User = Deno.uid() === 0 ? await nobody() : {};
    if (user.uid !== undefined) await Deno.chown(folder, user.uid, user.gid ?? null);
    const server = new PostgresServer(freePort(), bin, folder, user);
    try {
      await server.#initialize();
      await server.#run();
      return server;
    } catch (e) {
      await server.stop();
      throw e;
    }
  }

  /** Creates a role that may log in. */
  async createRole(name: string, { password, superuser = false }: { password: string; superuser?: boolean }) {
    const rights = superuser ? "SUPERUSER" : "NOSUPERUSER";
    const secret = `'${password.replaceAll("'", "''")}'`;
    await this.query(ADMINISTRATOR, `CREATE ROLE ${quoted(name)} LOGIN ${rights} PASSWORD ${secret}`);
    this.#passwords.set(name, password);
  }

  /** Creates an empty database that a role owns. */
  async createDatabase(name: string, owner: string): Promise<void> {
    await this.query(ADMINISTRATOR, `CREATE DATABASE ${quoted(name)} OWNER ${quoted(owner)}`);
  }

  /** Loads a dump in plain SQL, large objects included, as a role, who then owns all of it. */
  async loadSql(database: string, role: string, file: string | URL): Promise<void> {
    const dump = await Deno.readTextFile(file);
    // Newer dumps begin and end with a command of psql's own.
    await this.#execute(database, role, dump.replaceAll(/^\\(un)?restrict .*$/gm, ""));
  }

  /** Runs SQL as the administrator. @returns the rows of its (last) statement */
  query(database: string, sql: string): Promise<Row[]> {
    return this.#execute(database, ADMINISTRATOR, sql);
  }

  /** Ends every connection in order, then starts again on the same port with the same data. */
  async restart(): Promise<void> {
    await this.#end("SIGINT");
    await this.#run();
  }

  /** Starts again what `kill` ended. */
  async resume(): Promise<void> {
    if (!this.#process) await this.#run();
  }

  /** Ends at once as when its computer fails: no goodbye to clients. `resume` starts it again with its recovery. */
  async kill(): Promise<void> {
    await this.#end("SIGQUIT");
  }

  /** Ends the server and deletes its data. */
  async stop(): Promise<void> {
    await this.#end("SIGINT");
    await Deno.remove(this.folder, { recursive: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #initialize(): Promise<void> {
    const passwordFile = join(this.folder, "password");
    await Deno.writeTextFile(passwordFile, this.#passwords.get(ADMINISTRATOR) ?? "", { mode: 0o600 });
    if (this.user.uid !== undefined) await Deno.chown(passwordFile, this.user.uid, this.user.gid ?? null);
    const { success, stderr } = await new Deno.Command(programPath(this.bin, "initdb"), {
      args: [
        ...["--pgdata", this.#data, "--username", ADMINISTRATOR, "--auth", "scram-sha-256"],
        ...["--pwfile", passwordFile, "--encoding", "UTF8", "--locale", "C", "--no-sync"],
      ],
      ...this.#asUser,
      stdin: "null",
      stdout: "null",
    }).output();
    if (!success) throw new Error(`PostgreSQL's initdb: ${new TextDecoder().decode(stderr)}`);
  }

  async #run(): Promise<void> {
    const settings = {
      listen_addresses: this.host,
      unix_socket_directories: "",
      fsync: "off",
      max_connections: "40",
      log_destination: "stderr",
      logging_collector: "on",
      log_directory: this.folder,
      log_filename: "server.log",
    };
    const child = new Deno.Command(programPath(this.bin, "postgres"), {
      args: [
        ...["-D", this.#data, "-p", String(this.port)],
        ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      ...this.#asUser,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    this.#process = child;
    let hasEnded = false;
    child.status.then(() => hasEnded = true);
    while (!await this.#answers()) {
      if (hasEnded) throw new Error(`PostgreSQL does not start: ${await this.log()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** What the server wrote to its log. */
  async log(): Promise<string> {
    return await Deno.readTextFile(join(this.folder, "server.log")).catch(() => "");
  }

  async #end(signal: "SIGINT" | "SIGQUIT"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (!child) return;
    try {
      child.kill(signal);
    } catch { /* it has ended already */ }
    await child.status;
  }

  async #answers(): Promise<boolean> {
    try {
      await this.query(ADMINISTRATOR, "SELECT 1");
      return true;
    } catch {
      return false;
    }
  }

  async #execute(database: string, role: string, sql: string): Promise<Row[]> {
    const client = postgres({
      host: this.host,
      port: this.port,
      database,
      username: role,
      password: this.#passwords.get(role) ?? "",
      max: 1,
      onnotice: () => {},
    });
    try {
      const rows = await client.unsafe(sql).simple();
      return [...rows];
    } finally {
      await client.end();
    }
  }

  get #data(): string {
    return join(this.folder, "data");
  }

  /** How its programs are run: in a folder their user can enter, speaking English. */
  get #asUser() {
    return { ...this.user, cwd: this.folder, env: { LC_ALL: "C" } };
  }
}

/** The user who owns nothing. */
async function nobody(): Promise<User> {
  const id = async (option: string) =>
    Number(
      new TextDecoder().decode((await new Deno.Command("id", { args: [option, "nobody"] }).output()).stdout),
    );
  return { uid: await id("-u"), gid: await id("-g") };
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}
