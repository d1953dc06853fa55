/** The one connection that a reader process keeps to a database, and read-only transactions on it. */
import postgres from "postgres";
import { databaseError, isConnectionFailure } from "./database_error.ts";
import type { Server } from "./server.ts";

const CONNECT_TIMEOUT_S = 5;
/** Limit of one statement at the server. */
const STATEMENT_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 5_000;
/** An unused connection is closed: others may need its place at the server. */
const IDLE_TIMEOUT_S = 20;

/** A row as the server sends it; what matters is selected as text and checked by the caller. */
export type Row = Record<string, unknown>;

/** Runs statements; `$1`, `$2` … stand for texts, to be cast in the statement. */
export interface Database {
  query(statement: string, ...parameters: string[]): Promise<Row[]>;
}

/** `\x` and hexadecimal digits. The client's own way takes eight times as long. */
const BYTEA = {
  to: 17,
  from: [17],
  serialize: (bytes: Uint8Array) => `\\x${bytes.toHex()}`,
  parse: (text: string) => Uint8Array.fromHex(text.slice(2)),
};

const clients = new Map<string, postgres.Sql>();

/**
 * Runs work in one read-only transaction that sees one state of the database (REPEATABLE READ). Work that lost a kept
 * connection is done once more on a new one, so it must not mind being begun twice.
 * @throws SyncError of class source when the database cannot be worked with, and what `work` throws
 */
export async function withSnapshot<T>(server: Server, work: (db: Database) => Promise<T>): Promise<T> {
  const key = JSON.stringify(server);
  const kept = clients.get(key);
  try {
    return await inTransaction(kept ?? connect(server, key), work);
  } catch (e) {
    if (!isConnectionFailure(e)) throw databaseError(server, e);
    await disconnect(key);
    if (!kept) throw databaseError(server, e);
  }
  try {
    return await inTransaction(connect(server, key), work);
  } catch (e) {
    if (isConnectionFailure(e)) await disconnect(key);
    throw databaseError(server, e);
  }
}

/** Closes what this process keeps open. */
export async function closeConnections(): Promise<void> {
  await Promise.all([...clients.keys()].map(disconnect));
}

function connect(server: Server, key: string): postgres.Sql {
  const client = newClient(server);
  clients.set(key, client);
  return client;
}

/** What may differ from client to client. */
export interface ClientOptions {
  /** What the connection is called at the server. */
  name?: string;
  /** s; 0: an unused connection stays. */
  idle_timeout?: number;
  onclose?: () => void;
  /** Called with the channel and the text of every notification that reaches the connection. */
  onnotify?: (channel: string, payload: string) => void;
}

/** A client with one connection that cannot write. */
export function newClient(
  server: Server,
  { name = "etiket-sync", ...further }: ClientOptions = {},
): postgres.Sql {
  return postgres({
    host: server.host,
    port: server.port,
    database: server.dbname,
    username: server.user,
    ...(server.password === undefined ? {} : { password: server.password }),
    max: 1,
    ssl: "prefer",
    connect_timeout: CONNECT_TIMEOUT_S,
    idle_timeout: IDLE_TIMEOUT_S,
    max_lifetime: null,
    backoff: () => 0,
    prepare: false,
    fetch_types: false,
    onnotice: () => {},
    types: { bytea: BYTEA },
    connection: {
      application_name: name,
      default_transaction_read_only: true,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      // An agent that hangs must not keep the server from cleaning up its tables.
      idle_in_transaction_session_timeout: 120_000,
      // Whatever database and role are set to: times, bytes and numbers come in one form.
      TimeZone: "UTC",
      DateStyle: "ISO, MDY",
      bytea_output: "hex",
    },
    ...further,
  });
}

async function disconnect(key: string): Promise<void> {
  const client = clients.get(key);
  clients.delete(key);
  await client?.end({ timeout: 0 }).catch(() => {});
}

async function inTransaction<T>(
  client: postgres.Sql,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  using silence = new Silence();
  let working: Promise<T> | undefined;
  const transaction = client.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY", async (inside) => {
    const query = async (statement: string, ...parameters: string[]) => {
      silence.begins();
      try {
        return [...await inside.unsafe<Row[]>(statement, parameters)];
      } finally {
        silence.ends();
      }
    };
    silence.ends();
    working = work({ query });
    await working;
  });
  silence.begins();
  try {
    await Promise.race([transaction, silence.tooLong]);
  } catch (e) {
    transaction.catch(() => {});
    if (isConnectionFailure(e)) await client.end({ timeout: 0 }).catch(() => {});
    // It may be busy writing what it has read.
    await working?.catch(() => {});
    throw e;
  }
  if (!working) throw new Error("the transaction ended before its work");
  return await working;
}

/** Tells when an answer is due for too long: a server that is cut off never says that a limit was reached. */
export class Silence implements Disposable {
  readonly tooLong: Promise<never>;
  #reject: (reason: Error) => void = () => {};
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param longest time until an answer, ms */
  constructor(private readonly longest = ANSWER_TIMEOUT_MS) {
    this.tooLong = new Promise((_, reject) => this.#reject = reject);
    this.tooLong.catch(() => {});
  }

  begins(): void {
    this.ends();
    this.#timer = setTimeout(() => {
      const error = new Error(`no answer within ${this.longest / 1000} s`);
      this.#reject(Object.assign(error, { code: "CONNECTION_SILENT" }));
    }, this.longest);
  }

  ends(): void {
    clearTimeout(this.#timer);
  }

  [Symbol.dispose](): void {
    this.ends();
  }
}
