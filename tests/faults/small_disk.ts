/** A disk of a few megabytes in memory, for tests of what happens when it is full. Needs Linux and root. */
import { join } from "node:path";

/** Why no disk can be made here; undefined when it can. */
export async function whyNoSmallDisk(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "a file system in memory is for Linux";
  if (Deno.uid() !== 0) return "only root may mount";
  const path = await Deno.makeTempDir();
  try {
    await using _ = await SmallDisk.mount(path, 1024 * 1024);
  } catch (e) {
    return String(e);
  } finally {
    await Deno.remove(path);
  }
}

export class SmallDisk implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Mounts it on an existing empty folder. */
  static async mount(path: string, bytes: number): Promise<SmallDisk> {
    await command("mount", "-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", path);
    return new SmallDisk(path);
  }

  /** Takes all space but about `free` bytes. */
  async fill(free = 0): Promise<void> {
    const ballast = join(this.path, "ballast");
    using file = await Deno.open(ballast, { write: true, create: true, append: true });
    const { available } = await this.#space();
    for (let left = Math.floor(available - free); left > 0;) {
      try {
        left -= await file.write(new Uint8Array(Math.min(left, 4096)));
      } catch {
        return; // Others write, too.
      }
    }
  }

  /** Gives back what {@link fill} took. */
  async release(): Promise<void> {
    await Deno.remove(join(this.path, "ballast"));
  }

  async writable(yes: boolean): Promise<void> {
    await command("mount", "-o", `remount,${yes ? "rw" : "ro"}`, this.path);
  }

  async #space(): Promise<{ available: number }> {
    const out = await command("df", "-B1", "--output=avail", this.path);
    return { available: Number(out.trim().split("\n").at(-1)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Lazily: a process that has just died may still hold a file.
    await command("umount", "-l", this.path);
  }
}

/** Runs a program. @returns what it printed; throws Error when it fails */
export async function command(program: string, ...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text(stderr).trim()}`);
  return text(stdout);
}
