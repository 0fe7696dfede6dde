import type { CommonRun } from '../../block/common-runs.ts';
import { commonRuns } from '../../block/common-runs.ts';

/** Maximum number of removed and added lines for which the shortest edit is searched: memory grows with its square. */
const MAX_EDITS = 2000;

/**
 * Finds the common lines of two lists for the shortest edit: Myers, "An O(ND) Difference Algorithm and Its Variations" (1986).
 * Above {@link MAX_EDITS} edits, the result is good, but not the shortest.
 */
export function commonLines(before: readonly string[], after: readonly string[]): CommonRun[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  const middle = shortestWay(before.slice(head, before.length - tail), after.slice(head, after.length - tail));
  if (middle === undefined) return commonRuns(before, after);
  return [
    { before: 0, after: 0, length: head },
    ...middle.map((run) => ({ ...run, before: run.before + head, after: run.after + head })),
    { before: before.length - tail, after: after.length - tail, length: tail },
  ].filter(({ length }) => length > 0);
}

function shortestWay(before: readonly string[], after: readonly string[]): CommonRun[] | undefined {
  const [width, height] = [before.length, after.length];
  const most = Math.min(width + height, MAX_EDITS);
  // furthest[most + k]: how far in `before` the paths with this number of edits reach on diagonal k.
  const furthest = new Int32Array(2 * most + 3);
  const steps: Int32Array[] = [];
  for (let edits = 0; edits <= most; edits++) {
    steps.push(furthest.slice(most - edits, most + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      let x = isDown(furthest, most, k, edits) ? (furthest[most + k + 1] as number) : (furthest[most + k - 1] as number) + 1;
      while (x < width && x - k < height && before[x] === after[x - k]) x++;
      furthest[most + k] = x;
      if (x >= width && x - k >= height) return wayBack(steps, width, height);
    }
  }
  return undefined;
}

/** Whether the best path onto a diagonal comes from the one above: a line was added, not removed. */
function isDown(furthest: Int32Array, middle: number, k: number, edits: number): boolean {
  if (edits === 0 || k === -edits) return true;
  return k !== edits && (furthest[middle + k - 1] as number) < (furthest[middle + k + 1] as number);
}

function wayBack(steps: readonly Int32Array[], width: number, height: number): CommonRun[] {
  const runs: CommonRun[] = [];
  let [x, y] = [width, height];
  for (let edits = steps.length - 1; edits >= 0; edits--) {
    // The state before this edit: diagonals -edits to edits + 1.
    const furthest = steps[edits] as Int32Array;
    const k = x - y;
    const down = isDown(furthest, edits, k, edits);
    const fromX = edits === 0 ? 0 : (furthest[edits + k + (down ? 1 : -1)] as number);
    const startX = edits === 0 ? 0 : down ? fromX : fromX + 1;
    if (x > startX) runs.push({ before: startX, after: startX - k, length: x - startX });
    x = fromX;
    y = edits === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
  }
  return runs.reverse();
}
