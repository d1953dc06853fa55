/** Which PostgreSQL database is read, and as whom. */

export interface Server {
  host: string;
  port: number;
  dbname: string;
  user: string;
  /** Undefined where the server asks for none. */
  password: string | undefined;
}

/** For messages: never the password. */
export function describeServer({ host, port, dbname, user }: Server): string {
  return `the PostgreSQL database "${dbname}" on ${host}:${port} as "${user}"`;
}

/** The same text for every way of naming one database, as far as that can be told without asking a name server. */
export function addressOf({ host, port, dbname }: Server): string {
  const name = host.toLowerCase();
  const isThisComputer = name === "localhost" || name === "::1" || /^127\.\d+\.\d+\.\d+$/.test(name);
  return `postgresql://${isThisComputer ? "localhost" : name}:${port}/${encodeURIComponent(dbname)}`;
}

/** An SQL identifier, whatever characters the name has. */
export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
