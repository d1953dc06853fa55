/**
 * Completion scripts: each shell asks the program itself (`etiket-sync __complete =CURRENT PREVIOUS…`) and falls back
 * to file names. The current word carries a `=` in front because PowerShell drops empty arguments.
 */

const BASH = `# etiket-sync: completion for bash; put into ~/.bashrc:  source <(etiket-sync completion bash)
_etiket_sync() {
  local IFS=$'\\n'
  COMPREPLY=($(etiket-sync __complete "=\${COMP_WORDS[COMP_CWORD]}" "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null | cut -f 1))
}
complete -o default -F _etiket_sync etiket-sync
`;

const ZSH = `#compdef etiket-sync
# etiket-sync: completion for zsh; put into ~/.zshrc after compinit:  source <(etiket-sync completion zsh)
_etiket_sync() {
  local line
  local -a offers
  while IFS= read -r line; do
    line="\${line//:/\\\\:}"
    offers+=("\${line/$'\\t'/:}")
  done < <(etiket-sync __complete "=\${words[CURRENT]}" "\${(@)words[2,CURRENT-1]}" 2>/dev/null)
  if (( \${#offers} )); then
    _describe 'etiket-sync' offers
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = "_etiket_sync" ]; then
  _etiket_sync "$@"
else
  compdef _etiket_sync etiket-sync
fi
`;

const FISH = `# etiket-sync: completion for fish; save as ~/.config/fish/completions/etiket-sync.fish
function __etiket_sync_complete
    set -l previous (commandline -opc)
    set -l current (commandline -ct)
    set -l offers (etiket-sync __complete "=$current" $previous[2..-1] 2>/dev/null)
    if test (count $offers) -gt 0
        printf '%s\\n' $offers
    else
        __fish_complete_path "$current"
    end
end
complete -c etiket-sync -f -a '(__etiket_sync_complete)'
`;

const POWERSHELL = `# etiket-sync: completion for PowerShell; put into $PROFILE:
#   etiket-sync completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName etiket-sync -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $previous = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
    etiket-sync __complete "=$wordToComplete" @previous 2>$null | ForEach-Object {
        $word, $description = $_ -split "\`t", 2
        if (-not $description) { $description = $word }
        [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $description)
    }
}
`;

export const SCRIPTS = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
  pwsh: POWERSHELL,
} as const;
export const SHELLS = ["bash", "zsh", "fish", "powershell", "pwsh"] as const;
