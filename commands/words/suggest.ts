/** Names similar to a misspelt one, the nearest first; the distance is at most a third of the word. */
export function suggest(typed: string, names: readonly string[]): string[] {
  const limit = Math.max(1, Math.floor(typed.length / 3));
  // The comparison takes time by the product of both lengths, and a word may be as long as anybody likes.
  return names
    .filter((name) => Math.abs(typed.length - name.length) <= Math.min(limit, name.length))
    .map((name) => ({ name, distance: editDistance(typed, name) }))
    .filter(({ distance, name }) => distance <= limit && distance < name.length)
    .sort((a, b) => a.distance - b.distance)
    .map(({ name }) => name);
}

/** Edits of one character, exchanges of two neighbours included, between two words (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
