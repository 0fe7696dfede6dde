import { readSync } from 'node:fs';
import type { HashFunction } from '../../block/hash.ts';
import type { Leaf } from '../../block/tree-walk.ts';
import type { BlockLocation } from '../../store/block-location.ts';

/** Bytes between two leaves that are read along; the header of a record is smaller. */
const MAX_GAP = 256;

/** Neighbouring leaves in one file. */
interface Run {
  readonly file: string;
  readonly offset: number;
  readonly size: number;
  /** Offset within the run, and size, of each leaf in turn. */
  readonly leaves: readonly number[];
}

/** The places of the leaves of a content. */
export interface ContentPlaces {
  readonly runs: readonly Run[];
  /** Bytes of all runs. */
  readonly runSize: number;
  readonly size: number;
}

/** Finds the places of a content's leaves; undefined if one is not a stored Block, is used in part, or is compressed. */
export function contentPlaces(leaves: readonly Leaf[], locations: readonly (BlockLocation | undefined)[]): ContentPlaces | undefined {
  let sum = 0;
  const runs: { file: string; offset: number; size: number; leaves: number[] }[] = [];
  for (const [i, { block, size }] of leaves.entries()) {
    const place = locations[i];
    if (block.kind !== 'hash' || size !== block.span || place?.codec !== 'none' || place.storedSize !== size) return undefined;
    sum += size;
    const run = runs.at(-1);
    const gap = run === undefined ? -1 : place.offset - run.offset - run.size;
    if (run === undefined || run.file !== place.file || gap < 0 || gap > MAX_GAP) {
      runs.push({ file: place.file, offset: place.offset, size, leaves: [0, size] });
    } else {
      run.leaves.push(run.size + gap, size);
      run.size += gap + size;
    }
  }
  return { runs, runSize: runs.reduce((all, { size }) => all + size, 0), size: sum };
}

/**
 * Reads a content at its places, without verifying it; undefined if a file ends too early.
 *
 * @param descriptor - gives the open file of a path
 * @param data - memory for `runSize` bytes; the content is a part of it
 * @throws the system's error
 */
export function readAtPlaces({ runs, size }: ContentPlaces, descriptor: (file: string) => number, data: Buffer): Uint8Array | undefined {
  let end = 0;
  for (const run of runs) {
    if (readSync(descriptor(run.file), data, end, run.size, run.offset) !== run.size) return undefined;
    // Moves leaves together, over the headers between them.
    const start = end;
    for (let i = 0; i < run.leaves.length; i += 2) {
      const from = start + (run.leaves[i] ?? 0);
      const leafSize = run.leaves[i + 1] ?? 0;
      if (from !== end) data.copyWithin(end, from, from + leafSize);
      end += leafSize;
    }
  }
  return end === size ? data.subarray(0, end) : undefined;
}

/** Whether a content matches the digests of its leaves. */
export function isOfLeaves(content: Uint8Array, leaves: readonly Leaf[], hash: HashFunction): boolean {
  const ranges: number[] = [];
  const expected: Uint8Array[] = [];
  for (const { block, start, size } of leaves) {
    if (block.kind !== 'hash' || block.hashcode.hashName !== hash.name) return false;
    ranges.push(start, start + size);
    expected.push(block.hashcode.digest);
  }
  const digests = new Uint8Array(leaves.length * hash.digestSize);
  hash.digestMany(content, ranges, digests);
  return Buffer.compare(digests, Buffer.concat(expected)) === 0;
}
