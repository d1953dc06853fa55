import { join } from "node:path";
import { assertEquals } from "../../../tests/assert.ts";
import { Catalog } from "../../catalog/catalog.ts";
import { systemEnv } from "../../env.ts";
import { openHub } from "../../hub/open_hub.ts";
import { platformClient } from "../../platform/client.ts";
import { inProcessTransport } from "../../platform/transport_in_process.ts";
import { memoryTransfer } from "../../transfer/memory_transfer.ts";
import { openHome } from "../home.ts";
import type { Services } from "../services.ts";
import { Conversions } from "./conversions.ts";
import { Freezer } from "./freeze.ts";

Deno.test("a conversion that is broken off is made the next time; one that fails is not tried again", async () => {
  const folder = await Deno.makeTempDir();
  const home = openHome(join(folder, "home"));
  const hub = openHub({ directory: home.hubDir, env: systemEnv });
  const catalog = Catalog.open(home.catalogPath);
  let fail: () => Error = () => new Error("not set");
  let runs = 0;
  const s: Services = {
    env: systemEnv,
    home,
    catalog,
    client: platformClient({ transport: inProcessTransport((r) => hub.fetch(r)), env: systemEnv }),
    ownsPlatform: true,
    readers: {
      run: () => {
        runs++;
        return Promise.reject(fail());
      },
      close: () => Promise.resolve(),
    },
    transfer: memoryTransfer(),
    registry: () => Promise.resolve({ backends: [], converters: [], broken: [] }),
    machineId: "machine",
    version: "0",
    log() {},
    logOnce() {},
  };
  const convert = (signal?: AbortSignal) => {
    const freezer = Freezer.in(s, { staging: home.stagingDir, root: folder, local: true }, signal);
    return new Conversions(s, freezer).convert(
      { converter: "upper", input: join(folder, "table.csv"), name: "table.csv" },
      "table.txt",
      {
        id: "upper",
        version: "1",
        input: "csv",
        output: "txt",
        auto: true,
        folder: false,
        aliases: [],
        origin: "test",
      },
      undefined,
    );
  };
  try {
    await Deno.writeTextFile(join(folder, "table.csv"), "x,y\n");
    await Deno.utime(join(folder, "table.csv"), 1_700_000_000, 1_700_000_000);
    const control = new AbortController();
    fail = () => {
      control.abort(new Error("the item is run itself"));
      return control.signal.reason;
    };
    await convert(control.signal);
    fail = () => new Error("line 3 is no number");
    for (let attempt = 0; attempt < 2; attempt++) await convert();
    assertEquals(runs, 2, "broken off once, failed once, remembered once");
  } finally {
    catalog.close();
    await hub.close();
    await Deno.remove(folder, { recursive: true });
  }
});
