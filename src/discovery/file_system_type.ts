/** Whether a folder's file system tells of changes that other computers make. */
import type { FileSystem } from "../env.ts";

/** Network and shared file systems: inotify tells only what this computer does (man 7 inotify, "Limitations"). */
const SILENT =
  /^(nfs\d?|cifs|smb\d|smbfs|9p|afs|ceph|glusterfs|lustre|gpfs|beegfs|davfs|vboxsf|vmhgfs|virtiofs|prl_fs|fuse\..*|fuse)$/;

/** The type of a file system without events, such as `nfs4`; undefined when events can be expected. */
export function silentFileSystem(
  path: string,
  fs: Pick<FileSystem, "readTextFileSync"> = Deno,
): string | undefined {
  if (Deno.build.os === "windows") return /^[\\/]{2}[^?.]/.test(path) ? "a network share" : undefined;
  if (Deno.build.os !== "linux") return undefined;
  try {
    const type = mountedType(fs.readTextFileSync("/proc/self/mounts"), path);
    return type !== undefined && SILENT.test(type) ? type : undefined;
  } catch {
    return undefined;
  }
}

/** The type of the last mount on the longest path that holds `path` (man 5 proc_pid_mounts, man 5 fstab). */
export function mountedType(mounts: string, path: string): string | undefined {
  let best: { point: string; type: string } | undefined;
  for (const line of mounts.split("\n")) {
    const [, escaped, type] = line.split(" ");
    if (escaped === undefined || type === undefined) continue;
    const point = escaped.replace(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)));
    const holds = point === "/" || path === point || path.startsWith(`${point}/`);
    if (holds && point.length >= (best?.point.length ?? 0)) best = { point, type };
  }
  return best?.type;
}
