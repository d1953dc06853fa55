import { join } from "node:path";
import { assertEquals } from "../../tests/assert.ts";
import { readAddress, removeAddress, tokenPath, writeAddress } from "./agent_address.ts";

Deno.test("an address is believed of the process that holds the lock, of no other", async () => {
  const home = await Deno.makeTempDir();
  try {
    const address = { pid: 12, url: "http://localhost:10410", started: "2024-11-06T13:21:30Z", version: "1" };
    assertEquals(await readAddress(home, "pid 12, started x"), undefined);
    await writeAddress(home, address);
    await Deno.writeTextFile(tokenPath(home), "secret\n");
    assertEquals(await readAddress(home, "pid 12, started x"), { ...address, token: "secret" });
    for (const holder of ["pid 1, started x", "pid 123, started x", "just starting", ""]) {
      assertEquals(await readAddress(home, holder), undefined);
    }
    await Deno.writeTextFile(join(home, "agent.json"), "{");
    assertEquals(await readAddress(home, "pid 12, started x"), undefined);
    await removeAddress(home);
    await removeAddress(home);
    assertEquals([...Deno.readDirSync(home)].map((e) => e.name), ["api.token"]);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
});
