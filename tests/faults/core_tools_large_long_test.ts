/** Arrays of a core-tools measurement that are larger than the memory a reader process may have. */
import { z } from "zod";
import { CoreToolsLab } from "../../backends/core_tools/testing.ts";
import { assert, assertEquals } from "../assert.ts";
import { Random } from "./prng.ts";

const Child = z.object({ path: z.string(), ms: z.number(), peak_mib: z.number() });
const MiB = 1024 * 1024;

/** What one block of 1 MiB holds. */
function block(seed: number): Float64Array {
  const random = new Random(seed);
  return Float64Array.from({ length: MiB / 8 }, () => random.next());
}

Deno.test("an array of 2^27 values is read and written with little memory", async () => {
  await using lab = await CoreToolsLab.start();
  const columns = 8192, rows = 2 ** 27 / columns;
  const id = await lab.add([
    {
      id: "1",
      name: "trace",
      dependencies: [11, 12],
      shape: [rows, columns],
      values: [],
      cursor: rows * columns,
    },
    {
      id: "11",
      name: "run",
      isSetpoint: true,
      shape: [rows],
      values: Array.from({ length: rows }, (_, i) => i),
    },
    {
      id: "12",
      name: "t",
      isLocal: true,
      shape: [columns],
      values: Array.from({ length: columns }, (_, i) => i),
    },
  ]);
  const values = block(1);
  await lab.administer(`DO $$ DECLARE o oid; b bytea := '\\x${new Uint8Array(values.buffer).toHex()}'; BEGIN
    SELECT oid INTO o FROM measurement_parameters WHERE name = 'trace' ORDER BY id DESC LIMIT 1;
    FOR i IN 0..1023 LOOP PERFORM lo_put(o, i::bigint * ${MiB}, b); END LOOP; END $$`);

  const staging = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "-A", "--quiet", new URL("core_tools_read_child.ts", import.meta.url).pathname],
        ...[JSON.stringify(lab.config), id, staging],
      ],
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const { path, ms, peak_mib } = Child.parse(JSON.parse(new TextDecoder().decode(stdout)));
    console.log(`1 GiB in ${ms} ms, at most ${peak_mib} MiB of memory`);
    assert(peak_mib < 700, `${peak_mib} MiB`);
    assert(Deno.statSync(path).size >= 2 ** 30);
    // The values lie in the file as they are, row after row.
    const bytes = new Uint8Array(values.buffer).subarray(0, 4096);
    assert(await contains(path, bytes), "the values are not in the file");
  } finally {
    await Deno.remove(staging, { recursive: true });
  }
});

/** Whether a run of bytes begins anywhere in the last 16 MiB of a file. */
async function contains(path: string, bytes: Uint8Array): Promise<boolean> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  await file.seek(Math.max(0, size - 16 * MiB), Deno.SeekMode.Start);
  const tail = new Uint8Array(16 * MiB);
  let length = 0;
  for (let n: number | null = 1; n !== null && length < tail.length; length += n ?? 0) {
    n = await file.read(tail.subarray(length));
  }
  const needle = new TextDecoder("latin1").decode(bytes);
  return new TextDecoder("latin1").decode(tail.subarray(0, length)).includes(needle);
}
