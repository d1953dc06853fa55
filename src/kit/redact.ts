/** Keeps secrets out of records, logs and error messages (R4, G5). */

const RULES: readonly [RegExp, string][] = [
  // Query strings of links: presigned ones carry their right in it.
  [/(https?:\/\/[^\s?"']+)\?[^\s"']*/g, "$1?<redacted>"],
  [/\b(authorization|x-id-token)(["']?\s*[:=]\s*["']?)(bearer\s+)?[^\s"',;]+/gi, "$1$2<redacted>"],
  [
    /\b(password|passwd|secret|access_token|refresh_token|api_token|token)(["']?\s*[:=]\s*["']?)[^\s"',;&]+/gi,
    "$1$2<redacted>",
  ],
  [/:\/\/([^\s/:@]+):[^\s/@]+@/g, "://$1:<redacted>@"],
];

/** The text without presigned queries, tokens and passwords. */
export function redact(text: string): string {
  return RULES.reduce((t, [pattern, by]) => t.replace(pattern, by), text);
}
