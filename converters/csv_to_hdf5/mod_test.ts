import { Buffer } from "node:buffer";
import { join } from "node:path";
import { assert, assertEquals, assertRejects } from "../../tests/assert.ts";
import { convert, flipBits } from "../../tests/convert.ts";
import { unpackFolderbase } from "../../tests/folderbase_fixture.ts";
import { netcdfContent, type NetcdfVariable } from "../../tests/netcdf_content.ts";
import { SyncError } from "../../src/kit/errors.ts";
import csvToHdf5 from "./mod.ts";

const EXPECTED =
  new URL("../../tests/fixtures/folderbase/expected/csv_conv.data.nc", import.meta.url).pathname;

async function withCsv<T>(content: string | Uint8Array, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    const path = join(folder, "table.csv");
    await Deno.writeFile(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
    return await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The variables that come out, without the index. */
function variablesOf(content: string | Uint8Array): Promise<Record<string, NetcdfVariable>> {
  return withCsv(content, async (path) => {
    await using conversion = await convert(csvToHdf5, path);
    const { index, ...variables } = (await netcdfContent(conversion.output)).variables;
    const rows = Object.values(variables)[0]?.values.length ?? 0;
    assertEquals(index?.values, Array.from({ length: rows }, (_, i) => BigInt(i)));
    return variables;
  });
}

/** dtype and values of each variable. */
async function columnsOf(
  content: string | Uint8Array,
): Promise<Record<string, [string | undefined, unknown[]]>> {
  const variables = Object.entries(await variablesOf(content));
  return Object.fromEntries(variables.map(([name, { dtype, values }]) => [name, [dtype, values]]));
}

async function failure(content: string | Uint8Array): Promise<SyncError> {
  const error = await withCsv(content, (path) => assertRejects(() => convert(csvToHdf5, path)));
  assert(error instanceof SyncError, error.stack);
  return error;
}

Deno.test("the folder fixture's tables: equal to pandas, upper-case suffix, line of the bad row", async () => {
  await using fixture = await unpackFolderbase();
  const folder = join(fixture.root, "level_any", "csv conv");
  await using data = await convert(csvToHdf5, join(folder, "files", "data.csv"));
  assertEquals(data.output.split(/[/\\]/).at(-1), "data.hdf5");
  const [ours, pandas] = [await netcdfContent(data.output), await netcdfContent(EXPECTED)];
  for (const [name, { dtype, dims, shape, values }] of Object.entries(pandas.variables)) {
    const variable = ours.variables[name];
    assertEquals([variable?.dtype, variable?.dims, variable?.shape], [dtype, dims, shape]);
    assertEquals(variable?.values, values);
  }
  assertEquals(Object.keys(ours.variables).sort(), Object.keys(pandas.variables).sort());

  await using upper = await convert(csvToHdf5, join(folder, "UPPER.CSV"));
  assertEquals((await netcdfContent(upper.output)).variables.label?.values, ["b", "a"]);

  const bad = await assertRejects(() => convert(csvToHdf5, join(folder, "bad.csv")));
  assert(bad instanceof SyncError);
  assertEquals([bad.code, bad.class], ["csv_uneven_row", "data"]);
  assert(bad.message.includes("bad.csv, line 2: 4 fields"), bad.message);
});

Deno.test("types are decided by the whole column", async () => {
  assertEquals(
    await columnsOf("int,float,gaps,text,late,none\n1,1,1,a,1,\n-2,2.5,,1,2,\n+3,-1e-3,nan,,x,\n"),
    {
      int: ["i8", [1n, -2n, 3n]],
      float: ["f8", [1, 2.5, -0.001]],
      gaps: ["f8", [1, NaN, NaN]],
      text: ["text", ["a", "1", ""]],
      late: ["text", ["1", "2", "x"]],
      none: ["f8", [NaN, NaN, NaN]],
    },
  );
});

Deno.test("integers are exact up to 64 bits", async () => {
  assertEquals(
    await columnsOf(
      "big,unsigned,beyond,mixed\n9007199254740993,18446744073709551615,18446744073709551616,-1\n" +
        "-9223372036854775808,1,2,18446744073709551615\n",
    ),
    {
      big: ["i8", [9007199254740993n, -(2n ** 63n)]],
      unsigned: ["u8", [18446744073709551615n, 1n]],
      beyond: ["f8", [2 ** 64, 2]],
      mixed: ["f8", [-1, 2 ** 64]],
    },
  );
});

Deno.test("numbers are written in many ways", async () => {
  assertEquals(
    await columnsOf("a,b,c\n 1.5 ,inf,NA\n.5,-Infinity,1E3\n5.,+INF,None\n"),
    { a: ["f8", [1.5, 0.5, 5]], b: ["f8", [Infinity, -Infinity, Infinity]], c: ["f8", [NaN, 1000, NaN]] },
  );
  for (const text of ["0x10", "1_000", "1e", "1.2.3", "--1", "1 2", "True", "."]) {
    assertEquals((await columnsOf(`a\n1\n${text}\n`)).a, ["text", ["1", text]]);
  }
});

Deno.test("headers give names, units and long names", async () => {
  const variables = await variablesOf(
    'Voltage (V),I [µA],"R, total (k\u2126)",V,V,index,,x/y,Voltage (mV)\n1,2,3,4,5,6,7,8,9\n',
  );
  assertEquals(
    Object.entries(variables).map(([name, { attributes, values }]) => [
      name,
      attributes.units,
      attributes.long_name,
      values[0],
    ]),
    [
      ["Voltage", "V", "Voltage (V)", 1n],
      ["I", "µA", "I [µA]", 2n],
      ["R, total", "k\u2126", "R, total (k\u2126)", 3n],
      ["V", undefined, "V", 4n],
      ["V_2", undefined, "V", 5n],
      ["index_2", undefined, "index", 6n],
      ["Unnamed: 6", undefined, undefined, 7n],
      ["x_y", undefined, "x/y", 8n],
      ["Voltage_2", "mV", "Voltage (mV)", 9n],
    ],
  );
});

Deno.test("delimiters, quotes, ends of lines and byte order marks", async (t) => {
  const wanted = { a: ["i8", [1n, 3n]], b: ["text", ["x", "y"]] };
  const forms: Record<string, string> = {
    comma: "a,b\n1,x\n3,y\n",
    semicolon: "a;b\n1;x\n3;y\n",
    tab: "a\tb\n1\tx\n3\ty\n",
    CRLF: "a,b\r\n1,x\r\n3,y\r\n",
    "lone CR": "a,b\r1,x\r3,y\r",
    "mixed ends": "a,b\r\n1,x\n3,y",
    "no end of the last line": "a,b\n1,x\n3,y",
    quotes: '"a","b"\n"1","x"\n"3","y"\n',
    "byte order mark": "\ufeffa,b\n1,x\n3,y\n",
    "blank lines": "\na,b\n\n1,x\n   \n3,y\n\n",
  };
  for (const [name, content] of Object.entries(forms)) {
    await t.step(name, async () => assertEquals<unknown>(await columnsOf(content), wanted));
  }
  await t.step("delimiters, quotes and newlines inside quotes", async () => {
    assertEquals((await columnsOf('a,b\n1,"x, ""y""\r\nz"\n2,5" disk\n')).b, ["text", [
      'x, "y"\nz',
      '5" disk',
    ]]);
  });
  await t.step("decimal commas stay text", async () => {
    assertEquals((await columnsOf("a;b\n1,5;2\n2,5;3\n")).a, ["text", ["1,5", "2,5"]]);
  });
});

Deno.test("encodings: UTF-16 by its mark, Latin-1 when it is not UTF-8", async () => {
  const text = "name,T (°C)\nÅsa,20\n";
  const wanted = { name: ["text", ["Åsa"]], T: ["i8", [20n]] };
  assertEquals<unknown>(await columnsOf(Buffer.from("\ufeff" + text, "utf16le")), wanted);
  assertEquals<unknown>(await columnsOf(Buffer.from("\ufeff" + text, "utf16le").swap16()), wanted);
  await withCsv(Buffer.from(text, "latin1"), async (path) => {
    await using conversion = await convert(csvToHdf5, path);
    const { T, name } = (await netcdfContent(conversion.output)).variables;
    assertEquals([T?.attributes.units, name?.values], ["°C", ["Åsa"]]);
    assert(conversion.logged.some((line) => line.includes("not UTF-8")));
  });
});

Deno.test("what is no table fails with its line", async () => {
  const cases: [content: string | Uint8Array, code: string, message: string][] = [
    ["", "csv_no_header", "line 1"],
    ["\n\n", "csv_no_header", "line 1"],
    ["a,b\n", "csv_no_rows", "line 1"],
    ["a,b\n1,2\n3\n", "csv_uneven_row", "line 3: 1 fields, but the header has 2"],
    ['a,b\n"x\ny",2\n\n1,2,3\n', "csv_uneven_row", "line 5: 3 fields"],
    ['a,b\n1,2\n"x,2\n3,4\n', "csv_unclosed_quote", "line 3"],
    ["a,b\n1,2\nx\0,2\n", "csv_not_text", "line 3"],
  ];
  for (const [content, code, message] of cases) {
    const error = await failure(content);
    assertEquals([error.code, error.class], [code, "data"]);
    assert(error.message.includes(message), error.message);
  }
});

Deno.test("a quote that is never closed is given up, not read again and again", async () => {
  const error = await failure(`a,b\n1,"${"x\n".repeat(12 * 1024 * 1024)}`);
  assertEquals(error.code, "csv_unclosed_quote");
  assert(error.message.includes("line 2"), error.message);
});

Deno.test("columns larger than their buffers come out whole", async () => {
  const rows = 70_000;
  const text = (i: number) => i % 1000 === 7 ? "long µ ".repeat(30_000 + i % 7) : `t${i % 5}`;
  const lines = Array.from(
    { length: rows },
    (_, i) => `${i},${i / 8},${i % 9973 === 0 ? text(7 + i) : `t${i % 5}`}`,
  );
  const columns = await columnsOf(`n,x,s\n${lines.join("\n")}\n`);
  assertEquals(columns.n?.[1].at(-1), BigInt(rows - 1));
  assertEquals(columns.x?.[1], Array.from({ length: rows }, (_, i) => i / 8));
  assertEquals(columns.s?.[1], lines.map((line) => line.split(",")[2]));
});

Deno.test("200 damaged tables: a result or a reason", async () => {
  const table = new TextEncoder().encode('t (s),"a;b",label\n' + "0.5,1,\"x\"\n1.5,-2,'y'\n".repeat(20));
  const outcomes = new Map<string, number>();
  for (let seed = 0; seed < 200; seed++) {
    const outcome = await withCsv(flipBits(table, seed), async (path) => {
      try {
        await using conversion = await convert(csvToHdf5, path);
        return Object.keys((await netcdfContent(conversion.output)).variables).length > 1
          ? "result"
          : "nothing";
      } catch (error) {
        assert(error instanceof SyncError && error.class === "data", `seed ${seed}: ${error}`);
        assert(/line \d+/.test(error.message), error.message);
        return "reason";
      }
    });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  assertEquals([...outcomes.keys()].sort(), ["reason", "result"]);
});

Deno.test("a file that can not be read is a failure of the source, not of us", async () => {
  const error = await assertRejects(() => convert(csvToHdf5, join(Deno.cwd(), "no such table.csv")));
  assert(error instanceof SyncError);
  assertEquals([error.code, error.class], ["file_unreadable", "source"]);
});
