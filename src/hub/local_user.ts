/** The user of this computer, as a user of the platform. */
import os from "node:os";
import process from "node:process";

/** The platform takes names of 4 to 50 characters. */
export function asSub(userName: string): string {
  return userName.slice(0, 50).padEnd(4, "_");
}

/** Platform name of the user that this process runs as. */
export function localSub(): string {
  try {
    return asSub(os.userInfo().username);
  } catch {
    // A user without an entry in the system's list of users, as in some containers.
    return asSub(process.env.USER ?? process.env.USERNAME ?? "user");
  }
}
