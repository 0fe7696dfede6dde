import type { Block } from '../block/block.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import type { DigestedBlock } from '../store/store.ts';
import type { LeafTable } from './ingest-protocol.ts';

/** Of a leaf that is stored as a Block. */
export const LEAF_HASHED = 0;

/** Of a leaf whose octets are all the same. */
export const LEAF_RUN = 1;

/** Of a leaf that stands in its reference. */
export const LEAF_LITERAL = 2;

/**
 * The Block of a leaf in a table; one that is to be stored is put on `blocks` too.
 *
 * @param ranges - pairs: where the leaves lie in `bytes`
 */
export function leafOf(
  hashName: HashName,
  table: LeafTable,
  index: number,
  ranges: ArrayLike<number>,
  bytes: Uint8Array,
  blocks: DigestedBlock[],
): Block {
  const start = ranges[index * 2] ?? 0;
  const end = ranges[index * 2 + 1] ?? 0;
  const span = end - start;
  const { digestSize } = hashByName(hashName);
  switch (table.kinds[index]) {
    case LEAF_RUN:
      return { kind: 'run', span, octet: bytes[start] ?? 0 };
    case LEAF_LITERAL:
      return { kind: 'literal', span, data: bytes.slice(start, end) };
    default: {
      const digest = table.digests.subarray(index * digestSize, (index + 1) * digestSize);
      blocks.push({ digest, data: bytes.subarray(start, end), crc32: table.crcs[index] ?? 0 });
      return { kind: 'hash', span, hashcode: { hashName, digest } };
    }
  }
}
