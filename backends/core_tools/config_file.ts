/**
 * The configuration file of core-tools (YAML). Its forms: `local_database` and `remote_database` with `user`,
 * `password`, `database` and, for the remote one, `address: host:port`, of which `databrowser: datasource` says the one
 * to look at; or the arguments of `set_up_remote_storage` (`user`, `passwd`, `dbname`, `host` or `server`, `port`), at
 * the top or below a key.
 *
 * Source: the documentation and the example configurations in the repository of core-tools.
 */
import { parse } from "yaml";
import { z } from "zod";
import { SyncError } from "../../src/kit/errors.ts";

/** What a file says of a connection. */
export interface ConnectionValues {
  dbname?: string | undefined;
  user?: string | undefined;
  password?: string | undefined;
  host?: string | undefined;
  port?: number | undefined;
}

const MAX_BYTES = 1024 * 1024;

const mapSchema = z.record(z.string(), z.unknown());
type YamlMap = z.infer<typeof mapSchema>;

/** @throws SyncError source `config_file_unusable` */
export function readConfigFile(path: string): ConnectionValues {
  const values = connectionIn(parsed(path));
  if (!values) throw unusable(path, NOT_CORE_TOOLS);
  return values;
}

const NOT_CORE_TOOLS = "is not a core-tools configuration that names a database (user and database)";

function unusable(path: string, reason: string, cause?: unknown): SyncError {
  return new SyncError("source", "config_file_unusable", `config_file (db_path): ${path} ${reason}`, {
    hint: "core-tools keeps its data in PostgreSQL and has no SQLite form: give its YAML file with user, " +
      "password, database and host, or the fields dbname, user, password, host and port",
    cause,
  });
}

function parsed(path: string): YamlMap {
  let bytes: Uint8Array;
  try {
    const { isFile, size } = Deno.statSync(path);
    if (!isFile) throw unusable(path, "is not a file");
    if (size > MAX_BYTES) throw unusable(path, NOT_CORE_TOOLS);
    bytes = Deno.readFileSync(path);
  } catch (e) {
    if (e instanceof SyncError) throw e;
    if (e instanceof Deno.errors.NotFound) throw unusable(path, "does not exist", e);
    throw unusable(path, `cannot be read (${e instanceof Error ? e.message : e})`, e);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Written by hand: a password of digits is text, and is never to be quoted in a message.
    const result = mapSchema.safeParse(
      parse(text, { schema: "failsafe", logLevel: "silent", maxAliasCount: 100 }),
    );
    if (result.success) return result.data;
  } catch {
    // Its message would quote lines of the file.
  }
  throw unusable(path, NOT_CORE_TOOLS);
}

function connectionIn(map: YamlMap): ConnectionValues | undefined {
  const below = (key: string) => mapSchema.safeParse(map[key]).data;
  const local = withDefaults(connection(below("local_database")));
  const remote = connection(below("remote_database"));
  if (local && remote) return below("databrowser")?.datasource === "remote" ? remote : local;
  const others = Object.values(map).map((value) => connection(mapSchema.safeParse(value).data));
  return local ?? remote ?? connection(map) ?? others.find((values) => values !== undefined);
}

/** core-tools has its local database on this computer, at the usual port. */
function withDefaults(values: ConnectionValues | undefined): ConnectionValues | undefined {
  return values && { ...values, host: values.host ?? "localhost", port: values.port ?? 5432 };
}

function connection(map: YamlMap | undefined): ConnectionValues | undefined {
  if (!map) return undefined;
  const text = (...keys: string[]) =>
    keys.map((key) => map[key]).find((value): value is string => typeof value === "string" && value !== "");
  const dbname = text("dbname", "database", "db");
  const user = text("user", "username");
  if (dbname === undefined || user === undefined) return undefined;
  const address = /^(.*?)(?::(\d+))?$/.exec(text("address", "host", "server") ?? "");
  const port = text("port") ?? address?.[2];
  return {
    dbname,
    user,
    password: text("passwd", "password"),
    host: address?.[1] || undefined,
    port: port !== undefined && /^\d+$/.test(port) ? Number(port) : undefined,
  };
}
