/**
 * The keychain of the operating system, through the command that comes with it: a native module would have to be
 * loaded, and would not fit into a single binary. What is kept goes in and out by standard input and output, never as an
 * argument, which every user of the machine can read.
 */
import { SyncError } from "../kit/errors.ts";

export interface Keychain {
  readonly name: string;
  /** @returns what {@link recall} needs beside the id; may be stored by anybody */
  keep(id: string, value: string): Promise<string>;
  /** @returns undefined when the keychain has answered and does not have it */
  recall(id: string, kept: string): Promise<string | undefined>;
}

/** One call of a command. */
interface Call {
  args: readonly string[];
  stdin: string;
}

/** A command and how it is spoken to. */
interface Tool {
  name: string;
  program: string;
  keep(id: string, value: string): Call;
  recall(id: string, kept: string): Call;
  /** Exit code of "there is no such entry". */
  absent: number;
  /** Whether the value is encrypted for the user and handed back, and not kept by the system. */
  handsBack?: boolean;
}

const SERVICE = "etiket-sync";
/** A keychain that wants to ask a person who is not there answers never, ms. */
const PATIENCE_MS = 15_000;

/** Secret Service (GNOME Keyring, KWallet), from the package libsecret-tools: man 1 secret-tool. */
const SECRET_TOOL: Tool = {
  name: "secret-tool",
  program: "secret-tool",
  keep: (id, value) => ({
    args: ["store", "--label", `${SERVICE} (${id})`, "service", SERVICE, "key", id],
    stdin: value,
  }),
  recall: (id) => ({ args: ["lookup", "service", SERVICE, "key", id], stdin: "" }),
  absent: 1,
};

/** The login keychain of macOS: man 1 security. Commands come by standard input, since `-w` takes an argument. */
const SECURITY: Tool = {
  name: "security",
  program: "/usr/bin/security",
  keep: (id, value) => ({
    args: ["-i"],
    stdin: `add-generic-password -U -a ${id} -s ${SERVICE} -w ${value}\n`,
  }),
  recall: (id) => ({ args: ["find-generic-password", "-a", id, "-s", SERVICE, "-w"], stdin: "" }),
  // errSecItemNotFound is -25300, of which the shell sees the last byte.
  absent: 44,
};

/** The data protection of Windows: a value encrypted for the user who is logged in (ProtectedData). */
const DPAPI: Tool = {
  name: "dpapi",
  program: "powershell.exe",
  keep: (_id, value) => ({
    args: powershell("Protect", "[Text.Encoding]::UTF8.GetBytes($in)", "[Convert]::ToBase64String($out)"),
    stdin: `${value}\n`,
  }),
  recall: (_id, kept) => ({
    args: powershell(
      "Unprotect",
      "[Convert]::FromBase64String($in)",
      "[Text.Encoding]::UTF8.GetString($out)",
    ),
    stdin: `${kept}\n`,
  }),
  // It has no entries that could be absent.
  absent: NaN,
  handsBack: true,
};

function powershell(call: "Protect" | "Unprotect", input: string, output: string): string[] {
  const script = "$ErrorActionPreference = 'Stop'; Add-Type -AssemblyName System.Security; " +
    "$in = [Console]::In.ReadLine(); " +
    `$out = [Security.Cryptography.ProtectedData]::${call}(${input}, $null, 'CurrentUser'); ${output}`;
  return ["-NoProfile", "-NonInteractive", "-Command", script];
}

/**
 * The keychain of this session, or null when there is none. It is not known before the first use whether it answers.
 * @param env where the session and the folders of commands are looked up
 */
export function systemKeychain(env: Pick<typeof Deno.env, "get"> = Deno.env): Keychain | null {
  switch (Deno.build.os) {
    case "darwin":
      return new CommandKeychain(SECURITY);
    case "windows":
      return new CommandKeychain(DPAPI);
    default: {
      // Without a session bus there is nobody to ask: a server, a service, a login over ssh.
      const program = env.get("DBUS_SESSION_BUS_ADDRESS") ? find("secret-tool", env.get("PATH")) : undefined;
      return program === undefined ? null : new CommandKeychain({ ...SECRET_TOOL, program });
    }
  }
}

function find(program: string, path = ""): string | undefined {
  return path.split(":").filter((folder) => folder !== "").map((folder) => `${folder}/${program}`).find(
    (file) => {
      try {
        return Deno.statSync(file).isFile;
      } catch {
        return false;
      }
    },
  );
}

class CommandKeychain implements Keychain {
  constructor(private readonly tool: Tool) {}

  get name(): string {
    return this.tool.name;
  }

  async keep(id: string, value: string): Promise<string> {
    const { code, stdout } = await this.#run(this.tool.keep(id, value));
    if (code !== 0) throw locked(`${this.name} ended with ${code}`);
    const kept = this.tool.handsBack ? stdout : "";
    // Some say yes and keep nothing, for example a collection that lasts as long as the session's daemon does.
    if (await this.recall(id, kept) !== value) throw locked(`${this.name} did not keep what it was given`);
    return kept;
  }

  async recall(id: string, kept: string): Promise<string | undefined> {
    const { code, stdout, stderr } = await this.#run(this.tool.recall(id, kept));
    if (code === 0 && stdout !== "") return stdout;
    // What is written to stderr tells a keychain that has no such entry from one that cannot be asked.
    if (code === this.tool.absent && (stderr === "" || /could not be found/i.test(stderr))) return undefined;
    throw locked(`${this.name} ended with ${code}${stderr && `: ${stderr.slice(0, 300)}`}`);
  }

  async #run({ args, stdin }: Call): Promise<{ code: number; stdout: string; stderr: string }> {
    const patience = AbortSignal.timeout(PATIENCE_MS);
    try {
      const child = new Deno.Command(this.tool.program, {
        args: [...args],
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
        signal: patience,
      }).spawn();
      const input = child.stdin.getWriter();
      const written = input.write(new TextEncoder().encode(stdin)).then(() => input.close());
      // One that does not read what it is given ends with a code of its own.
      const [output] = await Promise.all([child.output(), written.catch(() => {})]);
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
      if (patience.aborted) throw locked(`${this.name} gave no answer within ${PATIENCE_MS / 1000} s`);
      return { code: output.code, stdout: text(output.stdout), stderr: text(output.stderr) };
    } catch (e) {
      if (e instanceof SyncError) throw e;
      throw locked(`${this.name} cannot be run: ${e instanceof Error ? e.message : e}`);
    }
  }
}

function locked(what: string): SyncError {
  return new SyncError("local", "secret_locked", `the keychain cannot be used: ${what}`, {
    hint:
      'Unlock the keychain of the desktop session, or enter it again with store = "file" under [secrets] in config.toml.',
  });
}
