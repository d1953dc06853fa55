/** Errors of the system as Deno throws them. */

const KINDS = {
  ENOENT: { type: Deno.errors.NotFound, number: 2, text: "No such file or directory" },
  EIO: { type: Error, number: 5, text: "Input/output error" },
  EACCES: { type: Deno.errors.PermissionDenied, number: 13, text: "Permission denied" },
  EEXIST: { type: Deno.errors.AlreadyExists, number: 17, text: "File exists" },
  ENOTDIR: { type: Deno.errors.NotADirectory, number: 20, text: "Not a directory" },
  EISDIR: { type: Deno.errors.IsADirectory, number: 21, text: "Is a directory" },
  EINVAL: { type: Error, number: 22, text: "Invalid argument" },
  EMFILE: { type: Error, number: 24, text: "Too many open files" },
  ENOSPC: { type: Error, number: 28, text: "No space left on device" },
  ENOTEMPTY: { type: Error, number: 39, text: "Directory not empty" },
} as const;

export type SystemErrorCode = keyof typeof KINDS;

export function systemError(code: SystemErrorCode, path: string): Error {
  const { type, number, text } = KINDS[code];
  const error = new type(`${text} (os error ${number}): '${path}'`);
  return Object.assign(error, { code });
}
