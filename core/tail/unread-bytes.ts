import type { Checkpoint } from './checkpoint.ts';
import { statOf } from './rotated-files.ts';
import { fromBase64 } from './tail.ts';

/** Octets that the local files have beyond what a checkpoint has of them. */
export function unreadBytes({ tails }: Checkpoint): number {
  let sum = 0;
  for (const { path, files } of tails) {
    const stat = statOf(fromBase64(path));
    if (stat?.isFile() !== true) continue;
    const mark = files.find(({ ino }) => ino === stat.ino.toString());
    sum += Math.max(0, Number(stat.size) - (mark?.offset ?? 0));
  }
  return sum;
}
