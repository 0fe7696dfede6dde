import { deflateSync, inflateSync } from 'node:zlib';
import type { Codec } from './datafile.ts';
import { decodePart, type FindFrame } from './frame.ts';
import { zstd } from './zstd.ts';

/** Fewer octets than this are not compressed. */
const MIN_COMPRESSED_SIZE = 64;
/**
 * The zlib level. For mail and logs in leaves of 48 KB, levels 1, 3, 4, 5 and 6 compressed to 0.36, 0.35, 0.34, 0.32 and 0.32.
 * Their relative times were 1, 1.4, 1.8, 2.8 and 3.4.
 */
const LEVEL = 5;
/** Octets that are compressed as a trial before a large Block is. */
const PROBE_SIZE = 2048;

/** Minimum of zlib's `chunkSize`, in octets. */
const MIN_CHUNK_SIZE = 64;

/** How a Store compresses added Blocks. If that saves less than a tenth, a Block is stored uncompressed. */
export type StoredCompression = 'none' | 'zlib';

/** A Block's compressed bytes, ready to be stored. */
export interface CompressedBytes {
  readonly codec: 'zlib';
  readonly data: Uint8Array;
}

/** Compresses a Block's bytes; undefined if that saves less than a tenth. */
export function compressStored(data: Uint8Array, compression: StoredCompression): CompressedBytes | undefined {
  if (compression === 'none') return undefined;
  if (data.length < MIN_COMPRESSED_SIZE) return undefined;
  // Try a small piece from the middle, to detect compressed data: on random octets, deflate only achieves 43 MB/s.
  if (data.length > 4 * PROBE_SIZE) {
    const start = (data.length - PROBE_SIZE) >>> 1;
    if (deflateSync(data.subarray(start, start + PROBE_SIZE), { level: 1 }).length > 0.95 * PROBE_SIZE) return undefined;
  }
  const packed = deflateSync(data, { level: LEVEL });
  return packed.length < 0.9 * data.length ? { codec: 'zlib', data: packed } : undefined;
}

/**
 * Decodes a Block's stored bytes; undefined if they cannot be decoded to `size` octets.
 *
 * @param stored - all stored octets; with codec `none` they are the result
 * @param size - octets of the Block, at most MAX_STORED_SIZE
 * @param findFrame - finds frames; needed for codec `part`
 */
export function decodeStored(stored: Buffer, codec: Codec, size: number, findFrame?: FindFrame): Buffer | undefined {
  switch (codec) {
    case 'none':
      return stored.length === size ? stored : undefined;
    case 'zlib':
      return inflated(stored, size);
    case 'zstd':
      return zstd().decompress(stored, size);
    case 'part':
      return partOf(stored, size, findFrame);
    case 'unknown':
      return undefined;
  }
}

function inflated(stored: Buffer, size: number): Buffer | undefined {
  try {
    const data = inflateSync(stored, { maxOutputLength: Math.max(size, 1), chunkSize: Math.max(size, MIN_CHUNK_SIZE) });
    return data.length === size ? data : undefined;
  } catch {
    return undefined;
  }
}

/** A view of a Block in its decompressed frame. */
function partOf(stored: Buffer, size: number, findFrame: FindFrame | undefined): Buffer | undefined {
  const part = decodePart(stored);
  const frame = part && findFrame?.(part.back, part.frameSize);
  return frame !== undefined && part !== undefined && part.start + size <= frame.length
    ? frame.subarray(part.start, part.start + size)
    : undefined;
}
