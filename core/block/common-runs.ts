/** A run of items that two lists have in common: `length` items from the indices `before` and `after` on. */
export interface CommonRun {
  readonly before: number;
  readonly after: number;
  readonly length: number;
}

/**
 * Finds the items that two lists have in common, in the order of both: a common start, a common end, and a longest common subsequence of
 * pairs between them. Equal items pair in order: the first with the first, the second with the second. Takes n log n steps.
 *
 * @param before - keys; equal keys are equal items
 */
export function commonRuns(before: readonly string[], after: readonly string[]): CommonRun[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const runs: CommonRun[] = [];
  add(runs, 0, 0, head);
  const places = new Map<string, number[]>();
  for (let i = before.length - tail - 1; i >= head; i--) {
    const key = before[i] as string;
    const found = places.get(key);
    if (found === undefined) places.set(key, [i]);
    else found.push(i);
  }
  const pairs: (readonly [before: number, after: number])[] = [];
  for (let j = head; j < after.length - tail; j++) {
    const i = places.get(after[j] as string)?.pop();
    if (i !== undefined) pairs.push([i, j]);
  }
  for (const [i, j] of longestAscending(pairs)) add(runs, i, j, 1);
  add(runs, before.length - tail, after.length - tail, tail);
  return runs;
}

function add(runs: CommonRun[], before: number, after: number, length: number): void {
  const last = runs.at(-1);
  if (length === 0) return;
  if (last === undefined || last.before + last.length !== before || last.after + last.length !== after)
    runs.push({ before, after, length });
  else runs[runs.length - 1] = { ...last, length: last.length + length };
}

/** Given pairs that ascend by their second numbers, a longest subsequence in which the first numbers ascend, too. */
function longestAscending(pairs: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  // For each length, the chain whose last first number is lowest; here is the index of its last pair.
  const ends: number[] = [];
  const previous = new Int32Array(pairs.length).fill(-1);
  for (const [at, [first]] of pairs.entries()) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((pairs[ends[middle] as number]?.[0] as number) < first) low = middle + 1;
      else high = middle;
    }
    previous[at] = low === 0 ? -1 : (ends[low - 1] as number);
    ends[low] = at;
  }
  const chain: (readonly [number, number])[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = previous[at] as number) chain.push(pairs[at] as readonly [number, number]);
  return chain.reverse();
}
