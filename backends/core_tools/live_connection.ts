/**
 * The one connection over which the running measurements of a database are followed. Each statement is a transaction of
 * its own, so that the server holds nothing for the agent between them: no lock, no snapshot.
 */
import type postgres from "postgres";
import { type Database, newClient, type Row, Silence } from "./connection.ts";
import { databaseError, isConnectionFailure } from "./database_error.ts";
import type { Server } from "./server.ts";

/**
 * Who writes may say so: `NOTIFY etiket_live` with the uuid of the measurement, or nothing, after it committed. Nobody
 * has to: it only spares the wait for the next look.
 */
export const CHANNEL = "etiket_live";
/** Longest time for an answer, ms. */
const ANSWER_MS = 15_000;

const connections = new Map<string, LiveConnection>();

export class LiveConnection implements Database {
  #client: postgres.Sql | undefined;
  #users = 0;
  readonly #listeners = new Set<(payload: string) => void>();
  /** Whether the server sends notifications over the present connection; undefined: it was not asked yet. */
  #listening: boolean | undefined;

  private constructor(private readonly server: Server, private readonly key: string) {}

  /** The connection of a database, kept until the last who took it released it. Connects at the first statement. */
  static take(server: Server): LiveConnection {
    const key = JSON.stringify(server);
    let connection = connections.get(key);
    if (!connection) connections.set(key, connection = new LiveConnection(server, key));
    connection.#users++;
    return connection;
  }

  async release(): Promise<void> {
    if (--this.#users > 0) return;
    if (connections.get(this.key) === this) connections.delete(this.key);
    await this.#disconnect();
  }

  /** Tells of every notification, with its text. @returns ends it */
  onNotification(listener: (payload: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs one statement. @throws SyncError of class source when there is no answer; the next call connects anew */
  async query(statement: string, ...parameters: string[]): Promise<Row[]> {
    const client = this.#client ??= newClient(this.server, {
      name: "etiket-sync live",
      idle_timeout: 0,
      onclose: () => this.#listening = undefined,
      onnotify: (channel, payload) => {
        if (channel === CHANNEL) { for (const listener of this.#listeners) listener(payload); }
      },
    });
    using silence = new Silence(ANSWER_MS);
    silence.begins();
    try {
      if (this.#listening === undefined) this.#listen(client);
      const answer = client.unsafe<Row[]>(statement, parameters);
      answer.catch(() => {});
      return [...await Promise.race([answer, silence.tooLong])];
    } catch (e) {
      if (!isConnectionFailure(e)) throw e;
      if (this.#client === client) await this.#disconnect();
      throw databaseError(this.server, e);
    }
  }

  /** Ahead of the statement on the same connection; a server that refuses (a standby) is asked again at the next one. */
  #listen(client: postgres.Sql): void {
    this.#listening = true;
    client.unsafe(`LISTEN ${CHANNEL}`).catch((e) => {
      if (!isConnectionFailure(e)) this.#listening = false;
    });
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#listening = undefined;
    await client?.end({ timeout: 0 }).catch(() => {});
  }
}
