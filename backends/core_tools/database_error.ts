/** Failures of PostgreSQL and of the way to it, as errors that say whose they are and what to do. */
import { SyncError } from "../../src/kit/errors.ts";
import { describeServer, quotedIdentifier, type Server } from "./server.ts";

/** SQLSTATE of a failure, or the name that the system or the client gives it (ECONNREFUSED, CONNECT_TIMEOUT). */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

/** Code of the error of a server that cannot be reached, or no more. */
export const UNREACHABLE = "database_unreachable";

/** No permission: of a table, a schema, or a large object. */
export const NO_PERMISSION = "42501";

/**
 * An error of class source, unless the value that was asked for is itself damaged: whatever else goes wrong between the
 * agent and the database says nothing about a measurement.
 */
export function databaseError(server: Server, thrown: unknown): SyncError {
  if (thrown instanceof SyncError) return thrown;
  const code = codeOf(thrown);
  const reason = withoutPassword(thrown instanceof Error ? thrown.message : String(thrown), server);
  const of = (name: string, message: string, hint: string) =>
    new SyncError("source", name, message, { hint });
  const where = describeServer(server);
  // https://www.postgresql.org/docs/current/errcodes-appendix.html
  if (code === "XX001" || code === "XX002") {
    return new SyncError("data", "database_damaged", `${where}: ${reason}`, {
      hint: "A page of the database is damaged: restore it from a backup.",
    });
  }
  if (code === NO_PERMISSION) {
    return of("database_permission_denied", `${where}: ${reason}`, tableHint(server));
  }
  if (code === "57014") {
    return of("database_timeout", `${where} did not answer in time`, "It is asked again by itself.");
  }
  if (code === "53300") {
    return of(
      "database_busy",
      `${where} takes no more connections: ${reason}`,
      "It is tried again by itself.",
    );
  }
  if (/^(28|3D)/.test(code)) {
    return of(
      "database_refused",
      `cannot connect to ${where}: ${reason}`,
      "Check dbname, user and password (etiket-sync source update NAME --secret password), and pg_hba.conf of the server.",
    );
  }
  if (isConnectionFailure(thrown)) {
    return of(
      UNREACHABLE,
      `cannot connect to ${where}: ${reason || code}`,
      "Check that the server runs and that host and port are right; it is tried again by itself.",
    );
  }
  // What was asked for is not of the form that core-tools gives it.
  if (/^(22|42)/.test(code)) {
    return new SyncError("data", "database_unexpected", `${where}: ${reason} (${code})`, {
      hint: "Tables or values there are not as core-tools makes them.",
    });
  }
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return of("database_error", `${where}: ${reason} (${code})`, "It is tried again by itself.");
  }
  throw thrown;
}

/** True when the connection is of no more use, or never was. */
export function isConnectionFailure(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return /^(08|57P|25P03|CONNECT|E[A-Z]{2,}|SASL|UND_ERR)/.test(code) ||
    thrown instanceof Error && /os error|invalid peer certificate|tls|certificate/i.test(thrown.message);
}

function tableHint({ dbname, user }: Server): string {
  return `An administrator runs, in database "${dbname}": GRANT SELECT ON global_measurement_overview, ` +
    `measurement_parameters TO ${quotedIdentifier(user)};`;
}

/** The server never says it, but a system's message might quote a setting. */
function withoutPassword(text: string, { password }: Server): string {
  return password !== undefined && password.length > 3 ? text.replaceAll(password, "<redacted>") : text;
}

/** The role may not read what core-tools keeps the values in. */
export function largeObjectsDenied(
  server: Server,
  oid: string,
  owner: string,
  kind: "source" | "permission",
): SyncError {
  const role = quotedIdentifier(server.user);
  return new SyncError(
    kind,
    "large_objects_denied",
    `the role ${role} has no right to read the large objects in which core-tools keeps the values ` +
      `(large object ${oid} of role ${quotedIdentifier(owner)} in database "${server.dbname}")`,
    {
      blame: "source",
      hint: `An administrator runs, in that database: GRANT ${quotedIdentifier(owner)} TO ${role}; ` +
        `or for each large object: GRANT SELECT ON LARGE OBJECT ${oid} TO ${role}; ` +
        `or ALTER DATABASE ${quotedIdentifier(server.dbname)} SET lo_compat_privileges TO on;`,
    },
  );
}
