import { assertEquals, assertStringIncludes, assertThrows } from "../../tests/assert.ts";
import type { Field } from "../kit/define_backend.ts";
import { configFromAssignments, parseAssignment } from "./set_option.ts";

const field = (name: string, type: Field["type"], more: Partial<Field> = {}): Field => ({
  name,
  type,
  required: false,
  description: "",
  ...more,
});

const FIELDS: Field[] = [
  field("root_directory", "dir_path"),
  field("label", "string"),
  field("is_server_folder", "boolean", { aliases: ["server_folder"] }),
  field("level", "integer"),
  field("rate", "float"),
  field("skip", "list"),
  field("attributes", "dict"),
  field("auto", "boolean", { also: ["list"] }),
];

const config = (...texts: string[]) => configFromAssignments(texts.map(parseAssignment), FIELDS);

Deno.test("the field's type decides: text that looks like a number stays text", () => {
  assertEquals(config("label=007", "root_directory=2024", "level=-1", "rate=1e-3", "is_server_folder=no"), {
    label: "007",
    root_directory: "2024",
    level: -1,
    rate: 1e-3,
    is_server_folder: false,
  });
});

Deno.test("only the first = separates, and a value may be empty", () => {
  assertEquals(config("label=a=b=c"), { label: "a=b=c" });
  assertEquals(config("label="), { label: "" });
});

Deno.test("aliases have the type of their field", () => {
  assertEquals(config("server_folder=True"), { server_folder: true });
});

Deno.test("a value of the wrong type is handed on as text, for the backend to name", () => {
  assertEquals(config("level=two", "is_server_folder=maybe"), { level: "two", is_server_folder: "maybe" });
});

Deno.test("maps are filled by dotted keys and by JSON", () => {
  assertEquals(config("attributes.setup=xld 2", "attributes.fridge.t=0.02", "attributes.cold=true"), {
    attributes: { setup: "xld 2", fridge: { t: 0.02 }, cold: true },
  });
  assertEquals(config('attributes={"a":[1]}', "attributes.b=x"), { attributes: { a: [1], b: "x" } });
});

Deno.test("lists take JSON and repeated assignments", () => {
  assertEquals(config('skip=["a","b"]'), { skip: ["a", "b"] });
  assertEquals(config("skip=*.txt", "skip=tmp/*"), { skip: ["*.txt", "tmp/*"] });
});

Deno.test("a field of several types takes the first that fits", () => {
  assertEquals(config("auto=false"), { auto: false });
  assertEquals(config('auto=["csv_to_hdf5"]'), { auto: ["csv_to_hdf5"] });
  assertEquals(config("auto=perhaps"), { auto: "perhaps" });
});

Deno.test("unknown keys are guessed", () => {
  assertEquals(
    config("x=3", "y=true", "z=hello", "zip=012", "big=12345678901234567890", 'l=[1,"a"]', "n=null"),
    {
      x: 3,
      y: true,
      z: "hello",
      zip: "012",
      big: "12345678901234567890",
      l: [1, "a"],
      n: null,
    },
  );
});

Deno.test("what is not key=value, or not JSON, is refused with an example", () => {
  for (const text of ["root", "=x", "a..b=1", "__proto__.x=1", ".a=1"]) {
    assertStringIncludes(assertThrows(() => parseAssignment(text)).message, text);
  }
  assertStringIncludes(assertThrows(() => config("skip=[a")).message, "is not JSON");
  assertEquals(Object.hasOwn(Object.prototype, "x"), false);
});
