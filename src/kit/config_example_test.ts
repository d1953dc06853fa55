import { assertEquals } from "../../tests/assert.ts";
import { checkConfig } from "./config_check.ts";
import { exampleCommand, exampleConfig } from "./config_example.ts";
import type { Field } from "./define_backend.ts";

const TYPES = [
  "string",
  "integer",
  "float",
  "boolean",
  "path",
  "dir_path",
  "file_path",
  "list",
  "dict",
] as const;
const required = (name: string, type: Field["type"], more: Partial<Field> = {}): Field => ({
  name,
  type,
  required: true,
  description: "",
  ...more,
});

Deno.test("an example is a configuration that passes the check, for every type of field", () => {
  const fields = TYPES.map((type) => required(`a_${type}`, type));
  const { problems } = checkConfig(fields, exampleConfig(fields), {
    home: "/home/ada",
    defaultTimeZone: "UTC",
  });
  assertEquals(problems, []);
});

Deno.test("it shows required fields and those with an example, and no secret", () => {
  const fields = [
    required("root", "dir_path", { example: "~/my data" }),
    required("password", "string", { secret: true, example: "hidden" }),
    { ...required("set_up", "string", { example: "XLD" }), required: false },
    { ...required("level", "integer", { default: -1 }), required: false },
    required("options", "dict", { example: { depth: 2, name: "it's" } }),
  ];
  assertEquals(exampleConfig(fields), {
    root: "~/my data",
    set_up: "XLD",
    options: { depth: 2, name: "it's" },
  });
  assertEquals(
    exampleCommand("lab", fields),
    "etiket-sync source add my_lab --backend lab --set 'root=~/my data' --set set_up=XLD --set options.depth=2 " +
      "--set 'options.name=it'\\''s' --secret password",
  );
});
