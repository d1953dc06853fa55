/**
 * Two backends whose runs are lines of text that grow while they are measured: folders with a `counter.txt` each, and a
 * "database" file of `<run> <line>`. A line is a number, `end`, or an order to misbehave. For tests only.
 */
import { join } from "node:path";
import {
  type Config,
  type DatabaseBackend,
  defineBackend,
  type FolderBackend,
} from "../../kit/define_backend.ts";
import type { ReadResult } from "../../kit/drafts.ts";
import type { LiveAnswer, LiveChange, LiveContext, LiveLook } from "../../kit/live.ts";

const COLLECTED = "2024-01-01T00:00:00.000000+00:00";
const textOf = (value: unknown) => typeof value === "string" ? value : "";

/** Lines of one run that are whole. */
function linesOf(path: string, run?: string): string[] {
  const lines = Deno.readTextFileSync(path).split("\n").slice(0, -1);
  if (run === undefined) return lines;
  return lines.filter((line) => line.startsWith(`${run} `)).map((line) => line.slice(run.length + 1));
}

const isNumber = (line: string) => line !== "" && !Number.isNaN(Number(line)) || line === "NaN";

function draftOf(name: string, path: string, lines: readonly string[], staged = false): ReadResult {
  if (lines.length === 0) return { not_started: "nothing was measured yet" };
  return {
    draft: {
      name: `count ${name}`,
      collected: COLLECTED,
      keywords: [],
      ranking: 0,
      attributes: {},
      ...(lines.at(-1) === "end" ? {} : { state: "incomplete" as const }),
      files: [{
        path,
        name: "counter.txt",
        filename: "counter.txt",
        staged,
        type: "TEXT",
        created: staged ? 1_700_000_000_000 : Deno.statSync(path).mtime?.getTime() ?? 0,
      }],
    },
  };
}

/** What a line besides numbers makes this process do. */
function obey(line: string): void {
  if (line === "hang") { for (;;); }
  if (line === "crash") Deno.exit(3);
  if (line === "throw") throw new Error("told to throw");
}

function follow(
  name: string,
  path: string,
  silence: "ends" | "parks",
  { resumed }: LiveContext,
  run?: string,
): LiveAnswer {
  if (linesOf(path, run).at(-1) === "end" && !resumed) return { not_live: "it has ended" };
  let done = 0;
  let opened = false;
  const look = (): LiveLook => {
    const lines = linesOf(path, run);
    const changes: LiveChange[] = [];
    if (!opened) {
      opened = true;
      const axis = { dtype: "f8" as const, dims: ["i"], shape: [0], units: null, long_name: null };
      changes.push({
        type: "open",
        name: `count ${name}`,
        attrs: {},
        variables: [{ ...axis, name: "count", role: "measured", depends_on: [] }],
      });
    }
    const news = lines.slice(done);
    for (const line of news) if (!isNumber(line)) obey(line);
    const values = Float64Array.from(news.filter(isNumber), Number);
    if (values.length > 0) {
      changes.push({ type: "patch", var: "count", offset: [done], shape: [values.length], values });
    }
    done += values.length;
    if (news.at(-1) !== "end") return { changes };
    return { changes, end: { reason: "completed", evidence: `"end" after ${done} counts`, complete: true } };
  };
  return { session: { watch: [path], poll: { active: 100, quiet: 500 }, silence, look, close() {} } };
}

const common = {
  version: "1.0",
  scope_policy: "OPTIONAL" as const,
  supports_scope_mapping: false,
  has_owner: false,
  validate: () => [],
};

const folders: FolderBackend = defineBackend({
  ...common,
  identifier: "etiket_sync_agent_counting",
  display_name: "Counting",
  kind: "folder",
  level: 1,
  single_file: false,
  fields: [
    { name: "root", type: "dir_path", required: true, description: "Folder of runs" },
    { name: "asked", type: "path", required: false, description: "Is told of each item that is asked about" },
  ],
  rootPath: ({ root }) => textOf(root),
  isServerFolder: () => false,
  read: (_config, { identifier, path }) => {
    const file = join(path, "counter.txt");
    return draftOf(identifier, file, linesOf(file));
  },
  live: (config: Config, { identifier, path }, context) => {
    if (config.asked) Deno.writeTextFileSync(textOf(config.asked), `${identifier}\n`, { append: true });
    return follow(identifier, join(path, "counter.txt"), "ends", context);
  },
});

const database: DatabaseBackend = defineBackend({
  ...common,
  identifier: "etiket_sync_agent_counting_database",
  display_name: "Counting database",
  kind: "database",
  fields: [{ name: "path", type: "path", required: true, description: "File of runs" }],
  watchPaths: ({ path }) => [textOf(path)],
  discover: ({ path }) => {
    const lines = linesOf(textOf(path)).map((line) => line.split(" "));
    const runs = new Map<string, string[]>();
    for (const [run = "", line = ""] of lines) runs.set(run, [...runs.get(run) ?? [], line]);
    const items = [...runs].map(([identifier, all], i) => ({
      identifier,
      priority: i,
      fingerprint: String(all.length),
      ...(all.at(-1) === "end" ? {} : { running: true as const }),
    }));
    return { items, cursor: null, more: false };
  },
  read: ({ path }, { identifier }, { staging }) => {
    const lines = linesOf(textOf(path), identifier);
    const file = join(staging, "counter.txt");
    Deno.writeTextFileSync(file, lines.map((line) => `${line}\n`).join(""));
    return draftOf(identifier, file, lines, true);
  },
  live: ({ path }, { identifier }, context) => follow(identifier, textOf(path), "parks", context, identifier),
});

export default [folders, database];
