/** A backend and a converter that do, on request, whatever foreign code can do to its process. For tests only. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type DatabaseBackend, defineBackend } from "../../kit/define_backend.ts";
import { defineConverter } from "../../kit/define_converter.ts";
import type { DatasetDraft } from "../../kit/drafts.ts";
import { SyncError } from "../../kit/errors.ts";
import { MARKER } from "../wire.ts";

const draft: DatasetDraft = {
  name: "well",
  collected: "2024-01-01T00:00:00.000000+00:00",
  keywords: [],
  ranking: 0,
  attributes: {},
  files: [],
};
const print = (text: string) => {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
};
const held: unknown[] = [];
const withAttributes = (attributes: Record<string, unknown>) => ({ draft: { ...draft, attributes } });

/** A WASM module whose exported function executes `unreachable`, as an abort of emscripten does. */
function abortWasm(): void {
  const bytes = [
    0,
    97,
    115,
    109,
    1,
    0,
    0,
    0,
    1,
    4,
    1,
    96,
    0,
    0,
    3,
    2,
    1,
    0,
    7,
    5,
    1,
    1,
    102,
    0,
    0,
    10,
    5,
    1,
    3,
    0,
    0,
    11,
  ];
  const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(bytes)));
  (instance.exports.f as () => void)();
}

/** What it does for an item of that name; the result is that of `read`. */
const ACTS: Record<string, () => unknown> = {
  well: () => ({ draft }),
  pid: () => withAttributes({ pid: Deno.pid }),
  wait: () => new Promise((done) => setTimeout(() => done({ draft }), 100)),
  spin: () => {
    for (;;);
  },
  "never resolve": () => new Promise(() => {}),
  "throw an Error": () => {
    throw new TypeError("x is not a function");
  },
  "throw a SyncError": () => {
    throw new SyncError("data", "corrupt", "run 5 is corrupt", {
      hint: "Look.",
      cause: new Error("bad chunk"),
    });
  },
  "throw a text": () => {
    throw "just text";
  },
  "reject unhandled": () => {
    Promise.reject(new Error("nobody listens"));
    return new Promise(() => {});
  },
  "abort WASM": abortWasm,
  allocate: () => {
    for (;;) held.push(new Uint8Array(16 * 1024 * 1024).fill(1));
  },
  "allocate objects": () => {
    for (let i = 0;; i++) held.push({ i, text: `item ${i}` });
  },
  "overflow the stack": function overflow(): unknown {
    return [overflow()];
  },
  exit: () => Deno.exit(7),
  "exit with success": () => Deno.exit(0),
  "kill itself": () => {
    Deno.kill(Deno.pid, "SIGKILL");
    return new Promise(() => {});
  },
  "complain and exit": () => {
    console.error("first complaint\nsecond complaint");
    Deno.exit(3);
  },
  "print noise": () => {
    console.log("hello from console.log", { a: 1 });
    print("no newline at the end, and half a message: " + MARKER);
    return { draft };
  },
  "print a line without end": () => {
    for (;;) print("x".repeat(1 << 20));
  },
  "print to stderr without end": () => {
    for (;;) console.error("y".repeat(1 << 20));
  },
  "print lines without end": () => {
    for (;;) print(("z".repeat(99) + "\n").repeat(10_000));
  },
  "forge garbage": () => {
    print(`\n${MARKER}{"type":"result",,,\n`);
    return new Promise(() => {});
  },
  "forge an answer": () => {
    print(`\n${MARKER}{"type":"result","id":999999,"output":null,"rss":1,"damaged":false}\n`);
    return new Promise(() => {});
  },
  "return undefined": () => undefined,
  "return a draft without name": () => ({ draft: { ...draft, name: undefined } }),
  "return an unknown member": () => ({ draft: { ...draft, colour: "red" } }),
  "return a function": () => withAttributes({ callback: () => {} }),
  "return odd numbers": () =>
    withAttributes({ big: 2n ** 63n - 1n, nan: NaN, low: -Infinity, list: Float64Array.of(0.5, Infinity) }),
  "return 20 MB": () => withAttributes({ text: "ü".repeat(10_000_000) }),
};

const backend: DatabaseBackend = defineBackend({
  identifier: "etiket_sync_agent_misbehaving",
  display_name: "Misbehaving",
  aliases: ["badOne", "bad-two"],
  version: "1.0",
  kind: "database",
  scope_policy: "OPTIONAL",
  supports_scope_mapping: false,
  has_owner: false,
  fields: [
    { name: "database", type: "file_path", required: true, description: "The file.", aliases: ["db"] },
    { name: "limit", type: "integer", required: false, description: "How many.", default: 10 },
  ],
  validate: (config: Config) => Number(config.limit) > 100 ? ["limit is above 100"] : [],
  watchPaths: (config: Config) => [String(config.database)],
  discover: (_config: Config, since: unknown) => ({
    items: [{ identifier: "1", priority: 1, fingerprint: "a" }],
    cursor: { since, next: 2n ** 60n },
    more: false,
  }),
  read: (_config, item) => ACTS[item.identifier]?.() as { draft: DatasetDraft },
});

/** `options.act` is one of the above, or says what is left in the output folder. */
const converter = defineConverter({
  id: "misbehaving",
  version: "1.0",
  input: "csv",
  output: "txt",
  auto: false,
  folder: false,
  aliases: ["BadConverter"],
  convert: (input, outputDir, context) => {
    const act = String(context.options.act);
    ACTS[act]?.();
    context.log(`converting ${input}`);
    const path = join(outputDir, context.outputName);
    if (act !== "nothing") writeFileSync(path, "converted");
    if (act === "two") writeFileSync(join(outputDir, "second.txt"), "");
    return act === "elsewhere" ? input : path;
  },
});

export default [backend, converter];
