import type { OpOptions } from '../../base/op-options.ts';
import type { ContentPart } from '../../block/differing-runs.ts';
import { differingRuns } from '../../block/differing-runs.ts';
import { readBlockBytes } from '../../block/read-range.ts';
import type { SideFile } from './side-content.ts';
import { firstDifference, isStored } from './side-content.ts';

/** Octets of one content in whose place others stand in another. */
export interface ChangedRange {
  readonly before: { readonly start: number; readonly size: number };
  readonly after: { readonly start: number; readonly size: number };
}

/** Octets of a range on both sides that are read to find where the change in it begins and ends. */
const MAX_TRIMMED_SIZE = 4 * 1024 * 1024;

/**
 * Where two contents differ. Of stored files by Blocks: only those that not both have are read, to see where in them a change begins and
 * ends. Of a local file all from the first difference on is one range.
 */
export async function* changedRanges(before: SideFile, after: SideFile, options: OpOptions = {}): AsyncGenerator<ChangedRange> {
  const a = before.file.block;
  const b = after.file.block;
  if (!isStored(before) || !isStored(after)) {
    const first = await firstDifference(before, after, options);
    if (first === undefined) return;
    const { offset } = first;
    yield { before: { start: offset, size: a.span - offset }, after: { start: offset, size: b.span - offset } };
    return;
  }
  const sources = { before: before.side.source, after: after.side.source };
  for await (const run of differingRuns(sources, a, b, options)) {
    const range = {
      before: { start: run.start.before, size: sizeOf(run.before) },
      after: { start: run.start.after, size: sizeOf(run.after) },
    };
    if (range.before.size + range.after.size > MAX_TRIMMED_SIZE) {
      yield range;
      continue;
    }
    const first = await bytesOf(before, run.before, options);
    const second = await bytesOf(after, run.after, options);
    const shorter = Math.min(first.length, second.length);
    let head = 0;
    while (head < shorter && first[head] === second[head]) head++;
    let tail = 0;
    while (tail < shorter - head && first[first.length - 1 - tail] === second[second.length - 1 - tail]) tail++;
    const trimmed = ({ start, size }: ChangedRange['before']) => ({ start: start + head, size: size - head - tail });
    const found = { before: trimmed(range.before), after: trimmed(range.after) };
    if (found.before.size + found.after.size > 0) yield found;
  }
}

/** Octets of the Blocks of two stored contents that the other has not. */
export async function changedBytes(
  before: SideFile,
  after: SideFile,
  options: OpOptions = {},
): Promise<{ readonly removed: number; readonly added: number }> {
  const a = before.file.block;
  const b = after.file.block;
  if (!isStored(before) || !isStored(after)) return { removed: a.span, added: b.span };
  const total = { removed: 0, added: 0 };
  for await (const run of differingRuns({ before: before.side.source, after: after.side.source }, a, b, options)) {
    total.removed += sizeOf(run.before);
    total.added += sizeOf(run.after);
  }
  return total;
}

function sizeOf(parts: readonly ContentPart[]): number {
  return parts.reduce((sum, { block }) => sum + block.span, 0);
}

async function bytesOf({ side }: SideFile, parts: readonly ContentPart[], options: OpOptions): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (const { block } of parts) chunks.push(await readBlockBytes(side.source, block, options));
  return Buffer.concat(chunks);
}
