/** Which file lies at a path. */
import nodeFs from "node:fs";

/** Changes when another file takes a path or its bytes change; stays when it is renamed. Null when there is none. */
export function stampOf(path: string): string | null {
  const stat = nodeFs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat ? `${stat.ino}:${stat.mtimeNs}:${stat.size}` : null;
}
