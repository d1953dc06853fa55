/** Keeps secrets out of records, logs and error messages (R4, G5). */

const RULES: readonly [RegExp, string][] = [
  // Query strings of links: presigned ones carry their right in it.
  [/(https?:\/\/[^\s?"']+)\?[^\s"']*/g, "$1?<redacted>"],
  [/\b(authorization|x-id-token)(["']?\s*[:=]\s*["']?)(bearer\s+)?[^\s"',;]+/gi, "$1$2<redacted>"],
  [
    // After a name in quotes a value is one too, or a number: `"password": expected a text` has none.
    /\b(password|passwd|secret|access_token|refresh_token|api_token|token)(["']\s*[:=]\s*(?:["']|(?=\d))|\s*[:=]\s*["']?)[^\s"',;&]+/gi,
    "$1$2<redacted>",
  ],
  [/:\/\/([^\s/:@]+):[^\s/@]+@/g, "://$1:<redacted>@"],
];

/** The text without presigned queries, tokens and passwords. */
export function redact(text: string): string {
  return RULES.reduce((t, [pattern, by]) => t.replace(pattern, by), hideKnownSecrets(text));
}

/** Shorter ones are in too many words to be looked for. */
const SHORTEST = 3;
/** Shorter ones are hidden where they stand alone: `lab` not in `label`. */
const ANYWHERE = 8;

/** Secrets that this process has handled, in every form in which a text may quote them. */
const known = new Set<string>();
let pattern: RegExp | undefined;

/** From now on the value appears in no text that goes through {@link redact}. */
export function rememberSecret(value: string): void {
  if (value.length < SHORTEST || known.has(value)) return;
  for (const form of formsOf(value)) known.add(form);
  // Longest first: one secret may be the beginning of another.
  const parts = [...known].sort((a, b) => b.length - a.length).map((form) => {
    const text = form.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    return form.length < ANYWHERE ? `(?<![\\p{L}\\p{N}])${text}(?![\\p{L}\\p{N}])` : text;
  });
  pattern = new RegExp(parts.join("|"), "gu");
}

/** The text without the secrets that {@link rememberSecret} was told of, and nothing else changed. */
export function hideKnownSecrets(text: string): string {
  return pattern === undefined ? text : text.replace(pattern, "<redacted>");
}

function formsOf(given: string): string[] {
  const value = given.toWellFormed();
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(value))).replace(/=+$/, "");
  return [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    encodeURI(value),
    base64,
    base64.replaceAll("+", "-").replaceAll("/", "_"),
  ];
}
