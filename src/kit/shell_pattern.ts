/**
 * Shell-style patterns as Python's `fnmatch.fnmatchcase` reads them: `*` (also across `/`), `?`, `[abc]`, `[a-z]`,
 * `[!…]`; no escapes; case counts on every OS. Matched without regular expressions, so that no pattern can take
 * more than length × length steps.
 */

type Token =
  | { kind: "star" }
  | { kind: "any" }
  | { kind: "char"; char: string }
  | { kind: "set"; negated: boolean; ranges: [number, number][] };

/** A compiled pattern. */
export interface ShellPattern {
  /** As the user wrote it. */
  text: string;
  /** True when the whole path matches. `path` is relative, `/` separated; compared in NFC. */
  matches(path: string): boolean;
  /**
   * True when a folder need not be entered: it matches itself, or whatever lies in it would match (`dir/*`).
   * A pattern that ends in `/` means a folder of that name.
   */
  matchesFolder(path: string): boolean;
}

export function compileShellPattern(text: string): ShellPattern {
  const tokens = tokenize([...text.normalize("NFC")]);
  const last = tokens.at(-1);
  // With a trailing `*` a match of `dir/` says that every longer path matches too.
  const coversContent = last?.kind === "star" || (last?.kind === "char" && last.char === "/");
  const matches = (path: string) => match(tokens, [...path.normalize("NFC")]);
  return {
    text,
    matches,
    matchesFolder: (path) => matches(path) || (coversContent && matches(path + "/")),
  };
}

/** True when the text holds a character that is special in a pattern. */
export function isShellPattern(text: string): boolean {
  return /[*?[]/.test(text);
}

function tokenize(p: string[]): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < p.length; i++) {
    const c = p[i]!;
    if (c === "*") {
      if (tokens.at(-1)?.kind !== "star") tokens.push({ kind: "star" });
    } else if (c === "?") tokens.push({ kind: "any" });
    else if (c === "[") {
      const start = p[i + 1] === "!" ? i + 2 : i + 1;
      // A `]` in first place is a member of the set, not its end.
      const end = p.indexOf("]", start + 1);
      if (end < 0) tokens.push({ kind: "char", char: c });
      else {
        tokens.push({ kind: "set", negated: start === i + 2, ranges: ranges(p.slice(start, end)) });
        i = end;
      }
    } else tokens.push({ kind: "char", char: c });
  }
  return tokens;
}

function ranges(members: string[]): [number, number][] {
  const code = (i: number) => members[i]!.codePointAt(0)!;
  const result: [number, number][] = [];
  for (let i = 0; i < members.length; i++) {
    if (members[i + 1] === "-" && i + 2 < members.length) {
      result.push([code(i), code(i + 2)]); // a reversed range holds nothing
      i += 2;
    } else result.push([code(i), code(i)]);
  }
  return result;
}

function accepts(token: Token, char: string): boolean {
  switch (token.kind) {
    case "char":
      return token.char === char;
    case "set": {
      const c = char.codePointAt(0)!;
      return token.ranges.some(([low, high]) => low <= c && c <= high) !== token.negated;
    }
    default:
      return true;
  }
}

/** Greedy match that goes back to the last star only: earlier stars never need to be tried again. */
function match(tokens: Token[], text: string[]): boolean {
  let t = 0;
  let s = 0;
  let star = -1;
  let resume = 0;
  while (s < text.length) {
    const token = tokens[t];
    if (token?.kind === "star") {
      star = t++;
      resume = s;
    } else if (token && accepts(token, text[s]!)) {
      t++;
      s++;
    } else if (star >= 0) {
      t = star + 1;
      s = ++resume;
    } else return false;
  }
  while (tokens[t]?.kind === "star") t++;
  return t === tokens.length;
}
