/** Secrets never come as arguments, which every user of the machine can read: they are asked for, or piped in. */
import { SyncError } from "../kit/errors.ts";
import { writeErr } from "./streams.ts";

/** Where secrets are typed or piped: standard input, or a stand-in for tests. */
export interface SecretInput {
  isTerminal(): boolean;
  setRaw(raw: boolean): void;
  readSync(buffer: Uint8Array): number | null;
}

/**
 * Reads one line for each name, in order; on a terminal it asks for each one and shows nothing of what is typed.
 * @throws SyncError `secret_missing` when the input ends too early, `interrupted` on Ctrl-C
 */
export function readSecrets(
  names: readonly string[],
  input: SecretInput = Deno.stdin,
  write: (text: string) => void = writeErr,
): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of names) {
    const value = input.isTerminal() ? ask(name, input, write) : readLine(input);
    if (value === undefined) {
      throw new SyncError("usage", "secret_missing", `no value for the secret "${name}" on standard input`, {
        hint: "Run it in a terminal, or pipe one line for each secret, in the order of the --secret options.",
      });
    }
    secrets[name] = value;
  }
  return secrets;
}

function ask(name: string, input: SecretInput, write: (text: string) => void): string | undefined {
  write(`${name}: `);
  input.setRaw(true);
  try {
    return readLine(input);
  } finally {
    input.setRaw(false);
    write("\n");
  }
}

/** Byte by byte, so that nothing behind the line is swallowed. Understands what keys send in raw mode. */
function readLine(input: SecretInput): string | undefined {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (true) {
    const n = input.readSync(one);
    const byte = one[0] ?? 0;
    if (n === null || n === 0) return bytes.length > 0 ? decode(bytes) : undefined;
    if (byte === 10 || byte === 13 && input.isTerminal()) return decode(bytes);
    if (input.isTerminal() && byte === 3) {
      throw new SyncError("usage", "interrupted", "interrupted", { hint: "Nothing was changed." });
    }
    if (input.isTerminal() && (byte === 8 || byte === 127)) dropLastCharacter(bytes);
    else bytes.push(byte);
  }
}

function dropLastCharacter(bytes: number[]): void {
  let last = bytes.pop();
  while (last !== undefined && (last & 0xc0) === 0x80) last = bytes.pop();
}

function decode(bytes: number[]): string {
  return new TextDecoder().decode(new Uint8Array(bytes)).replace(/\r$/, "");
}
