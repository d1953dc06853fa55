/** "Did you mean": the known name that a mistyped one was probably meant to be. */

/** Number of single-character insertions, deletions, replacements and swaps of neighbours between two texts. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let d = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        d = Math.min(d, before[j - 2]! + 1);
      }
      next.push(d);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}

/**
 * The nearest of `known` to `word`, or undefined when none is near (at most a third of the letters differ).
 * Case, `-` and `_` do not count as differences.
 */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined;
  const plain = (s: string) => s.toLowerCase().replace(/[-_ ]/g, "");
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(plain(word), plain(candidate));
    if (distance <= Math.max(plain(word).length, plain(candidate).length) / 3 && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** The suggestion as a sentence part: ` (did you mean "tags"?)`, or "" when there is none. */
export function suggestion(word: string, known: Iterable<string>): string {
  const best = didYouMean(word, known);
  return best === undefined ? "" : ` (did you mean "${best}"?)`;
}
