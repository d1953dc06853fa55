/** Makes the names in a folder durable. Windows can't and needn't: NTFS journals them. */

export async function syncFolder(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(path);
  await folder.sync();
}

/** {@link syncFolder} where nothing may come in between. */
export function syncFolderNow(path: string): void {
  if (Deno.build.os === "windows") return;
  using folder = Deno.openSync(path);
  folder.syncSync();
}
