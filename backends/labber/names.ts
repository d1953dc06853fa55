/** Names of variables and dimensions made from channel names. */

/**
 * A channel name as an identifier: characters outside A–Z a–z 0–9 _ - become `_`, runs of `_` one, a digit at the
 * start gets `var_` before it, `_` at the ends go.
 */
export function variableName(channel: string): string {
  const name = channel.replace(/[^A-Za-z0-9_-]/g, "_").replace(/_+/g, "_").replace(/^(?=\d)/, "var_");
  return name.replace(/^_|_$/g, "") || "var";
}
