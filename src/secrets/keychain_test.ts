import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { type Keychain, systemKeychain } from "./keychain.ts";
import { openSecretStore } from "./sealed_files.ts";

/** `secret-tool` as its manual describes it, with files in place of a keyring; it notes how it was called. */
const FAKE = `#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
if [ -f "$here/locked" ]; then echo "secret-tool: Cannot autolaunch D-Bus without X11" >&2; exit 1; fi
for last; do :; done
case "$1" in
  store) cat > "$here/entry_$last" ;;
  lookup) cat "$here/entry_$last" 2> "$here/ignored" || exit 1 ;;
esac
`;

async function withFake(
  test: (keychain: () => Keychain | null, folder: string) => Promise<void>,
): Promise<void> {
  if (Deno.build.os !== "linux") return;
  const folder = await Deno.makeTempDir({ prefix: "keychain_" });
  const env: Record<string, string> = {
    DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere",
    PATH: `/none:${folder}`,
  };
  try {
    await Deno.writeTextFile(join(folder, "secret-tool"), FAKE, { mode: 0o755 });
    await test(() => systemKeychain({ get: (name) => env[name] }), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the key is in the keychain alone, and never an argument", () =>
  withFake(async (keychain, fake) => {
    const folder = join(fake, "secrets");
    await openSecretStore(folder, { keychain }).put("token", "swordfish");
    assertEquals(await openSecretStore(folder, { keychain }).get("token"), "swordfish");
    const entry = [...Deno.readDirSync(fake)].find((e) => e.name.startsWith("entry_"));
    assert(entry, "the keychain holds an entry");
    const key = await Deno.readTextFile(join(fake, entry.name));
    assertEquals(key.length, 64);
    const elsewhere = [
      join(fake, "calls"),
      ...[...Deno.readDirSync(folder)].map((e) => join(folder, e.name)),
    ];
    for (const path of elsewhere) assert(!(await Deno.readTextFile(path)).includes(key), path);
    assertEquals(elsewhere.length, 3);
  }));

Deno.test("a keychain that is locked for a while gives the secret later; one that lost its entry says so", () =>
  withFake(async (keychain, fake) => {
    const folder = join(fake, "secrets");
    const codeNow = async () => {
      const error = await assertRejects(() => openSecretStore(folder, { keychain }).get("token"));
      return error instanceof SyncError ? error.code : error.message;
    };
    await openSecretStore(folder, { keychain }).put("token", "swordfish");
    await Deno.writeTextFile(join(fake, "locked"), "");
    assertEquals(await codeNow(), "secret_locked");
    await Deno.remove(join(fake, "locked"));
    assertEquals(await openSecretStore(folder, { keychain }).get("token"), "swordfish");
    const entry = [...Deno.readDirSync(fake)].find((e) => e.name.startsWith("entry_"));
    await Deno.remove(join(fake, entry?.name ?? ""));
    assertEquals(await codeNow(), "secret_lost");
  }));

Deno.test("where no keychain answers the key is in a file, unless it must not be", () =>
  withFake(async (keychain, fake) => {
    await Deno.writeTextFile(join(fake, "locked"), "");
    const folder = join(fake, "secrets");
    await openSecretStore(folder, { keychain }).put("token", "swordfish");
    assertEquals(await openSecretStore(folder, { keychain: () => null }).get("token"), "swordfish");
    const strict = openSecretStore(join(fake, "strict"), { keys: "keychain", keychain });
    const refusal = await assertRejects(() => strict.put("token", "swordfish"));
    assert(refusal instanceof SyncError);
    assertEquals(refusal.code, "keychain_unusable");
    assertEquals([...Deno.readDirSync(join(fake, "strict"))], []);
  }));

Deno.test("without a desktop session no keychain is asked", () => {
  if (Deno.build.os !== "linux") return;
  assertEquals(systemKeychain({ get: (name) => name === "PATH" ? "/usr/bin" : undefined }), null);
});
