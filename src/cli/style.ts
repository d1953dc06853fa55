/** A little colour for terminals; none when `NO_COLOR` is set or output goes to a file. */

export type Paint = (text: string) => string;

function paint(code: number, stream: { isTerminal(): boolean }): Paint {
  return (text) => !Deno.noColor && stream.isTerminal() ? `\x1b[${code}m${text}\x1b[0m` : text;
}

export const bold: Paint = paint(1, Deno.stdout);
export const dim: Paint = paint(2, Deno.stdout);
export const red: Paint = paint(31, Deno.stdout);
export const green: Paint = paint(32, Deno.stdout);
export const yellow: Paint = paint(33, Deno.stdout);
export const redOnStderr: Paint = paint(31, Deno.stderr);

/** Words of state in their usual colours; others stay plain. */
export function stateColour(state: string): Paint {
  switch (state) {
    case "synchronized":
    case "scanning":
    case "ok":
      return green;
    case "error":
    case "failed":
    case "fail":
      return red;
    case "stopped":
    case "no_mapping":
    case "unmapped":
    case "warn":
      return yellow;
    default:
      return (text) => text;
  }
}
