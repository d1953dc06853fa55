/** The configuration of a core-tools source. */
import { z } from "zod";
import type { Config, Field } from "../../src/kit/define_backend.ts";
import { SyncError } from "../../src/kit/errors.ts";
import { checkAccess } from "./check_access.ts";
import { type ConnectionValues, readConfigFile } from "./config_file.ts";
import type { Server } from "./server.ts";

const HOST = "localhost";
const PORT = 5432;

export const FIELDS: Field[] = [
  {
    name: "dbname",
    type: "string",
    required: false,
    description: "name of the PostgreSQL database; required unless config_file says it",
    example: "measurement_data",
  },
  {
    name: "user",
    type: "string",
    required: false,
    description: "role that reads; required unless config_file says it",
    example: "reader",
  },
  {
    name: "password",
    type: "string",
    required: false,
    description: "password of that role",
    secret: true,
  },
  {
    name: "host",
    type: "string",
    required: false,
    description: "computer of the database server",
    default: HOST,
  },
  {
    name: "port",
    type: "integer",
    required: false,
    description: "port of the database server",
    default: PORT,
  },
  {
    name: "set_up",
    type: "string",
    required: false,
    description: "only measurements of this set-up",
  },
  {
    name: "config_file",
    type: "file_path",
    required: false,
    description:
      "configuration file of core-tools (YAML) that names the database; the other fields are used for what it does not say",
    aliases: ["db_path"],
  },
];

const configSchema = z.object({
  dbname: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional(),
  host: z.string().default(HOST),
  port: z.number().default(PORT),
  set_up: z.string().optional(),
  config_file: z.string().optional(),
});

/** What a source reads. */
export interface CoreToolsDatabase {
  server: Server;
  /** Only measurements of this set-up. */
  setUp: string | undefined;
}

/**
 * The database that a checked configuration names; a configuration file is read anew each time.
 * @throws SyncError source `config_file_unusable` or `config_incomplete`
 */
export function databaseOf(config: Config): CoreToolsDatabase {
  const { config_file, set_up, ...given } = configSchema.parse(config);
  const stored: ConnectionValues = config_file === undefined ? {} : readConfigFile(config_file);
  const { dbname, user, password, host, port } = {
    ...given,
    ...Object.fromEntries(Object.entries(stored).filter(([, value]) => value !== undefined)),
  };
  const missing = [...(dbname ? [] : ["dbname"]), ...(user ? [] : ["user"])];
  if (!dbname || !user) {
    const where = config_file === undefined ? "" : ` (and ${config_file} does not say it)`;
    throw new SyncError("source", "config_incomplete", `${missing.join(" and ")} missing${where}`, {
      hint: "Give dbname and user, or the core-tools configuration file with config_file.",
    });
  }
  return {
    server: { dbname, user, host, port, password: password === "" ? undefined : password },
    setUp: set_up === "" ? undefined : set_up,
  };
}

/** Looks into the database. @returns one sentence per problem */
export async function validate(config: Config): Promise<string[]> {
  try {
    const { port } = configSchema.parse(config);
    if (port < 1 || port > 65535) return [`port: ${port} is not a port (1 to 65535)`];
    await checkAccess(databaseOf(config).server);
    return [];
  } catch (e) {
    if (!(e instanceof SyncError)) throw e;
    return [e.hint === "" ? e.message : `${e.message}. ${e.hint}`];
  }
}
