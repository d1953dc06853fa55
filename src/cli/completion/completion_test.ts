import { assertEquals, assertMatch } from "../../../tests/assert.ts";
import { Cli } from "../cli.ts";
import { buildProgram } from "../program.ts";
import { REPOSITORY, runCli } from "../test_cli.ts";
import { candidates } from "./candidates.ts";
import { SHELLS } from "./scripts.ts";

const words = (line: string) => {
  const all = line.split(" ");
  return candidates(buildProgram(new Cli()), all.slice(0, -1), all.at(-1) ?? "")
    .split("\n").filter((l) => l !== "").map((l) => l.split("\t")[0]);
};

Deno.test("commands, options and choices are offered where they can stand", () => {
  assertEquals(words("st"), ["status"]);
  assertEquals(words("source re"), ["rename", "remove", "reset"]);
  assertEquals(words("item list --s"), ["--source", "--status"]);
  assertEquals(words("item list --status e"), ["error"]);
  assertEquals(words("--home x completion z"), ["zsh"]);
  assertEquals(words("item list --j"), ["--json"]);
});

Deno.test("where a file or a free text stands, the shell is left to offer files", () => {
  assertEquals(words("why "), []);
  assertEquals(words("--config "), []);
  assertEquals(words("dataset download UUID --to "), []);
});

Deno.test("every shell has a script", async () => {
  for (const shell of SHELLS) {
    const { code, stdout } = await runCli(["completion", shell]);
    assertEquals(code, 0);
    assertMatch(stdout, /etiket-sync __complete/);
  }
});

Deno.test("bash completes with the script it is given", async () => {
  const run = `
    etiket-sync() { "${Deno.execPath()}" run -A --quiet main.ts "$@"; }
    source <(etiket-sync completion bash)
    complete_line() {
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
      _etiket_sync
      echo "\${COMPREPLY[*]}"
    }
    complete -p etiket-sync
    complete_line etiket-sync sta
    complete_line etiket-sync source re
    complete_line etiket-sync item list --status = sy
    complete_line etiket-sync why ""
  `;
  const { stdout, stderr } = await new Deno.Command("bash", { args: ["-c", run], cwd: REPOSITORY }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  assertEquals(new TextDecoder().decode(stdout).split("\n"), [
    "complete -o default -F _etiket_sync etiket-sync",
    "status",
    "rename remove reset",
    "synchronized",
    "",
    "",
  ]);
});
