/** Exit codes of the command line: a contract that scripts rely on. */
import type { ErrorData } from "../kit/errors.ts";

export const EXIT = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  someFailed: 3,
  noPermission: 4,
  noConnection: 5,
  anotherAgent: 6,
  /** Ended by Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;

/** The exit code that an error ends a command with. */
export function exitCodeOf(error: Pick<ErrorData, "code" | "class">): number {
  if (error.code === "agent_running") return EXIT.anotherAgent;
  switch (error.class) {
    case "usage":
      return EXIT.usage;
    case "auth":
    case "permission":
      return EXIT.noPermission;
    case "network":
      return EXIT.noConnection;
    default:
      return EXIT.unexpected;
  }
}
