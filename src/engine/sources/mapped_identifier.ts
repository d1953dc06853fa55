/** Scope identifiers as users write them in mappings. */

/** By backend, what may stand before an identifier: where core-tools' projects are meant, say some of its users (C6). */
const PREFIXES: Record<string, string> = { etiket_sync_agent_core_tools: "CT_PROJECT_" };

/** The identifier as the backend gives it. */
export function mappedIdentifier(backend: string, written: string): string {
  const prefix = PREFIXES[backend];
  return prefix !== undefined && written.startsWith(prefix) ? written.slice(prefix.length) : written;
}
