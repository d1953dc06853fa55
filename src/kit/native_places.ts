/** Where the local database of qdrive (the "native" database) lies on this computer, by the client's generation. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";
import { join } from "node:path";

/** What the places depend on. */
export interface Surroundings {
  os: string;
  home: string;
  variable(name: string): string | undefined;
}

const here: Surroundings = {
  os: process.platform,
  home: homedir(),
  variable: (name) => process.env[name],
};

/** The database below a data folder. */
export function nativeDatabaseOf(folder: string): string {
  return join(folder, "sql", "etiket_db.sql");
}

/** Data folders of the clients, the newest generation (0.3) first; they need not exist. */
export function nativePlaces({ os, home, variable }: Surroundings = here): string[] {
  if (os === "win32") {
    const local = variable("LOCALAPPDATA") || join(home, "AppData", "Local");
    return [
      join(local, "quantum_machines", "etiket"),
      join(local, "qdrive"),
      join(local, "qdrive", "qdrive"),
    ];
  }
  if (os === "darwin") {
    return [
      join(home, "Library", "Application Support", "quantum_machines", "etiket"),
      join(home, "Library", "Containers", "com.qdrive.dataQruiser", "Data", "qdrive"),
    ];
  }
  const data = variable("XDG_DATA_HOME") || join(home, ".local", "share");
  return [join(data, "quantum_machines", "etiket"), join(home, ".dataQruiser", "data", "qdrive")];
}

/**
 * The data folders that hold a database, links resolved: 0.3 moves the old folder and leaves a link behind, so that both
 * places are often one. None where the variable `ETIKET_SYNC_NATIVE` is `off`, as in tests and in the demo: their platforms
 * are thrown away, and what a user really has must not be marked as synchronized for them.
 */
export function nativeFolders(surroundings: Surroundings = here): string[] {
  if (surroundings.variable("ETIKET_SYNC_NATIVE") === "off") return [];
  const found = nativePlaces(surroundings).filter((folder) => existsSync(nativeDatabaseOf(folder)));
  return [...new Set(found.map((folder) => realpathSync(folder)))];
}
