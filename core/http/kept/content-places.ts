import { readSync } from 'node:fs';
import { crc32 } from '../../base/crc32.ts';
import type { Leaf } from '../../block/tree-walk.ts';
import type { BlockLocation } from '../../store/block-location.ts';

/** Octets between two leaves that are read with them: the head of a record is smaller. */
const MAX_GAP = 256;

/** Leaves that lie near each other in one file. */
interface Run {
  readonly file: string;
  readonly offset: number;
  readonly size: number;
  /** Offset within the run, and size, of each leaf in turn. */
  readonly leaves: readonly number[];
}

/** Where a content lies whose Blocks were verified, and the CRC-32 of it as it was then. */
export interface ContentPlaces {
  readonly runs: readonly Run[];
  /** Octets of all runs. */
  readonly runSize: number;
  readonly size: number;
  readonly crc: number;
}

/** Where leaves lie that are a content; undefined where one is no stored Block, in part asked for, or compressed. */
export function contentPlaces(
  leaves: readonly Leaf[],
  locations: readonly (BlockLocation | undefined)[],
  content: Uint8Array,
): ContentPlaces | undefined {
  const runs: { file: string; offset: number; size: number; leaves: number[] }[] = [];
  for (const [i, { block, size }] of leaves.entries()) {
    const place = locations[i];
    if (block.kind !== 'hash' || size !== block.span || place?.codec !== 'none' || place.storedSize !== size) return undefined;
    const run = runs.at(-1);
    const gap = run === undefined ? -1 : place.offset - run.offset - run.size;
    if (run === undefined || run.file !== place.file || gap < 0 || gap > MAX_GAP) {
      runs.push({ file: place.file, offset: place.offset, size, leaves: [0, size] });
    } else {
      run.leaves.push(run.size + gap, size);
      run.size += gap + size;
    }
  }
  return { runs, runSize: runs.reduce((sum, { size }) => sum + size, 0), size: content.length, crc: crc32(content) };
}

/**
 * Reads a content where it lay when it was verified: undefined where other bytes are there.
 *
 * @param descriptor - gives the open file of a path
 * @throws the system's error
 */
export function readAtPlaces({ runs, runSize, size, crc }: ContentPlaces, descriptor: (file: string) => number): Uint8Array | undefined {
  const data = Buffer.allocUnsafeSlow(runSize);
  let end = 0;
  for (const run of runs) {
    if (readSync(descriptor(run.file), data, end, run.size, run.offset) !== run.size) return undefined;
    // The heads of the records between the leaves go.
    const start = end;
    for (let i = 0; i < run.leaves.length; i += 2) {
      const from = start + (run.leaves[i] ?? 0);
      const leafSize = run.leaves[i + 1] ?? 0;
      if (from !== end) data.copyWithin(end, from, from + leafSize);
      end += leafSize;
    }
  }
  const content = data.subarray(0, end);
  return end === size && crc32(content) === crc ? content : undefined;
}
