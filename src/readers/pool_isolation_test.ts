/** Whatever foreign code does to its process costs that one task (rules B3, K8, P4). */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "../../tests/assert.ts";
import { SyncError } from "../kit/errors.ts";
import { createReaderPool } from "./pool.ts";
import { conversion, readMisbehaving } from "./test_modules/tasks.ts";
import type { ReaderPool, RunOptions } from "./tasks.ts";

const MiB = 1024 * 1024;
const MODULE = new URL("./test_modules/misbehaving.ts", import.meta.url).href;

async function withPool(body: (pool: ReaderPool) => Promise<void>, load = [MODULE]): Promise<void> {
  const pool = createReaderPool({ max: 1, load });
  try {
    await body(pool);
  } finally {
    await pool.close();
  }
}

async function failureOf(promise: Promise<unknown>): Promise<SyncError> {
  const error = await assertRejects(() => promise);
  assert(error instanceof SyncError, String(error));
  assert(error.hint !== "", "every error says what to do");
  return error;
}

/** [what the backend does, code of the error, what its message says, options] */
const CASES: [string, string, RegExp, RunOptions?][] = [
  ["throw an Error", "reader_exception", /misbehaving failed: TypeError: x is not a function/],
  ["throw a text", "reader_exception", /just text/],
  ["overflow the stack", "reader_exception", /RangeError/],
  ["abort WASM", "reader_exception", /RuntimeError: unreachable/],
  ["reject unhandled", "reader_crash", /exit code 1; .*nobody listens/],
  ["exit", "reader_crash", /exit code 7/],
  ["exit with success", "reader_crash", /exit code 0/],
  ["complain and exit", "reader_crash", /exit code 3; it printed last: first complaint \| second complaint/],
  ["spin", "reader_hang", /reading item "spin" with misbehaving: no answer within 0.5 s/, {
    deadlineMs: 500,
  }],
  ["never resolve", "reader_hang", /within 0.5 s/, { deadlineMs: 500 }],
  ["allocate", "reader_memory", /MiB of memory where 300 MiB are allowed/, { memoryBytes: 300 * MiB }],
  ["allocate objects", "reader_memory", /where 300 MiB are allowed/, { memoryBytes: 300 * MiB }],
  ["print a line without end", "reader_flood", /printed/],
  ["print lines without end", "reader_flood", /printed/],
  ["print to stderr without end", "reader_flood", /printed/],
  ["forge garbage", "reader_protocol", /JSON/],
  ["forge an answer", "reader_protocol", /task 999999 that does not run/],
  ["return undefined", "reader_protocol", /expected object, received undefined/],
  ["return a draft without name", "reader_protocol", /draft.name: .*expected string/],
  ["return an unknown member", "reader_protocol", /colour/],
  ["return a function", "reader_protocol", /"callback" holds a function/],
];

for (const [act, code, message, options] of CASES) {
  Deno.test(`isolation: ${act}`, () =>
    withPool(async (pool) => {
      // The process runs already, as it does in all calls but the first.
      await readMisbehaving(pool, "well");
      const [bad, behind] = await Promise.allSettled([
        failureOf(readMisbehaving(pool, act, options)),
        readMisbehaving(pool, "well"),
      ]);
      assert(bad.status === "fulfilled");
      assertEquals([bad.value.class, bad.value.code], ["reader", code], bad.value.message);
      assertMatch(bad.value.message, message);
      assertEquals(
        behind.status === "fulfilled" && behind.value.name,
        "well",
        "the task behind it is not harmed",
      );
    }));
}

Deno.test("isolation: a process that is killed from outside is a crash naming the signal", {
  ignore: Deno.build.os === "windows",
}, () =>
  withPool(async (pool) => {
    const error = await failureOf(readMisbehaving(pool, "kill itself"));
    assertEquals(error.code, "reader_crash");
    assertStringIncludes(error.message, "signal SIGKILL");
  }));

