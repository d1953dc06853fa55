import { Argument } from "@commander-js/extra-typings";
import type { Cli } from "../cli.ts";
import { command } from "../command.ts";
import { SCRIPTS, SHELLS } from "../completion/scripts.ts";

export const completion = (cli: Cli) =>
  command("completion", {
    summary: "Print the completion script of a shell",
    examples: [
      ["source <(etiket-sync completion bash)", "bash: into ~/.bashrc"],
      ["source <(etiket-sync completion zsh)", "zsh: into ~/.zshrc, after compinit"],
      ["etiket-sync completion fish > ~/.config/fish/completions/etiket-sync.fish", "fish"],
      ["etiket-sync completion powershell | Out-String | Invoke-Expression", "PowerShell: into $PROFILE"],
    ],
  })
    .addArgument(new Argument("<shell>", "name of the shell").choices(SHELLS))
    .action((shell) => {
      cli.print({ shell, script: SCRIPTS[shell] }, ({ script }) => script);
    });
