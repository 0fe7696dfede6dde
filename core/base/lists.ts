// Replacements for a spread in a call: `push(...list)` and `Math.max(...list)` overflow the stack from about 120,000 values on, so the
// gate refuses them.

/** Appends values to a list, in their order. */
export function appendAll<T>(list: T[], more: Iterable<T>): void {
  for (const value of more) list.push(value);
}

/** The largest of some numbers, or `atLeast` if none is larger. */
export function largestOf(values: Iterable<number>, atLeast = 0): number {
  let largest = atLeast;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