Deno.test("an error with a class arrives as it was thrown", () =>
  withPool(async (pool) => {
    const error = await failureOf(readMisbehaving(pool, "throw a SyncError"));
    assertEquals(
      [error.class, error.code, error.retry, error.blame, error.message, error.hint],
      ["data", "corrupt", "never", "file", "run 5 is corrupt", "Look."],
    );
    assertStringIncludes(error.stack ?? "", "misbehaving.ts");
  }));

Deno.test("what a backend prints does not disturb its answer", () =>
  withPool(async (pool) => assertEquals((await readMisbehaving(pool, "print noise")).name, "well")));

Deno.test("numbers that JSON has not, and long results, survive the way", () =>
  withPool(async (pool) => {
    assertEquals((await readMisbehaving(pool, "return odd numbers")).attributes, {
      big: 2n ** 63n - 1n,
      nan: NaN,
      low: -Infinity,
      list: [0.5, Infinity],
    });
    assertEquals(String((await readMisbehaving(pool, "return 20 MB")).attributes.text).length, 10_000_000);
  }));

Deno.test("JavaScript that runs out of heap is reported as memory", () =>
  withPool(async (pool) => {
    Deno.env.set("DENO_V8_FLAGS", "--max-old-space-size=64");
    try {
      assertEquals((await failureOf(readMisbehaving(pool, "allocate objects"))).code, "reader_memory");
    } finally {
      Deno.env.delete("DENO_V8_FLAGS");
    }
  }));

for (const module of ["throws_at_import", "not_a_definition"]) {
  Deno.test(`a module that can't be loaded stops no other: ${module}`, () => {
    const url = new URL(`./test_modules/${module}.ts`, import.meta.url).href;
    return withPool(async (pool) => {
      assertEquals((await readMisbehaving(pool, "well")).name, "well");
      const { broken, backends } = await pool.run("describe", {});
      assertEquals(broken.map((b) => b.origin).filter((origin) => origin !== "built-in"), [url]);
      assert(backends.some((b) => b.origin === MODULE));
      const unknown = await failureOf(pool.run("resolve", { backend: "half", config: {} }));
      assertEquals(unknown.code, "backend_not_found");
      assertStringIncludes(unknown.message, module);
    }, [url, MODULE]);
  });
}

Deno.test("a module whose import never ends is a hang, for its own pool only", () =>
  withPool(async (pool) => {
    const error = await failureOf(readMisbehaving(pool, "well", { deadlineMs: 1500 }));
    assertEquals(error.code, "reader_hang");
  }, [new URL("./test_modules/spins_at_import.ts", import.meta.url).href]));

Deno.test("conversions: every misfortune is class converter with the reason, exactly one output is accepted", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/in.csv`, "a,b");
    await withPool(async (pool) => {
      const convert = async (act: string, options?: RunOptions) => {
        await Deno.remove(`${dir}/out`, { recursive: true }).catch(() => {});
        await Deno.mkdir(`${dir}/out`);
        return await pool.run("convert", conversion(dir, act), options);
      };
      assertEquals(await convert("well"), { path: `${dir}/out/in.txt`, logs: [`converting ${dir}/in.csv`] });
      const failures: [string, RegExp, RunOptions?][] = [
        ["throw an Error", /converter misbehaving on .*in\.csv: TypeError: x is not a function/],
        ["exit", /exit code 7 \(reader_crash\)/],
        ["spin", /no answer within 0.5 s.*\(reader_hang\)/, { deadlineMs: 500 }],
        ["allocate", /\(reader_memory\)/, { memoryBytes: 300 * MiB }],
        ["nothing", /0 outputs/],
        ["two", /2 outputs/],
        ["elsewhere", /which is not its output/],
      ];
      for (const [act, message, options] of failures) {
        const error = await failureOf(convert(act, options));
        assertEquals([error.class, error.code, error.retry], ["converter", "converter_failed", "never"]);
        assertMatch(error.message, message);
      }
      const own = await failureOf(convert("throw a SyncError"));
      assertEquals([own.class, own.code], ["data", "corrupt"]);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
