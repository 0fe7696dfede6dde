import type { OpOptions } from '../../base/op-options.ts';
import type { ContentPart } from '../../block/differing-runs.ts';
import { differingRuns } from '../../block/differing-runs.ts';
import { readBlockBytes } from '../../block/read-range.ts';
import type { SideFile } from './side-content.ts';
import { firstDifference, isStored } from './side-content.ts';

/** A range of octets that was replaced by another range. */
export interface ChangedRange {
  readonly before: { readonly start: number; readonly size: number };
  readonly after: { readonly start: number; readonly size: number };
}

/** Maximum octets of a range, on both sides together, that are read to find its exact start and end. */
const MAX_TRIMMED_SIZE = 4 * 1024 * 1024;

/**
 * Yields the ranges in which two contents differ. For stored files it only reads Blocks that not both have, to find where changes
 * begin and end. For a local file, everything from the first difference on is one range.
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

/** Octets of the Blocks that only one of two stored contents has. */
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
